//! The result of a story as text, for people.

use std::path::{Path, PathBuf};

use explorer::count::many;
use explorer::page::Heading;
use explorer::schedule::Schedule;
use explorer::{Replayed, Trace, Verdict, Violation, diagram, page};

use crate::climb::{Climbed, steps_and_faults};
use crate::place::Place;
use crate::report::{StoryReport, Told, VerdictName};
use crate::script::{Expected, Script};
use crate::tale::Tale;
use crate::trial::{Came, Trial, Tried};

/// Most lines of a handler's own output that are shown.
const PRINTED_LINES_MAX: usize = 40;

/// How a run ends that computes, or blocks its thread, and never comes back.
pub(crate) const NEVER_RETURNS: &str = "computes or blocks, and never returns";

/// Widest line of a story's text.
const COLUMNS_MAX: usize = diagram::COLUMNS_MAX;

fn states(number: u64) -> String {
    many(number, "state")
}

/// What came of a story, as text and as data; a violation's schedule and page are written beside it.
pub(crate) fn tell(story: &Script, name: &str, climbed: Climbed) -> Told {
    let place = Place::of(story.told_at.file());
    let mut told = blank(&place, name);
    let Climbed { verdict, world, rung, counts, time, grid } = climbed;
    told.report.states = counts.states;
    told.report.transitions = counts.transitions;
    told.report.faults = counts.faults;
    told.report.millis = time.as_millis() as u64;
    told.report.larger_worlds = (rung + 1).saturating_sub(story.sizes.len()) as u32;
    if matches!(verdict, Verdict::Violated(_) | Verdict::Unrefuted { .. }) {
        told.report.world = world.clone();
    }
    told.grid = grid;
    let millis = told.report.millis;
    let title = |mark: &str, claim: &str| title(mark, claim, &place, story.told_at.line());
    let heading = Heading {
        exercise: place.exercise.clone(),
        claim: story.claim.clone(),
        world: world.clone(),
        states: counts.states,
        replay: replay_command(&place),
        as_asked: matches!(
            (&verdict, &story.expects),
            (Verdict::Violated(violation), Some(expected)) if violation.property == expected.words
        ),
    };
    match (verdict, &story.expects) {
        (Verdict::Holds, Some(Expected { words, kept: None })) => {
            told.report.verdict = VerdictName::Vacuous;
            told.report.property = words.clone();
            told.report.message = format!("was to be violated, and holds in all {}", states(counts.states));
            let advice = "  This story tells what cannot be done. Does the code do it, or nothing at all?";
            told.text = format!("{}\n  {}\n{}", title("✗", words), told.report.message, wrapped(advice));
        }
        (Verdict::Holds, Some(Expected { words, kept: Some(remark) })) => {
            told.report.verdict = VerdictName::Holds;
            told.report.message = format!("was to be violated, and holds in all {}", states(counts.states));
            let said = wrapped(&format!("    {words}: {} ({millis} ms)", told.report.message));
            told.text = format!("  ✓ {}\n{said}\n{}", story.claim, wrapped(&format!("    {remark}")));
        }
        (Verdict::Violated(violation), Some(expected)) if violation.property == expected.words => {
            let paths = keep(&place, &told.report, rung, &heading, &violation);
            told.report.verdict = VerdictName::Holds;
            told.report.faults = violation.faults;
            told.report.message = format!("violated as expected, {}", steps_and_faults(&violation));
            told.report.schedule = paths.as_ref().map(|(schedule, _)| schedule.clone());
            told.report.page = paths.map(|(_, page)| page);
            let said = wrapped(&format!("    {}: {} ({millis} ms)", expected.words, told.report.message));
            told.text = format!("  ✓ {}\n{said}", story.claim);
            if let Some(page) = &told.report.page {
                told.text += &format!("\n    page    {}", shown(page).display());
            }
        }
        (Verdict::Holds, None) => {
            told.report.verdict = VerdictName::Holds;
            let faults = match counts.faults {
                0 => "no fault".to_owned(),
                1 => "up to 1 fault".to_owned(),
                faults => format!("up to {faults} faults"),
            };
            told.report.message = format!("holds in all {}, {faults}", states(counts.states));
            told.text = format!("  ✓ {}\n    {} ({millis} ms)", story.claim, told.report.message);
            let odds = collision_odds(counts.states);
            if odds > 1e-9 {
                told.text += &format!("; two states took for one: odds {odds:.0e}");
            }
        }
        (Verdict::Vacuous { witness }, _) => {
            told.report.verdict = VerdictName::Vacuous;
            told.report.message = format!("vacuous: never in {}: {witness}", states(counts.states));
            told.report.property = witness;
            let advice = wrapped(
                "  The rest of the story proves little before that happens at least once. Does the code still read, \
                 write and send what it should, and does it end with Ok where it can?",
            );
            let message = wrapped(&format!("  {}", told.report.message));
            told.text = format!("{}\n{message}\n{advice}", title("✗", &story.claim));
        }
        (Verdict::Unrefuted { reason }, _) => {
            told.report.verdict = VerdictName::Unrefuted;
            told.report.message = format!("undecided after {}: {reason}", states(counts.states));
            let message = wrapped(&format!("  {}", told.report.message));
            told.text = format!("{}\n{message}\n  in the world with {world}", title("?", &story.claim));
        }
        (Verdict::NotWritten { message, at }, _) => {
            not_written(&mut told, &title("✎", &story.claim), &message, at.as_ref());
        }
        (Verdict::Violated(violation), _) => {
            violated(&mut told, &violation);
            let paths = keep(&place, &told.report, rung, &heading, &violation);
            told.report.schedule = paths.as_ref().map(|(schedule, _)| schedule.clone());
            told.report.page = paths.map(|(_, page)| page);
            let how =
                format!("violated {} ({}, {millis} ms; {world})", steps_and_faults(&violation), states(counts.states));
            told.text = violation_text(&title("✗", &violation.property), &how, &violation);
            told.text += &last_change(&violation);
            told.text += "\n";
            if !place.exercise.is_empty() {
                told.text += &format!("\n  replay  {}", heading.replay);
            }
            if let Some(page) = &told.report.page {
                told.text += &format!("\n  page    {}", shown(page).display());
            }
        }
    }
    told
}

