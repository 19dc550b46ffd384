//! One hint more at each call: question, place, approach. Where the last check failed as a wrong attempt does, that
//! attempt's idea comes first.

use anyhow::{Result, bail};

use super::wrong_attempts::Attempt;
use super::{Outcome, Workshop};
use crate::exercise::Exercise;
use crate::readme;
use crate::repo::read;
use crate::screen::{bold, dim, say, wrapped};
use crate::signatures;
use crate::telling::Telling;

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
    say_ideas(workshop, &exercise)?;
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

/// The ideas of the wrong attempts that fail as the last check did, if it failed.
fn say_ideas(workshop: &Workshop, exercise: &Exercise) -> Result<()> {
    let repo = &workshop.repo;
    let signatures = read(&repo.solution(exercise).join(signatures::FILE)).unwrap_or_default();
    let signatures = signatures::parse(&signatures);
    let telling = Telling::read(&repo.reports(exercise), &read(&repo.story(exercise)).unwrap_or_default());
    let Some(worst) = telling.worst() else { return Ok(()) };
    let recognised = signatures::recognise(&signatures, worst);
    let attempts = Attempt::all(repo, exercise)?;
    let ideas: Vec<(&str, &str)> = attempts
        .iter()
        .filter(|attempt| attempt.is_wrong() && recognised.contains(&attempt.name.as_str()))
        .filter_map(|attempt| Some((attempt.name.as_str(), attempt.header.why.as_deref()?)))
        .collect();
    let known = match ideas.len() {
        0 => return Ok(()),
        1 => "A known idea fails",
        _ => "Known ideas fail",
    };
    say(format!("At the last check, \"{}\" failed. {known} in the same way; is it yours?\n", worst.property));
    for (name, idea) in ideas {
        for line in wrapped(&format!("{name}: {idea}"), 96) {
            say(format!("  {line}"));
        }
        say("");
    }
    Ok(())
}
