//! One hint more at each call: question, place, approach.

use anyhow::{Result, bail};

use super::{Outcome, Workshop};
use crate::readme;
use crate::repo::read;
use crate::screen::{bold, dim, say};

pub(crate) fn run(workshop: &mut Workshop, typed: Option<&str>) -> Result<Outcome> {
    let exercise = workshop.exercise(typed)?;
    let path = workshop.repo.exercise(&exercise).join("README.md");
    let hints = readme::hints(&read(&path)?);
    if hints.is_empty() {
        bail!(
            "expected hints in {}, such as <details><summary>Hint 1</summary> … </details>, but there are none",
            workshop.repo.shown(&path)
        );
    }
    let open = workshop.progress.get(&exercise).hints.min(hints.len());
    say(format!("{}\n", bold(&exercise.heading())));
    if open == hints.len() {
        for (at, hint) in hints.iter().enumerate() {
            say(format!("{}\n{hint}\n", bold(&format!("Hint {} of {}", at + 1, hints.len()))));
        }
        say(dim(&format!("No hint is left. cargo workshop diff {} shows the solution beside yours.", exercise.number)));
        return Ok(Outcome::Holds);
    }
    say(format!("{}\n{}\n", bold(&format!("Hint {} of {}", open + 1, hints.len())), hints[open]));
    say(dim(&match hints.len() - open - 1 {
        0 => "That was the last; the next call shows them all again.".to_owned(),
        1 => format!("1 hint is left: cargo workshop hint {}", exercise.number),
        left => format!("{left} hints are left: cargo workshop hint {}", exercise.number),
    }));
    workshop.progress.open_hints(&exercise, open + 1)?;
    Ok(Outcome::Holds)
}
