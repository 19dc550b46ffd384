//! A schedule as a sequence diagram in text, at most 100 columns wide.
//!
//! `words` says what a step reads like, `lanes` places the columns, `row` draws one line. Widths count
//! characters; none of those drawn here is wide.

mod change;
pub(crate) mod lanes;
mod row;
pub(crate) mod words;

use std::ops::RangeInclusive;

use self::lanes::{Lanes, Wishes};
use self::row::Row;
use self::words::{Shape, Words, clean, shorten};
use crate::trace::{Role, Step, StepKind, Trace};

pub use self::change::last_change;

/// The diagram's most columns.
pub const COLUMNS_MAX: usize = 100;

/// Most lines, without log lines, before the last run folds too.
const LINES_MAX: usize = 12;

/// Longest group of lines that is looked for, where something comes again and again.
const PERIOD_MAX: usize = 8;

/// So often, at least, must lines come before they are not written out.
const REPEATS_MIN: usize = 4;

/// Most log lines beneath one row.
const LOGS_MAX: usize = 3;

/// What stands beside the step after which no good ending is left.
pub(crate) const NO_WAY_BACK: &str = "from here on it cannot end well";

/// Draws a schedule as a sequence diagram in text: one row a step, each line at most [`COLUMNS_MAX`] columns.
///
/// A run that nothing disturbed is one row. Participants that no row touches are left out.
/// Ends without a newline.
pub fn draw(trace: &Trace) -> String {
    if trace.steps.is_empty() {
        return "  (nothing happened yet: it is so from the start)".to_owned();
    }
    let mut shown = Shown::of(trace, false, 0);
    // First runs that ended well, then as many that ended with an error as it takes.
    for failed in 0..=failed_runs(trace).len() {
        if shown.lines(trace) <= LINES_MAX {
            break;
        }
        shown = Shown::of(trace, true, failed);
    }
    let lines = match &shown.lanes {
        Some((who, lanes)) => drawn(trace, &shown.entries, who, lanes),
        None => listed(trace, &shown.entries),
    };
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    without_repeats(&lines).join("\n")
}

/// Lines that come again and again, alone or as a group, are there once, with how often they come.
fn without_repeats(lines: &[&str]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let times = |period: usize| {
            let group = &lines[at..lines.len().min(at + period)];
            lines[at..].chunks_exact(period).take_while(|chunk| *chunk == group).count()
        };
        let Some(period) = (1..=PERIOD_MAX).find(|period| times(*period) >= REPEATS_MIN) else {
            kept.push(lines[at].to_owned());
            at += 1;
            continue;
        };
        kept.extend(lines[at..at + period].iter().map(|line| (*line).to_owned()));
        let what = if period == 1 { "the same".to_owned() } else { format!("these {period} lines") };
        kept.push(format!("  … {what}, {} more times", times(period) - 1));
        at += period * times(period);
    }
    kept
}

/// One row: a step, a run that is folded into one, or the error that a client hears in the step before.
struct Entry {
    steps: RangeInclusive<usize>,
    words: Words,
    /// For a folded run: the words with its operations named, for where there is room.
    long: Option<Words>,
    /// Belongs to the row before, which says all else of the step.
    heard: bool,
}

/// What is shown, and in which columns: none where there are more participants than columns.
struct Shown {
    entries: Vec<Entry>,
    lanes: Option<(Vec<usize>, Lanes)>,
}

impl Shown {
    fn of(trace: &Trace, fold_last: bool, fold_failed: usize) -> Self {
        let entries = entries(trace, fold_last, fold_failed);
        let touched: Vec<usize> = (0..trace.participants.len())
            .filter(|who| entries.iter().any(|entry| entry.words.from == *who || entry.words.to == *who))
            .collect();
        let lanes = Lanes::within(&wishes(trace, &entries, &touched), COLUMNS_MAX);
        Shown { lanes: lanes.map(|lanes| (touched, lanes)), entries }
    }

    /// Lines, but for log lines.
    fn lines(&self, trace: &Trace) -> usize {
        let header = self.lanes.as_ref().map_or(0, |(who, lanes)| header(trace, who, lanes).len());
        let marks = self.entries.iter().filter(|entry| no_way_back(trace, entry)).count();
        header + self.entries.len() + marks
    }
}