/// What came of a schedule that was followed again.
pub(crate) fn tell_again(story: &Script, name: &str, replayed: Result<Replayed, String>) -> Told {
    let place = Place::of(story.told_at.file());
    let mut told = blank(&place, name);
    let line = story.told_at.line();
    match replayed {
        Err(error) => {
            told.report.message = format!("the schedule no longer fits the code: {error}");
            told.text = format!("{}\n  {}", title("?", &story.claim, &place, line), told.report.message);
        }
        Ok(Replayed { trace, violated: None }) => {
            told.report.verdict = VerdictName::Holds;
            told.report.message = "the schedule violates nothing any more".to_owned();
            let claim = title("✓", &story.claim, &place, line);
            told.text = format!("{claim}\n  {}\n\n{}", told.report.message, diagram::draw(&trace));
        }
        Ok(Replayed { trace, violated: Some((property, explanation)) }) => {
            let faults = trace.faults();
            let violation = Violation { property, why: String::new(), explanation, trace, faults };
            violated(&mut told, &violation);
            let expected = story.expects.as_ref().is_some_and(|expected| expected.words == violation.property);
            let how = format!("still {}{}", told.report.message, if expected { ", as expected" } else { "" });
            if expected {
                told.report.verdict = VerdictName::Holds;
            }
            let mark = if expected { "✓" } else { "✗" };
            told.text = violation_text(&title(mark, &violation.property, &place, line), &how, &violation);
            told.text += &last_change(&violation);
        }
    }
    told
}

/// The code says of itself that it is not written yet.
fn not_written(told: &mut Told, title: &str, message: &str, at: Option<&(String, u32)>) {
    told.report.verdict = VerdictName::NotWritten;
    let place = at.map(|(file, line)| format!(" at {file}:{line}")).unwrap_or_default();
    let words = message.split_once(": ").map(|(_, words)| format!(": {words}")).unwrap_or_default();
    told.report.message = format!("not written yet{place}{words}");
    told.text = format!("{title}\n{}", wrapped(&format!("  {}", told.report.message)));
}

/// What came of a trial.
pub(crate) fn tell_trial(trial: &Trial, name: &str, tried: &Tried) -> Told {
    let place = Place::of(trial.told_at.file());
    let mut told = blank(&place, name);
    told.report.millis = tried.time.as_millis() as u64;
    match &tried.result {
        Came::NotWritten { message, at } => {
            let title = title("✎", &trial.claim, &place, trial.told_at.line());
            not_written(&mut told, &title, message, at.as_ref());
        }
        Came::Passed(passed) => {
            told.report.verdict = VerdictName::Holds;
            told.report.states = passed.counts.states;
            told.report.transitions = passed.counts.transitions;
            told.report.faults = passed.trace.as_ref().map_or(passed.counts.faults, Trace::faults);
            told.report.message = passed.message.lines().next().unwrap_or_default().to_owned();
            let lines = passed.message.lines().map(|line| wrapped(&format!("    {line}")));
            told.text = format!("  ✓ {}\n{}", trial.claim, lines.collect::<Vec<_>>().join("\n"));
            if let Some(trace) = passed.trace.clone() {
                let (property, explanation) = (trial.claim.clone(), passed.message.clone());
                let faults = trace.faults();
                let violation = Violation { property, why: String::new(), explanation, trace, faults };
                keep_trial(&mut told, &place, trial, &violation);
            }
        }
        Came::Failed(failed) => {
            let why = failed.standard.map(|standard| format!("{}: {}", standard.name, standard.why));
            let (property, explanation) = (failed.property.clone(), failed.explanation.clone());
            let why = why.unwrap_or_default();
            let title = title("✗", &property, &place, trial.told_at.line());
            told.report.verdict = VerdictName::Violated;
            told.report.property = property.clone();
            told.report.message = explanation.lines().next().unwrap_or_default().to_owned();
            let Some(trace) = failed.trace.clone() else {
                let lines = explanation.lines().map(|line| wrapped(&format!("  {line}")));
                told.text = format!("{title}\n{}", lines.collect::<Vec<_>>().join("\n"));
                return told;
            };
            let faults = trace.faults();
            let violation = Violation { property, why, explanation, trace, faults };
            told.report.faults = faults;
            told.report.shape = violation.trace.shape();
            told.text = violation_text(&title, "this is what happens", &violation);
            told.text += "\n";
            keep_trial(&mut told, &place, trial, &violation);
        }
    }
    told
}

