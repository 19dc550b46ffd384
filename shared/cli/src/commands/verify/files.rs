//! What can be read off the files, without running anything.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use super::Reasons;
use crate::commands::Workshop;
use crate::commands::wrong_attempts::Attempt;
use crate::exercise::Exercise;
use crate::readme;
use crate::repo::{Repo, read, same_lines};
use crate::screen::say;
use crate::signatures::{self, Signature};

/// How many hints an exercise has.
const HINTS: usize = 3;

/// What is off with the kit as a whole.
pub(super) fn of_the_kit(workshop: &Workshop) -> Result<Reasons> {
    let (repo, catalogue) = (&workshop.repo, &workshop.catalogue);
    let mut reasons = Reasons::new();
    let path = repo.root().join("README.md");
    match read(&path) {
        Err(_) => reasons.push("README.md is missing".into()),
        Ok(text) => match readme::with_table(&text, &readme::table(catalogue)) {
            None => reasons.push(format!(
                "README.md has no table of exercises; put these two lines where it belongs, then \
                 `cargo workshop verify --refresh`:\n    {}\n    {}",
                readme::TABLE_BEGINS,
                readme::TABLE_ENDS
            )),
            Some(fresh) if !same_lines(&fresh, &text) => {
                reasons.push("README.md's table of exercises is stale: `cargo workshop verify --refresh`".into());
            }
            Some(_) => {}
        },
    }
    for place in ["exercises", "solutions"] {
        for folder in folders(&repo.root().join(place))? {
            match catalogue.exercises.iter().find(|exercise| exercise.folder == folder) {
                None => reasons.push(format!("{place}/{folder} is not in exercises/exercises.toml")),
                Some(exercise) if !exercise.is_ready() && repo.exercise(exercise).join("Cargo.toml").is_file() => {
                    reasons.push(format!("{place}/{folder} is there, but exercises.toml says that it is planned"));
                }
                Some(_) => {}
            }
        }
    }
    Ok(reasons)
}

/// Whether README.md shows the story that the first exercise tells today; written anew if `refresh`.
pub(super) fn example(repo: &Repo, red: &str, green: &str, refresh: bool) -> Result<Reasons> {
    let path = repo.root().join("README.md");
    let Ok(text) = read(&path) else { return Ok(Reasons::new()) };
    Ok(match readme::with_story(&text, &readme::story(red, green)) {
        None => vec![format!(
            "README.md shows no story; put these two lines where it belongs, then `cargo workshop verify --refresh`:\n    \
             {}\n    {}",
            readme::STORY_BEGINS,
            readme::STORY_ENDS
        )],
        Some(fresh) if same_lines(&fresh, &text) => Vec::new(),
        Some(fresh) if refresh => {
            write_if_new(repo, &path, &text, &fresh)?;
            Vec::new()
        }
        Some(_) => vec!["README.md's story is stale: `cargo workshop verify --refresh`".into()],
    })
}

/// Whether a solution's folder says how its wrong attempts fail today; written anew if `refresh`.
pub(super) fn signatures(repo: &Repo, exercise: &Exercise, fresh: &[Signature], refresh: bool) -> Result<Reasons> {
    let path = repo.solution(exercise).join(signatures::FILE);
    let (text, fresh) = (read(&path).unwrap_or_default(), signatures::to_text(fresh));
    Ok(match (same_lines(&text, &fresh), refresh) {
        (true, _) => Vec::new(),
        (false, true) => {
            write_if_new(repo, &path, &text, &fresh)?;
            Vec::new()
        }
        (false, false) => vec![format!("{} is stale: `cargo workshop verify --refresh`", repo.shown(&path))],
    })
}

