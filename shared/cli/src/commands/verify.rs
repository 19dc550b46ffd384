//! For maintainers: proves that every exercise teaches what it says.
//!
//! - [`files`]: what can be read off the files: hints, headers, counts, tables.
//! - [`answers`]: what must be run: the starting point is red for its promised reason, the solution is green, every
//!   wrong attempt dies by its named property, and every other correct answer holds.
//! - [`figures`]: what the lectures show is what was measured.

mod answers;
mod figures;
mod files;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;

use self::answers::Answers;
use super::wrong_attempts::Attempt;
use super::{Outcome, Workshop};
use crate::cargo::{self, Loudness};
use crate::exercise::Exercise;
use crate::repo::Repo;
use crate::screen::{bold, dim, green, red, say};

/// What is off with one exercise, or with the kit as a whole.
type Reasons = Vec<String>;

pub(crate) fn run(workshop: &Workshop, typed: &[String], deep: bool, refresh: bool) -> Result<Outcome> {
    let exercises = chosen(workshop, typed)?;
    if refresh {
        files::refresh(workshop, &exercises)?;
    }
    let started = Instant::now();
    let mut off: BTreeMap<String, Reasons> = BTreeMap::new();
    off.insert("the kit".into(), files::of_the_kit(workshop)?);
    let mut attempts = BTreeMap::new();
    for exercise in &exercises {
        off.insert(exercise.number.clone(), files::of_exercise(&workshop.repo, exercise)?);
        attempts.insert(exercise.number.clone(), Attempt::all(&workshop.repo, exercise)?);
    }
    let built = build(&workshop.repo, &exercises)?;
    let answers = Answers::gather(&workshop.repo, &exercises, &attempts, &built, deep, refresh)?;
    say(bold(&format!(
        "{:<34}  {:<15}  {:<8}  {:<14}  {:<14}  {:>9}",
        "exercise", "starting point", "solution", "wrong attempts", "other answers", "exploring"
    )));
    for exercise in &exercises {
        let verified = answers.judge(&workshop.repo, exercise);
        say(verified.row(exercise));
        let reasons = off.entry(exercise.number.clone()).or_default();
        reasons.extend(verified.reasons);
        reasons.extend(files::signatures(&workshop.repo, exercise, &answers.signatures(&exercise.number), refresh)?);
        reasons.extend(figures::stale(&workshop.repo, exercise, &built, refresh)?);
    }
    // In larger worlds a story counts more states than its readers will see.
    if !deep && let Some((red, green)) = answers.red_and_green("01") {
        off.entry("the kit".into()).or_default().extend(files::example(&workshop.repo, red, green, refresh)?);
    }
    let planned = workshop.catalogue.exercises.iter().filter(|exercise| !exercise.is_ready()).count();
    let seconds = started.elapsed().as_secs_f64();
    say(dim(&format!("{planned} exercises are planned; verified in {seconds:.1} s")));
    if deep {
        let worlds = answers.larger_worlds();
        say(dim(&format!("solutions were explored in {worlds} larger worlds of the stories, too")));
    }
    let mut all_well = true;
    for (what, reasons) in &off {
        for reason in reasons {
            all_well = false;
            say(format!("{} {reason}", red(&format!("✗ {what}:"))));
        }
    }
    if all_well {
        say(green("✓ every exercise teaches what it says"));
    }
    Ok(if all_well { Outcome::Holds } else { Outcome::Violated })
}

fn chosen(workshop: &Workshop, typed: &[String]) -> Result<Vec<Exercise>> {
    match typed {
        [] => Ok(workshop.catalogue.exercises.iter().filter(|exercise| exercise.is_ready()).cloned().collect()),
        typed => typed.iter().map(|number| workshop.catalogue.find(number).cloned()).collect(),
    }
}

/// One build for all, so that a package is not compiled twice.
fn build(repo: &Repo, exercises: &[Exercise]) -> Result<cargo::Built> {
    let mut packages = Vec::new();
    for exercise in exercises {
        for (folder, name) in [(repo.exercise(exercise), "exercise"), (repo.solution(exercise), "solution")] {
            if folder.join("Cargo.toml").is_file() {
                packages.push(format!("{name}-{}", exercise.number));
            }
        }
    }
    if packages.is_empty() {
        return Ok(cargo::Built::default());
    }
    let figures: Vec<String> = exercises.iter().flat_map(|exercise| figures::tests(repo, exercise)).collect();
    let mut tests = vec!["story", "attempts"];
    tests.extend(figures.iter().map(String::as_str));
    cargo::build(repo, &packages, &tests, Loudness::Progress)
}