/// Keeps what a trial's schedule does, and says where.
fn keep_trial(told: &mut Told, place: &Place, trial: &Trial, violation: &Violation) {
    let heading = Heading {
        exercise: place.exercise.clone(),
        claim: trial.claim.clone(),
        world: String::new(),
        states: 0,
        replay: format!("cargo test -p exercise-{}", place.exercise),
        as_asked: told.report.verdict == VerdictName::Holds,
    };
    let Some((schedule, page)) = keep(place, &told.report, 0, &heading, violation) else { return };
    let indent = if heading.as_asked { "    " } else { "  " };
    told.text += &format!("\n{indent}page    {}", shown(&page).display());
    (told.report.schedule, told.report.page) = (Some(schedule), Some(page));
}

/// The result of a story whose process never came back from running some code.
///
/// `how` says what became of the code, `gets` what it was given last.
pub(crate) fn never_came_back(place: &Place, line: u32, name: &str, how: &str, gets: &str, trace: &Trace) -> Told {
    let property = if how == NEVER_RETURNS { "finishes" } else { "does not panic" };
    let violation = Violation {
        property: format!("the handler {property}"),
        why: String::new(),
        explanation: format!("then {gets}\nafter that, the handler {how}"),
        trace: trace.clone(),
        faults: trace.faults(),
    };
    let mut told = blank(place, name);
    violated(&mut told, &violation);
    let how = format!("violated {}", steps_and_faults(&violation));
    told.text = violation_text(&title("✗", &violation.property, place, line), &how, &violation);
    told.text += &last_change(&violation);
    told
}

/// The result of code that is no handler, and never came back.
pub(crate) fn never_returned(tale: &dyn Tale, name: &str, how: &str) -> Told {
    let place = Place::of(tale.told_at().file());
    let mut told = blank(&place, name);
    told.report.verdict = VerdictName::Violated;
    told.report.property =
        if how == NEVER_RETURNS { "the code finishes" } else { "the code does not panic" }.to_owned();
    told.report.message = format!("the code {how}");
    let title = title("✗", &told.report.property, &place, tale.told_at().line());
    told.text = format!("{title}\n  {}: {}", tale.claim(), told.report.message);
    told
}

/// The result of a story that could not be told.
pub(crate) fn could_not_tell(tale: &dyn Tale, name: &str, message: &str) -> Told {
    let place = Place::of(tale.told_at().file());
    let mut told = blank(&place, name);
    told.report.message = message.to_owned();
    told.text = format!("{}\n  {message}", title("✗", tale.claim(), &place, tale.told_at().line()));
    told
}

/// Adds what the handlers of the failing schedule printed.
pub(crate) fn add_output(told: &mut Told, printed: &[String]) {
    let printed: Vec<&str> = printed.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    if told.report.verdict == VerdictName::Holds || printed.is_empty() {
        return;
    }
    told.text += "\n\n  what the code printed in this schedule\n";
    let mut lines = printed.iter().flat_map(|text| text.lines());
    for line in lines.by_ref().take(PRINTED_LINES_MAX) {
        told.text += &format!("    {}\n", line.chars().take(COLUMNS_MAX - 4).collect::<String>());
    }
    if lines.next().is_some() {
        told.text += "    … and more\n";
    }
}

fn blank(place: &Place, name: &str) -> Told {
    Told {
        report: StoryReport {
            exercise: place.exercise.clone(),
            story: name.to_owned(),
            verdict: VerdictName::Error,
            property: String::new(),
            message: String::new(),
            states: 0,
            transitions: 0,
            faults: 0,
            millis: 0,
            larger_worlds: 0,
            world: String::new(),
            shape: String::new(),
            schedule: None,
            page: None,
        },
        text: String::new(),
        grid: Vec::new(),
    }
}