/// The rows, with undisturbed runs folded: the one that ends the schedule only if asked, and of those that ended with
/// an error only so many.
fn entries(trace: &Trace, fold_last: bool, fold_failed: usize) -> Vec<Entry> {
    let last = trace.steps.len() - 1;
    let runs: Vec<RangeInclusive<usize>> = (0..=last)
        .filter(|end| *end < last || fold_last)
        .filter_map(|end| Some(trace.steps[end].undisturbed_since?..=end))
        .filter(|run| foldable(trace, run))
        .chain(failed_runs(trace).into_iter().take(fold_failed))
        .collect();
    let mut entries = Vec::new();
    let mut at = 0;
    while at <= last {
        let run = runs.iter().filter(|run| *run.start() == at).max_by_key(|run| *run.end());
        let steps = run.cloned().unwrap_or(at..=at);
        at = steps.end() + 1;
        let (words, long) = if run.is_some() {
            (Words::of_run(trace, &steps, false), Some(Words::of_run(trace, &steps, true)))
        } else {
            (Words::of(trace, *steps.start()), None)
        };
        let heard = if run.is_some() { None } else { Words::heard(trace, *steps.start()) };
        let heard = heard.map(|words| Entry { steps: steps.clone(), words, long: None, heard: true });
        entries.push(Entry { steps, words, long, heard: false });
        entries.extend(heard);
    }
    entries
}

/// Runs that ended with an error in their last step, and that nothing disturbed but what they read.
fn failed_runs(trace: &Trace) -> Vec<RangeInclusive<usize>> {
    let heard = (0..trace.steps.len()).filter_map(|end| Some((Words::heard(trace, end)?.from, end)));
    let run = |(node, end): (usize, usize)| {
        let first =
            (0..=end).rev().find(|at| trace.steps[*at].kind == StepKind::Call && trace.steps[*at].to == node)?;
        let told = |step: &Step| !step.result.contains("conflict") && step.heard.is_none();
        let quiet = trace.steps[first..end].iter().all(told) && !trace.steps[end].result.contains("conflict");
        Some(first..=end).filter(|run| quiet && foldable(trace, run))
    };
    heard.filter_map(run).collect()
}

/// A run folds only if it is one node's from its first step to its last, and nothing struck in between.
fn foldable(trace: &Trace, run: &RangeInclusive<usize>) -> bool {
    if run.start() >= run.end() {
        return false;
    }
    let steps = &trace.steps[run.clone()];
    let first = &steps[0];
    if first.from == first.to || !is_message(first.kind) {
        return false;
    }
    let one_node = [first.to, first.from].iter().any(|node| {
        trace.participants.get(*node).is_some_and(|it| it.role == Role::Worker)
            && steps.iter().all(|step| step.from == *node || step.to == *node)
    });
    one_node && steps.iter().all(|step| step.fault.is_none() && !step.point_of_no_return)
}

/// What the rows would like of the columns.
fn wishes(trace: &Trace, entries: &[Entry], who: &[usize]) -> Wishes {
    let lane = |participant: usize| who.iter().position(|it| *it == participant);
    let mut wishes = Wishes::new(who.iter().map(|it| clean(&trace.participants[*it].name).chars().count()).collect());
    for entry in entries {
        if let (Some(from), Some(to)) = (lane(entry.words.from), lane(entry.words.to)) {
            wishes.add(&entry.words, from, to);
        }
    }
    wishes
}

