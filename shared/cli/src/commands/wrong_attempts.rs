//! Wrong attempts: lists them, or explores one for all to see.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use attempts::header::Header;
use story::report::VerdictName;

use super::{Outcome, Workshop};
use crate::cargo::{self, Loudness};
use crate::exercise::Exercise;
use crate::repo::{Repo, read};
use crate::screen::{self, bold, dim, green, red, say, wrapped};
use crate::telling::{Run, Tests};

/// A file of a solution's `wrong` or `also_correct` folder.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// `wrong` or `also_correct`.
    pub(crate) folder: &'static str,
    pub(crate) name: String,
    pub(crate) header: Header,
    pub(crate) path: PathBuf,
}

impl Attempt {
    /// The attempts of an exercise: wrong ones first, by name.
    pub(crate) fn all(repo: &Repo, exercise: &Exercise) -> Result<Vec<Attempt>> {
        let mut all = Vec::new();
        for folder in attempts::FOLDERS {
            for path in attempts::files(&repo.solution(exercise).join(folder)).map_err(|error| anyhow!(error))? {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let header = Header::of(&path).map_err(|error| anyhow!(error))?;
                all.push(Attempt { folder, name, header, path });
            }
        }
        Ok(all)
    }

    pub(crate) fn is_wrong(&self) -> bool {
        self.folder == "wrong"
    }

    /// What its tests' paths begin with.
    pub(crate) fn filter(&self) -> String {
        format!("{}::{}::", self.folder, self.name)
    }
}

pub(crate) fn run(workshop: &Workshop, typed: &str, attempt: Option<&str>) -> Result<Outcome> {
    let exercise = workshop.exercise(Some(typed))?;
    let all = Attempt::all(&workshop.repo, &exercise)?;
    match attempt {
        None => {
            list(&exercise, &all);
            Ok(Outcome::Holds)
        }
        Some(wanted) => explore(workshop, &exercise, choose(&exercise, &all, wanted)?),
    }
}

fn list(exercise: &Exercise, all: &[Attempt]) {
    say(bold(&exercise.heading()));
    if !all.iter().any(Attempt::is_wrong) {
        say("\nThere are no wrong attempts here yet.");
        return;
    }
    for attempt in all.iter().filter(|attempt| attempt.is_wrong()) {
        say(format!("\n{}", red(&attempt.name)));
        say(format!("  dies by  {}", attempt.header.dies_by.as_deref().unwrap_or("?")));
        for line in wrapped(attempt.header.why.as_deref().unwrap_or_default(), 96) {
            say(format!("  {line}"));
        }
    }
    say(format!("\nnext  {}", bold(&format!("cargo workshop break {} NAME", exercise.number))));
}

/// The attempt of this name, or the only one whose name begins so.
fn choose<'a>(exercise: &Exercise, all: &'a [Attempt], wanted: &str) -> Result<&'a Attempt> {
    let wanted = Path::new(wanted).file_stem().map_or(wanted.into(), |stem| stem.to_string_lossy());
    if let Some(found) = all.iter().find(|attempt| attempt.name == wanted) {
        return Ok(found);
    }
    let begin: Vec<&Attempt> = all.iter().filter(|attempt| attempt.name.starts_with(&*wanted)).collect();
    match begin[..] {
        [found] => Ok(found),
        _ => {
            let names: Vec<String> = all.iter().map(|a| format!("  {}/{}", a.folder, a.name)).collect();
            bail!(
                "expected an attempt at exercise {}, but `{wanted}` names {} of them\nthese are here:\n{}",
                exercise.number,
                if begin.is_empty() { "none" } else { "several" },
                names.join("\n")
            )
        }
    }
}

fn explore(workshop: &Workshop, exercise: &Exercise, attempt: &Attempt) -> Result<Outcome> {
    let repo = &workshop.repo;
    let solution = repo.solution(exercise);
    let reports = repo.target().join("workshop").join("break").join(&exercise.number).join(&attempt.name);
    let loudness = if reports.is_dir() { Loudness::Quiet } else { Loudness::Progress };
    let built = cargo::build(repo, &[format!("solution-{}", exercise.number)], &["attempts"], loudness)?;
    let binaries = built.find(&solution, Some("attempts"));
    if !built.complete || binaries.is_empty() {
        bail!("the attempts at exercise {} do not compile: see above", exercise.number);
    }
    let filter = attempt.filter();
    let run = Run { tests: Tests::Under(&filter), ..Run::new(&binaries, &reports) };
    let telling = run.tell(exercise, &read(&repo.story(exercise))?)?;
    say(bold(&format!("{} · {}", exercise.heading(), repo.shown(&attempt.path))));
    let about = [&attempt.header.also_correct, &attempt.header.why];
    for line in about.into_iter().flatten().flat_map(|text| wrapped(text, 98)) {
        say(line);
    }
    say("");
    let holds = |verdict| verdict == VerdictName::Holds;
    let shown: Vec<_> = telling.stories.iter().filter(|told| !holds(told.report.verdict) || telling.holds()).collect();
    let of_the_attendee = format!("cargo workshop replay {}", exercise.number);
    for told in &shown {
        let text = match &told.report.schedule {
            Some(file) => told.text.replace(&of_the_attendee, &format!("cargo workshop replay {}", repo.shown(file))),
            None => told.text.clone(),
        };
        say(screen::story(&text));
        say("");
    }
    let held = telling.stories.len() - telling.stories.iter().filter(|told| !holds(told.report.verdict)).count();
    if telling.holds() {
        say(green(&format!("every story holds ({held})")));
    } else {
        say(dim(&format!("{held} of {} stories hold", telling.stories.len())));
    }
    Ok(telling.worst().map_or(Outcome::CouldNotRun, |worst| worst.verdict.into()))
}