fn violated(told: &mut Told, violation: &Violation) {
    told.report.verdict = VerdictName::Violated;
    told.report.property = violation.property.clone();
    told.report.faults = violation.faults;
    told.report.message = format!("violated {}", steps_and_faults(violation));
    told.report.shape = violation.trace.shape();
}

/// The claim, and where it stands, on one line of at most 100 columns.
fn title(mark: &str, claim: &str, place: &Place, line: u32) -> String {
    let left = format!("{mark} {claim}");
    if place.exercise.is_empty() {
        return left;
    }
    let right = format!("exercise {} · story.rs:{line}", place.exercise);
    let width = left.chars().count() + right.chars().count();
    if width + 2 <= COLUMNS_MAX {
        format!("{left}{}{right}", " ".repeat(COLUMNS_MAX - width))
    } else {
        format!("{left}\n  {right}")
    }
}

fn violation_text(title: &str, how: &str, violation: &Violation) -> String {
    let mut text = format!("{title}\n");
    if !violation.why.is_empty() {
        text += &format!("{}\n", wrapped(&format!("  {}", violation.why)));
    }
    text += &format!("  {how}\n\n{}", diagram::draw(&violation.trace));
    for (at, line) in violation.explanation.lines().enumerate() {
        let first = if at == 0 && violation.trace.quiescent { "at the end: " } else { "" };
        text += &format!("\n{}", wrapped(&format!("  {first}{line}")));
    }
    text
}

/// What the last step changed.
fn last_change(violation: &Violation) -> String {
    let change = diagram::last_change(&violation.trace);
    if change.is_empty() { change } else { format!("\n\n{change}") }
}

/// A line as one or more of at most [`COLUMNS_MAX`] columns, broken between words, indented as its beginning.
fn wrapped(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let mut lines: Vec<String> = Vec::new();
    let mut rest: Vec<char> = line.chars().collect();
    while rest.len() > COLUMNS_MAX {
        let space = (indent + 1..=COLUMNS_MAX).rev().find(|at| rest[*at] == ' ');
        let after = rest.split_off(space.unwrap_or(COLUMNS_MAX));
        lines.push(rest.into_iter().collect());
        rest = " ".repeat(indent).chars().chain(after.into_iter().skip(usize::from(space.is_some()))).collect();
    }
    lines.push(rest.into_iter().collect());
    lines.join("\n")
}

fn replay_command(place: &Place) -> String {
    format!("cargo workshop replay {}", place.exercise)
}

/// Writes the schedule and the page of a violation; none where the folder cannot be written.
fn keep(
    place: &Place,
    report: &StoryReport,
    rung: usize,
    heading: &Heading,
    violation: &Violation,
) -> Option<(PathBuf, PathBuf)> {
    let folder = place.reports();
    std::fs::create_dir_all(&folder).ok()?;
    let mut about = vec![
        ("exercise".to_owned(), place.exercise.clone()),
        ("story".to_owned(), report.story.clone()),
        ("rung".to_owned(), rung.to_string()),
        ("world".to_owned(), heading.world.clone()),
        ("property".to_owned(), violation.property.clone()),
    ];
    if heading.as_asked {
        about.push(("as_asked".to_owned(), "true".to_owned()));
    }
    let (schedule, page) =
        (folder.join(format!("{}.schedule", report.story)), folder.join(format!("{}.html", report.story)));
    std::fs::write(&schedule, Schedule::of(&violation.trace, about).to_text()).ok()?;
    std::fs::write(&page, page::html(heading, violation)).ok()?;
    Some((schedule, page))
}

/// A path as people would type it: relative to where they are, if it lies below.
fn shown(path: &Path) -> PathBuf {
    let below = |folder: PathBuf| path.strip_prefix(folder).ok().map(Path::to_path_buf);
    let here = std::env::current_dir().ok();
    let workspace = here.as_ref().and_then(|here| here.ancestors().find(|folder| folder.join("exercises").is_dir()));
    workspace.map(Path::to_path_buf).and_then(below).unwrap_or_else(|| path.to_path_buf())
}

/// The odds that two of so many states got one 64-bit fingerprint: the birthday bound, as TLC prints it.
fn collision_odds(states: u64) -> f64 {
    let n = states as f64;
    n * (n - 1.0) / 2.0 / 2f64.powi(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_between_words_and_keep_their_indent() {
        assert_eq!(wrapped("  short"), "  short");
        let words = format!("  {}", ["word"; 30].join(" "));
        let lines = format!("  {}\n  {}", ["word"; 19].join(" "), ["word"; 11].join(" "));
        assert_eq!(wrapped(&words), lines);
        let one_word = "é".repeat(250);
        assert_eq!(wrapped(&one_word), format!("{0}\n{0}\n{1}", "é".repeat(100), "é".repeat(50)));
    }
}
