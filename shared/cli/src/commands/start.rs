//! Puts an exercise's starting point back, whatever was done before.

use anyhow::Result;

use super::{Outcome, Workshop};
use crate::screen::{bold, green, say};
use crate::starting_point::{PutBack, put_back};
use crate::telling;

pub(crate) fn run(workshop: &Workshop, typed: &str) -> Result<Outcome> {
    let exercise = workshop.exercise(Some(typed))?;
    let repo = &workshop.repo;
    let answer = repo.answer(&exercise);
    let done = put_back(&answer, &repo.solution(&exercise).join("start.rs"))?;
    let shown = repo.shown(&answer);
    match &done {
        PutBack::Already => say(format!("{shown} is the starting point already; nothing was changed.")),
        PutBack::Missing => say(green(&format!("{shown} is the starting point."))),
        PutBack::Kept(kept) => {
            say(green(&format!("{shown} is the starting point again.")));
            say(format!("kept  {} is what you had; copy it back to undo this", repo.shown(kept)));
        }
    }
    if done != PutBack::Already {
        telling::clear(&repo.reports(&exercise))?;
    }
    say(format!("read  {}", repo.shown(&repo.exercise(&exercise).join("README.md"))));
    say(format!("next  {}", bold(&format!("cargo workshop check {}", exercise.number))));
    Ok(Outcome::Holds)
}