/// What is off with one exercise and its solution.
pub(super) fn of_exercise(repo: &Repo, exercise: &Exercise) -> Result<Reasons> {
    let mut reasons = Reasons::new();
    let solution = repo.solution(exercise);
    let mut expect = |fits: bool, otherwise: String| {
        if !fits {
            reasons.push(otherwise);
        }
    };
    let text = |path: &Path| read(path).unwrap_or_default();
    let number = &exercise.number;

    expect(exercise.fails_with.is_some(), "exercises.toml does not say by which property it `fails_with`".into());
    let answer_at = repo.answer(exercise);
    let answer = text(&answer_at);
    let header = header_of(&answer);
    let mut promised = vec![format!("cargo test -p exercise-{number}"), format!("cargo workshop hint {number}")];
    promised.extend([&exercise.lecture, &exercise.spec, &exercise.fails_with].into_iter().flatten().cloned());
    for words in promised {
        expect(header.contains(&words), format!("the header of {} does not say `{words}`", repo.shown(&answer_at)));
    }
    let todo = format!("TODO({number})");
    expect(answer.contains(&todo), format!("{} does not say `{todo}`", repo.shown(&answer_at)));
    let start_at = solution.join("start.rs");
    match read(&start_at) {
        Err(_) => expect(
            false,
            format!(
                "{} is missing: with src/lib.rs as it should start, `cargo workshop verify --refresh {number}`",
                repo.shown(&start_at)
            ),
        ),
        Ok(start) => expect(
            same_lines(&start, &answer),
            format!(
                "{} is not the starting point any more: put it back with `cargo workshop start {number}`, or make it the \
                 starting point with `cargo workshop verify --refresh {number}`",
                repo.shown(&answer_at)
            ),
        ),
    }

    let readme_at = repo.exercise(exercise).join("README.md");
    let readme = text(&readme_at);
    let hints = readme::hints(&readme).len();
    expect(hints == HINTS, format!("expected {HINTS} hints in {}, but there are {hints}", repo.shown(&readme_at)));
    let story = text(&repo.story(exercise));
    for item in surface(&story, exercise.topic()) {
        expect(
            mentions(&readme, &item),
            format!("the story uses `{item}`, but {} does not list it in the surface", repo.shown(&readme_at)),
        );
    }
    expect(
        readme.to_lowercase().contains("surface"),
        format!("{} lists no surface: the items that the story uses", repo.shown(&readme_at)),
    );
    expect(
        !text(&solution.join("NOTES.md")).trim().is_empty(),
        format!("{} is missing", repo.shown(&solution.join("NOTES.md"))),
    );

    let attempts = Attempt::all(repo, exercise)?;
    let wrong = attempts.iter().filter(|attempt| attempt.is_wrong()).count();
    for (folder, there, least) in
        [("wrong", wrong, exercise.wrong), ("also_correct", attempts.len() - wrong, exercise.also_correct)]
    {
        let shown = repo.shown(&solution.join(folder));
        expect(
            there >= least.max(1),
            format!("expected at least {} files in {shown}, but there are {there}", least.max(1)),
        );
        for entry in std::fs::read_dir(solution.join(folder)).into_iter().flatten().filter_map(Result::ok) {
            let is_attempt = entry.path().extension().is_some_and(|extension| extension == "rs");
            expect(is_attempt, format!("{} is no attempt: attempts are .rs files", repo.shown(&entry.path())));
        }
    }
    for attempt in attempts {
        let (shown, header) = (repo.shown(&attempt.path), &attempt.header);
        let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if attempt.is_wrong() {
            expect(filled(&header.dies_by), format!("{shown} does not begin with `//! Dies by: <property>`"));
            expect(filled(&header.why), format!("{shown} does not say `//! Why: …`"));
        } else {
            expect(filled(&header.also_correct), format!("{shown} does not begin with `//! Also correct: …`"));
        }
    }
    Ok(reasons)
}

/// Writes what is derived: the table in README.md, and each start.rs.
pub(super) fn refresh(workshop: &Workshop, exercises: &[Exercise]) -> Result<()> {
    let repo = &workshop.repo;
    let path = repo.root().join("README.md");
    let table = readme::table(&workshop.catalogue);
    if let Ok(old) = read(&path)
        && let Some(fresh) = readme::with_table(&old, &table)
    {
        write_if_new(repo, &path, &old, &fresh)?;
    }
    for exercise in exercises {
        let start = repo.solution(exercise).join("start.rs");
        write_if_new(repo, &start, &read(&start).unwrap_or_default(), &read(&repo.answer(exercise))?)?;
    }
    Ok(())
}

fn write_if_new(repo: &Repo, path: &Path, old: &str, new: &str) -> Result<()> {
    if !same_lines(old, new) {
        std::fs::write(path, new).with_context(|| format!("cannot write {}", path.display()))?;
        say(format!("wrote {}", repo.shown(path)));
    }
    Ok(())
}

/// The names of a folder's folders.
fn folders(folder: &Path) -> Result<Vec<String>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let folders = entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// The items of the topic's library that a story uses: what follows `topic::`.
fn surface(story: &str, topic: &str) -> BTreeSet<String> {
    let mut items = BTreeSet::new();
    let path = format!("{topic}::");
    for (at, _) in story.match_indices(&path) {
        if story[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &story[at + path.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split("};").next().unwrap_or_default();
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            items.extend(
                group.split(|c| !is_word(c)).filter(|w| !w.is_empty() && *w != "self" && *w != "as").map(str::to_owned),
            );
        } else {
            items.extend(Some(word(rest)).filter(|word| !word.is_empty()));
        }
    }
    items
}

/// The inner doc comment at a file's beginning, on one line.
fn header_of(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.trim().strip_prefix("//!"));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Whether a text has this word.
fn mentions(text: &str, item: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surface_is_what_the_story_uses() {
        let story = "use two_clicks::{Cart, view};\nuse not_two_clicks::x;\nfn a() { two_clicks::submit(&c); two_clicks::Shop::default(); }";
        let items: Vec<String> = surface(story, "two_clicks").into_iter().collect();
        assert_eq!(items, ["Cart", "Shop", "submit", "view"]);
        assert_eq!(header_of("//! a\n//!\n//!   b  c\nuse x;\n//! d"), "a b c");
        assert!(mentions("- `pub fn view(docs)`", "view") && !mentions("review", "view"));
    }
}
