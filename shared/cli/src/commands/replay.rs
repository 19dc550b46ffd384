//! Steps through the last violation, line by line: no alternate screen, and in a pipe everything at once.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use explorer::count::many;
use explorer::schedule::Schedule;

use super::{Outcome, Workshop};
use crate::cargo::{self, Loudness};
use crate::exercise::Exercise;
use crate::repo::read;
use crate::screen::{self, ask, bold, dim, green, red, say};
use crate::telling::{self, Run};

pub(crate) fn run(workshop: &Workshop, which: &[PathBuf], html: bool) -> Result<Outcome> {
    let file = find(workshop, which)?;
    if html {
        return show_page(workshop, &file);
    }
    let schedule = Schedule::parse(&read(&file)?)
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("{} is not a schedule", workshop.repo.shown(&file)))?;
    let about = |key| schedule.about(key).unwrap_or_default();
    say(bold(&format!("exercise {} · {}", about("exercise"), about("story").replace('_', " "))));
    say(match about("as_asked") {
        "true" => green(&format!("✓ {}", about("property"))),
        _ => red(&format!("✗ {}", about("property"))),
    });
    let world = if about("world").is_empty() { String::new() } else { format!("{}, ", about("world")) };
    let steps = many(schedule.steps.len() as u64, "step");
    say(dim(&format!("  {world}in {steps}; from {}", workshop.repo.shown(&file))));
    say("");
    if !step_through(&schedule.steps) {
        return Ok(Outcome::Holds);
    }
    say("");
    follow(workshop, &file, about("exercise"))
}

/// Lets the exercise, as it is now, follow the schedule, and says what came of it.
fn follow(workshop: &Workshop, file: &Path, number: &str) -> Result<Outcome> {
    let exercise = workshop.exercise(Some(number))?;
    let repo = &workshop.repo;
    let built = cargo::build(repo, &[format!("exercise-{number}")], &[], Loudness::Quiet)?;
    let binaries = built.find(&repo.exercise(&exercise), Some("story"));
    if !built.complete || binaries.is_empty() {
        say(red(&format!("exercise {number} does not compile: see above")));
        return Ok(Outcome::CouldNotRun);
    }
    let reports = repo.reports(&exercise).join("replayed");
    let file = std::path::absolute(file)?;
    let run = Run { schedule: Some(&file), ..Run::new(&binaries, &reports) };
    let telling = run.tell(&exercise, &read(&repo.story(&exercise))?)?;
    for told in &telling.stories {
        say(screen::story(&told.text));
    }
    Ok(telling.worst().map_or(Outcome::CouldNotRun, |worst| worst.verdict.into()))
}

/// Shows one step after the other; `false` if the reader quits.
fn step_through(steps: &[String]) -> bool {
    let show = |at: usize| say(format!("{:>3}  {}", at + 1, steps[at]));
    let mut asking = true;
    let mut at = 0;
    while at < steps.len() {
        show(at);
        at += 1;
        if !asking || at == steps.len() {
            continue;
        }
        match ask(&dim("     Enter: next step   b: one back   a: all   q: quit")).as_deref() {
            None | Some("a") => asking = false,
            Some("q") => return false,
            Some("b") => at = at.saturating_sub(2),
            Some(_) => {}
        }
    }
    true
}

fn show_page(workshop: &Workshop, schedule: &Path) -> Result<Outcome> {
    let page = schedule.with_extension("html");
    if !page.is_file() {
        bail!(
            "expected the violation's page at {}, but it is not there\n  next  check the exercise again",
            page.display()
        );
    }
    let page = page.canonicalize().unwrap_or(page);
    say(format!("page  {}", workshop.repo.shown(&page)));
    say(format!("open  {}", url(&page)));
    Ok(Outcome::Holds)
}

/// The page's address for a browser.
fn url(page: &Path) -> String {
    let path = page.display().to_string().replace('\\', "/");
    let path = path.trim_start_matches("//?/").trim_start_matches('/');
    let mut url = "file:///".to_owned();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' | b':' => {
                url.push(char::from(byte))
            }
            _ => url += &format!("%{byte:02X}"),
        }
    }
    url
}

/// The schedule that is meant: a file, or the last one of an exercise, or the last of all.
fn find(workshop: &Workshop, which: &[PathBuf]) -> Result<PathBuf> {
    let is_file = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "schedule") || path.is_file();
    let file = which.iter().find(is_file);
    let number = which.iter().find(|path| Some(path) != file.as_ref());
    let number = number.map(|path| path.to_string_lossy().into_owned());
    let exercise = number.map(|typed| workshop.exercise(Some(&typed))).transpose()?;
    if let Some(file) = file {
        return match [file.clone(), workshop.repo.root().join(file)].into_iter().find(|path| path.is_file()) {
            Some(found) => Ok(found),
            None => bail!("expected a schedule file, but there is none at {}", file.display()),
        };
    }
    match exercise {
        Some(exercise) => last_of(workshop, &exercise),
        None => {
            let ready = workshop.catalogue.exercises.iter().filter(|exercise| exercise.is_ready());
            let newest = ready.filter_map(|exercise| {
                let schedules = telling::files(&workshop.repo.reports(exercise), &["schedule"]);
                let changed = schedules.iter().filter_map(|path| path.metadata().ok()?.modified().ok()).max()?;
                Some((changed, exercise))
            });
            match newest.max_by_key(|(changed, _)| *changed) {
                Some((_, exercise)) => last_of(workshop, exercise),
                None => bail!("no violation is there to replay\n  next  cargo workshop check"),
            }
        }
    }
}

/// The first violated story's schedule; the others are named.
fn last_of(workshop: &Workshop, exercise: &Exercise) -> Result<PathBuf> {
    let reports = workshop.repo.reports(exercise);
    let number = &exercise.number;
    let stories = workshop.last_telling(exercise).stories;
    let mut schedules = telling::files(&reports, &["schedule"]);
    let place = |path: &PathBuf| {
        stories.iter().position(|told| path.file_stem().is_some_and(|s| s == told.report.story.as_str()))
    };
    schedules.sort_by_key(|path| place(path).unwrap_or(usize::MAX));
    if schedules.is_empty() {
        bail!("exercise {number} has no violation to replay\n  next  cargo workshop check {number}");
    }
    let first = schedules.remove(0);
    for other in schedules {
        screen::note(&format!("another: cargo workshop replay {}", workshop.repo.shown(&other)));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_an_address() {
        assert_eq!(url(Path::new("/kit/target/a b.html")), "file:///kit/target/a%20b.html");
        assert_eq!(url(Path::new(r"\\?\C:\kit\a.html")), "file:///C:/kit/a.html");
    }
}
