//! One file a command.

mod check;
mod diff;
mod doctor;
mod hint;
mod overview;
mod replay;
mod start;
mod verify;
mod wrong_attempts;

use std::process::ExitCode;

use anyhow::{Result, bail};
use story::report::VerdictName;

use crate::args::Command;
use crate::catalogue::Catalogue;
use crate::exercise::Exercise;
use crate::progress::Progress;
use crate::repo::{Repo, read};
use crate::telling::Telling;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, or it holds.
    Holds,
    /// Something is violated, never met, or not written yet.
    Violated,
    /// Could not decide, or could not run.
    CouldNotRun,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Holds => 0,
            Outcome::Violated => 1,
            Outcome::CouldNotRun => 2,
        })
    }
}

impl From<VerdictName> for Outcome {
    fn from(verdict: VerdictName) -> Outcome {
        match verdict {
            VerdictName::Holds => Outcome::Holds,
            VerdictName::Vacuous | VerdictName::NotWritten | VerdictName::Violated => Outcome::Violated,
            VerdictName::Unrefuted | VerdictName::Error => Outcome::CouldNotRun,
        }
    }
}

/// Runs one command.
pub(crate) fn run(command: Option<Command>) -> Result<Outcome> {
    if matches!(command, Some(Command::Doctor)) {
        return doctor::run();
    }
    let mut workshop = Workshop::here()?;
    match command {
        None => overview::run(&mut workshop),
        Some(Command::Check { exercise, json }) => check::run(&mut workshop, exercise.as_deref(), json),
        Some(Command::Hint { exercise }) => hint::run(&mut workshop, exercise.as_deref()),
        Some(Command::Diff { exercise, yes }) => diff::run(&mut workshop, exercise.as_deref(), yes),
        Some(Command::Start { exercise }) => start::run(&workshop, &exercise),
        Some(Command::Replay { which, html }) => replay::run(&workshop, &which, html),
        Some(Command::Break { exercise, attempt }) => wrong_attempts::run(&workshop, &exercise, attempt.as_deref()),
        Some(Command::Doctor) => doctor::run(),
        Some(Command::Verify { exercises, deep, refresh }) => verify::run(&workshop, &exercises, deep, refresh),
    }
}

/// A clone, its exercises, and how far the attendee has come.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) repo: Repo,
    pub(crate) catalogue: Catalogue,
    pub(crate) progress: Progress,
}

impl Workshop {
    fn here() -> Result<Workshop> {
        let repo = Repo::here()?;
        let catalogue = Catalogue::of(&repo)?;
        let progress = Progress::of(&repo);
        let mut workshop = Workshop { repo, catalogue, progress };
        workshop.tick_what_held_under_cargo_test();
        Ok(workshop)
    }

    /// The exercise of this number; without one, the current exercise.
    pub(crate) fn exercise(&self, typed: Option<&str>) -> Result<Exercise> {
        match typed {
            Some(typed) => self.catalogue.find(typed).cloned(),
            None => match self.current() {
                Some(exercise) => Ok(exercise.clone()),
                None => bail!(
                    "every exercise that is here is done; say which one you mean, such as `cargo workshop check 03`"
                ),
            },
        }
    }

    /// The first exercise that is not done.
    pub(crate) fn current(&self) -> Option<&Exercise> {
        self.catalogue.exercises.iter().find(|exercise| exercise.is_ready() && !self.progress.get(exercise).done)
    }

    /// The exercise to go on with after this one.
    pub(crate) fn next_after(&self, exercise: &Exercise) -> Option<&Exercise> {
        let later = self.catalogue.exercises.iter().skip_while(|other| other.number != exercise.number);
        let later = later.skip(1).find(|other| other.is_ready() && !self.progress.get(other).done);
        later.or_else(|| self.current())
    }

    /// What the last run of an exercise's stories left.
    pub(crate) fn last_telling(&self, exercise: &Exercise) -> Telling {
        let story = read(&self.repo.story(exercise)).unwrap_or_default();
        Telling::read(&self.repo.reports(exercise), &story)
    }

    /// `cargo test` leaves results, but no ticks.
    fn tick_what_held_under_cargo_test(&mut self) {
        for exercise in self.catalogue.exercises.clone() {
            if exercise.is_ready() && !self.progress.get(&exercise).done && self.held_as_it_stands(&exercise) {
                // A tick that cannot be written shows again at the next check.
                let _ = self.progress.tick(&exercise);
            }
        }
    }

    /// Whether every story of the story file left a result that holds, after the last edit.
    fn held_as_it_stands(&self, exercise: &Exercise) -> bool {
        let Ok(story) = read(&self.repo.story(exercise)) else { return false };
        let telling = self.last_telling(exercise);
        let all = crate::telling::story_tests(&story);
        let told = |name: &String| telling.stories.iter().any(|told| told.report.story == *name);
        let changed = |path: &std::path::Path| path.metadata().and_then(|file| file.modified()).ok();
        let edited = changed(&self.repo.answer(exercise)).max(changed(&self.repo.story(exercise)));
        let reports = crate::telling::files(&self.repo.reports(exercise), &["json"]);
        telling.holds() && all.iter().all(told) && reports.iter().all(|report| changed(report) > edited)
    }
}

/// An empty folder for a test.
#[cfg(test)]
pub(crate) fn scratch(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("workshop-cli-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
