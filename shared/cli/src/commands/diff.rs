//! The attendee's file against the solution.

use anyhow::{Result, bail};
use similar::{ChangeTag, TextDiff};

use super::{Outcome, Workshop};
use crate::exercise::Exercise;
use crate::repo::{Repo, read};
use crate::screen::{ask, bold, dim, green, red, say};

pub(crate) fn run(workshop: &mut Workshop, typed: Option<&str>, yes: bool) -> Result<Outcome> {
    let exercise = workshop.exercise(typed)?;
    let spoils = !workshop.progress.get(&exercise).done;
    if spoils && !yes && !may_spoil(&exercise)? {
        say("Nothing was shown.");
        return Ok(Outcome::Holds);
    }
    show(&workshop.repo, &exercise)?;
    Ok(Outcome::Holds)
}

/// Asks twice.
fn may_spoil(exercise: &Exercise) -> Result<bool> {
    let number = &exercise.number;
    let questions = [
        format!("This shows the solution of exercise {number}, which you have not solved yet. Show it? [y/N]"),
        format!("Sure? `cargo workshop hint {number}` spoils less. Show the solution? [y/N]"),
    ];
    for question in questions {
        match ask(&question) {
            Some(answer) if answer == "y" || answer == "yes" => {}
            Some(_) => return Ok(false),
            None => bail!(
                "this shows the solution of exercise {number}, which is not solved yet, and nobody is there to ask\n  \
                 next  cargo workshop diff {number} --yes"
            ),
        }
    }
    Ok(true)
}

fn show(repo: &Repo, exercise: &Exercise) -> Result<()> {
    let (mine_at, solution_at) = (repo.answer(exercise), repo.solution(exercise).join("src").join("lib.rs"));
    let lines = |text: String| text.replace("\r\n", "\n");
    let (mine, solution) = (lines(read(&mine_at)?), lines(read(&solution_at)?));
    if mine == solution {
        say("Your file is the solution, line by line.");
        return Ok(());
    }
    let diff = TextDiff::from_lines(&mine, &solution);
    say(bold(&format!("--- {}\n+++ {}", repo.shown(&mine_at), repo.shown(&solution_at))));
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        say(dim(&hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            say(match change.tag() {
                ChangeTag::Delete => red(&format!("-{line}")),
                ChangeTag::Insert => green(&format!("+{line}")),
                ChangeTag::Equal => format!(" {line}"),
            });
        }
    }
    let notes = repo.solution(exercise).join("NOTES.md");
    if notes.is_file() {
        say(format!("\nwhy  {}", repo.shown(&notes)));
    }
    Ok(())
}
