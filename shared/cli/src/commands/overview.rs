//! Where you are: every exercise by part, and the next command to type.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use anyhow::Result;
use story::report::VerdictName;

use super::{Outcome, Workshop};
use crate::exercise::Exercise;
use crate::screen::{bold, dim, green, red, say, yellow};

pub(crate) fn run(workshop: &mut Workshop) -> Result<Outcome> {
    let catalogue = &workshop.catalogue;
    let here: Vec<&Exercise> = catalogue.exercises.iter().filter(|exercise| exercise.is_ready()).collect();
    let done = here.iter().filter(|exercise| workshop.progress.get(exercise).done).count();
    say(bold("Reliable event-driven microservices: each message processed exactly once"));
    let planned = match catalogue.exercises.len() - here.len() {
        0 => String::new(),
        planned => format!(", {planned} not here yet"),
    };
    say(format!("{done} of {} exercises done{planned}", here.len()));
    let current = workshop.current().map(|exercise| exercise.number.clone());
    let changed = changed_stories(workshop);
    for part in &catalogue.parts {
        let exercises: Vec<&Exercise> = catalogue.exercises.iter().filter(|e| e.part == part.number).collect();
        let day = exercises.first().map_or(String::new(), |exercise| format!("day {}", exercise.day));
        let minutes: u32 = exercises.iter().map(|exercise| exercise.minutes).sum();
        let about = dim(&format!("{day}, {minutes} min"));
        say(format!("\n{}  {about}", bold(&format!("Part {} · {}", part.number, part.title))));
        for exercise in exercises {
            let is_current = current.as_ref() == Some(&exercise.number);
            let mut row = row(workshop, exercise, is_current);
            if changed.contains(&exercise.number) {
                row += &yellow("  story changed");
            }
            say(row.trim_end());
        }
    }
    say("");
    match workshop.current() {
        Some(exercise) => next(workshop, exercise),
        None => say(green("Every exercise that is here is done. Compare your answers: cargo workshop diff 01")),
    }
    Ok(Outcome::Holds)
}

fn row(workshop: &Workshop, exercise: &Exercise, is_current: bool) -> String {
    let title = format!("{}  {:<30} {:>3} min", exercise.number, exercise.title, exercise.minutes);
    if !exercise.is_ready() {
        return dim(&format!("    {title}  not here yet"));
    }
    if workshop.progress.get(exercise).done {
        return format!("  {}", green(&format!("✓ {title}  done")));
    }
    let last = match workshop.last_telling(exercise).worst() {
        Some(worst) if worst.verdict == VerdictName::Violated => red(&format!("violated: {}", worst.property)),
        Some(worst) if worst.verdict == VerdictName::Holds => String::new(),
        Some(worst) => yellow(&worst.message),
        None => String::new(),
    };
    match is_current {
        true => format!("  {}  {last}", bold(&format!("▶ {title}"))),
        false => format!("  · {title}  {last}"),
    }
}

fn next(workshop: &Workshop, exercise: &Exercise) {
    let number = &exercise.number;
    let tried = !workshop.last_telling(exercise).stories.is_empty();
    let answer = workshop.repo.shown(&workshop.repo.answer(exercise));
    let readme = workshop.repo.shown(&workshop.repo.exercise(exercise).join("README.md"));
    if tried {
        say(format!("edit  {answer}"));
        say(format!("next  {}", bold(&format!("cargo workshop check {number}"))));
        say(dim(&format!(
            "      cargo workshop hint {number}    cargo workshop replay {number}    cargo workshop --help"
        )));
    } else {
        if let Some(lecture) = exercise.lecture.as_ref().filter(|path| workshop.repo.root().join(path).is_file()) {
            say(format!("hear  {lecture}"));
        }
        say(format!("read  {readme}"));
        say(format!("next  {}", bold(&format!("cargo workshop check {number}"))));
        say(dim("      cargo workshop --help lists everything"));
    }
}

/// The exercises whose story files differ from what the clone came with, where git can tell.
fn changed_stories(workshop: &Workshop) -> BTreeSet<String> {
    let mut command = Command::new("git");
    command.args(["status", "--porcelain", "--no-renames", "--", "exercises"]);
    command.current_dir(workshop.repo.root()).stdin(Stdio::null()).stderr(Stdio::null());
    let Ok(output) = command.output() else { return BTreeSet::new() };
    let changed = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_changed = |exercise: &&Exercise| {
        let story = format!("exercises/{}/{}", exercise.folder, exercise.story);
        changed.lines().any(|line| !line.starts_with("??") && line.ends_with(&story))
    };
    workshop.catalogue.exercises.iter().filter(is_changed).map(|exercise| exercise.number.clone()).collect()
}