fn drawn(trace: &Trace, entries: &[Entry], who: &[usize], lanes: &Lanes) -> Vec<String> {
    let lane = |participant: usize| who.iter().position(|it| *it == participant);
    let mut lines = header(trace, who, lanes);
    for entry in entries {
        let (Some(from), Some(to)) = (lane(entry.words.from), lane(entry.words.to)) else { continue };
        let mut row = Row::new(&lanes.xs);
        let roomy = entry.long.as_ref().is_some_and(|words| row.draw(words, from, to));
        if !roomy {
            row = Row::new(&lanes.xs);
            row.draw(&entry.words, from, to);
        }
        let below = no_way_back(trace, entry) && !row.at_the_end(&format!("◀ {NO_WAY_BACK}"));
        lines.push(row.into_text());
        if below {
            let mut row = Row::new(&lanes.xs);
            row.remark(lanes.xs[from], &format!("▲ {NO_WAY_BACK}"));
            lines.push(row.into_text());
        }
        let node =
            [entry.words.from, entry.words.to].into_iter().find(|it| trace.participants[*it].role == Role::Worker);
        let x = lanes.xs[node.and_then(lane).unwrap_or(from)];
        for log in logs(trace, entry) {
            let mut row = Row::new(&lanes.xs);
            row.log(x, &log);
            lines.push(row.into_text());
        }
    }
    lines
}

/// The names above their lanes: one line where they fit, else two, in turn.
fn header(trace: &Trace, who: &[usize], lanes: &Lanes) -> Vec<String> {
    let names: Vec<String> = who.iter().map(|it| clean(&trace.participants[*it].name)).collect();
    if let Some(line) = row::names(&names, &lanes.xs, |_| true, false) {
        return vec![line];
    }
    let stagger = |first: usize| row::names(&names, &lanes.xs, move |at| at % 2 == first, true).unwrap_or_default();
    let (upper, mut lower) = (stagger(0), stagger(1).chars().collect::<Vec<char>>());
    for x in lanes.xs.iter().step_by(2) {
        lower.resize(lower.len().max(x + 1), ' ');
        if lower[*x] == ' ' {
            lower[*x] = '│';
        }
    }
    vec![upper, lower.into_iter().collect()]
}

/// For more participants than there are columns: the steps as sentences.
fn listed(trace: &Trace, entries: &[Entry]) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in entries {
        let mut line = format!("  {}", entry.words.sentence(trace));
        let mark = format!("   ◀ {NO_WAY_BACK}");
        let room = COLUMNS_MAX - if no_way_back(trace, entry) { mark.chars().count() } else { 0 };
        line = shorten(&line, room);
        if no_way_back(trace, entry) {
            line += &mark;
        }
        lines.push(line);
        lines.extend(logs(trace, entry).iter().map(|log| shorten(&format!("      » {log}"), COLUMNS_MAX)));
    }
    lines
}

fn no_way_back(trace: &Trace, entry: &Entry) -> bool {
    !entry.heard && trace.steps[entry.steps.clone()].iter().any(|step| step.point_of_no_return)
}

/// The log lines of a row, the last giving way to a count where there are too many.
fn logs(trace: &Trace, entry: &Entry) -> Vec<String> {
    if entry.heard {
        return Vec::new();
    }
    let all: Vec<String> = trace.steps[entry.steps.clone()]
        .iter()
        .flat_map(|step| &step.logs)
        .map(|log| clean(log))
        .filter(|log| !log.is_empty())
        .collect();
    let kept = if all.len() > LOGS_MAX { LOGS_MAX - 1 } else { all.len() };
    let mut logs = all[..kept].to_vec();
    if all.len() > kept {
        logs.push(format!("… {} more log lines", all.len() - kept));
    }
    logs
}

/// Whether a step is a message from one to the other, rather than something that befalls somebody.
pub(crate) fn is_message(kind: StepKind) -> bool {
    matches!(
        kind,
        StepKind::Call
            | StepKind::Answer
            | StepKind::Deliver
            | StepKind::Operation
            | StepKind::Request
            | StepKind::Response
            | StepKind::Ack
            | StepKind::Returned
    )
}

impl Words {
    /// Who does what to whom, and what comes of it, in one line.
    pub(crate) fn sentence(&self, trace: &Trace) -> String {
        let name = |at: usize| trace.participants.get(at).map(|it| clean(&it.name)).unwrap_or_default();
        let what = self.together();
        match self.shape {
            Shape::At(glyph) => format!("{}: {glyph} {what}", name(self.from)),
            Shape::Arrow { .. } | Shape::Event => format!("{} → {}: {what}", name(self.from), name(self.to)),
        }
    }
}
