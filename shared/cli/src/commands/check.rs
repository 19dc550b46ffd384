//! Builds and explores one exercise: the same verdict as `cargo test -p exercise-NN`.

use anyhow::Result;
use explorer::count::{many, thousands};
use serde::Serialize;
use story::report::{StoryReport, VerdictName};

use super::{Outcome, Workshop};
use crate::cargo::{self, Loudness};
use crate::exercise::Exercise;
use crate::repo::read;
use crate::screen::{self, bold, dim, green, red, say, yellow};
use crate::telling::{Run, Telling, verdict_name};

pub(crate) fn run(workshop: &mut Workshop, typed: Option<&str>, json: bool) -> Result<Outcome> {
    let exercise = workshop.exercise(typed)?;
    let Some(telling) = examine(workshop, &exercise)? else {
        if json {
            say(to_json(&exercise, &Telling::default())?);
        } else {
            say(red(&format!("exercise {} does not compile: see above", exercise.number)));
            say(format!("next  edit {}", workshop.repo.shown(&workshop.repo.answer(&exercise))));
            say(format!("      or, to begin again (yours is kept): cargo workshop start {}", exercise.number));
        }
        return Ok(Outcome::CouldNotRun);
    };
    let worst = telling.worst().map_or(VerdictName::Error, |worst| worst.verdict);
    if worst == VerdictName::Holds {
        workshop.progress.tick(&exercise)?;
    }
    if json {
        say(to_json(&exercise, &telling)?);
    } else {
        show(workshop, &exercise, &telling);
    }
    Ok(worst.into())
}

/// Builds and runs an exercise's stories; `None` if it does not compile, which the compiler has explained then.
fn examine(workshop: &Workshop, exercise: &Exercise) -> Result<Option<Telling>> {
    let repo = &workshop.repo;
    let story = read(&repo.story(exercise))?;
    let reports = repo.reports(exercise);
    let loudness = if reports.is_dir() { Loudness::Quiet } else { Loudness::Progress };
    let built = cargo::build(repo, &[format!("exercise-{}", exercise.number)], &[], loudness)?;
    let binaries = built.find(&repo.exercise(exercise), None);
    if !built.complete || binaries.is_empty() {
        return Ok(None);
    }
    Run::new(&binaries, &reports).tell(exercise, &story).map(Some)
}

fn show(workshop: &Workshop, exercise: &Exercise, telling: &Telling) {
    say(format!("{}\n", bold(&exercise.heading())));
    // One red story is told in full; of the others, what they claim. Who mends the first sees the next.
    let mut told_one = false;
    for told in &telling.stories {
        let holds = told.report.verdict == VerdictName::Holds;
        if holds || !std::mem::replace(&mut told_one, true) {
            say(screen::story(&told.text));
        } else {
            let title = told.text.lines().next().unwrap_or_default();
            let again = dim(&format!("  {}", told.report.message));
            say(format!("{}\n{again}", screen::story(title)));
        }
        if !holds {
            say("");
        }
    }
    let all = telling.stories.len();
    let number = &exercise.number;
    let mut size = format!("{} ms", thousands(telling.millis()));
    if telling.states() > 0 {
        size = format!("{}, {size}", many(telling.states(), "state"));
    }
    let Some(worst) = telling.worst() else { return };
    if worst.verdict == VerdictName::Holds {
        let grid = crate::grid::draw(&telling.stories);
        if !grid.is_empty() {
            say(format!("\nwhat your code survived\n{grid}{}", dim(crate::grid::LEGEND)));
        }
        let stories = if all == 1 { "the story holds".to_owned() } else { format!("all {all} stories hold") };
        say(green(&format!("✓ exercise {number}: {stories} ({size})")));
        match workshop.next_after(exercise) {
            Some(next) => say(format!("next  {}", bold(&format!("cargo workshop check {}", next.number)))),
            None => say("next  nothing: every exercise that is here is done"),
        }
        say(dim(&format!("      cargo workshop diff {number} compares with the solution")));
        return;
    }
    let hold = telling.stories.iter().filter(|told| told.report.verdict == VerdictName::Holds).count();
    let what = match worst.verdict {
        VerdictName::Violated => red(&format!("violated: {}", worst.property)),
        VerdictName::Error => red(&format!("could not be told: {}", worst.message)),
        _ => yellow(&worst.message),
    };
    say(format!("{hold} of {all} stories hold ({size})\n{what}"));
    say(format!("edit  {}", workshop.repo.shown(&workshop.repo.answer(exercise))));
    say(format!("next  {}", bold(&format!("cargo workshop check {number}"))));
    say(dim(&format!("      cargo workshop hint {number}    cargo workshop replay {number}")));
}

fn to_json(exercise: &Exercise, telling: &Telling) -> Result<String> {
    #[derive(Serialize)]
    struct Check<'a> {
        exercise: &'a str,
        verdict: &'a str,
        property: &'a str,
        states: u64,
        millis: u64,
        stories: Vec<&'a StoryReport>,
    }
    let worst = telling.worst();
    let check = Check {
        exercise: &exercise.number,
        verdict: worst.map_or("error", |worst| verdict_name(worst.verdict)),
        property: worst.map_or("", |worst| &worst.property),
        states: telling.states(),
        millis: telling.millis(),
        stories: telling.stories.iter().map(|told| &told.report).collect(),
    };
    Ok(serde_json::to_string_pretty(&check)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::tests::told;

    #[test]
    fn json_has_exactly_the_promised_keys() {
        let text =
            "[part-1]\ntitle=\"\"\n[exercise-03]\ntitle=\"\"\nfolder=\"03_a\"\npart=1\nday=1\nminutes=1\nstory=\"s\"";
        let catalogue = crate::catalogue::Catalogue::parse(text).unwrap();
        let stories = vec![told("a", VerdictName::Holds, ""), told("b", VerdictName::Violated, "p")];
        let json = to_json(&catalogue.exercises[0], &Telling { stories }).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let keys = |value: &serde_json::Value| {
            let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys.join(" ")
        };
        assert_eq!(keys(&json), "exercise millis property states stories verdict");
        assert_eq!(
            keys(&json["stories"][0]),
            "exercise faults message millis page property schedule states story transitions verdict"
        );
        assert_eq!((&json["verdict"], &json["property"]), (&"violated".into(), &"p".into()));
        assert_eq!((json["states"].as_u64(), json["millis"].as_u64()), (Some(20), Some(6)));
    }

    #[test]
    fn a_verdict_gives_the_exit_code() {
        let verdicts = [VerdictName::Holds, VerdictName::Violated, VerdictName::Vacuous, VerdictName::NotWritten];
        assert_eq!(verdicts.map(Outcome::from)[0], Outcome::Holds);
        assert!(verdicts[1..].iter().all(|verdict| Outcome::from(*verdict) == Outcome::Violated));
        assert_eq!([VerdictName::Unrefuted, VerdictName::Error].map(Outcome::from), [Outcome::CouldNotRun; 2]);
    }
}
