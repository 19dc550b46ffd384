//! What a step reads like: the words on its arrow, those after its head, and where a fault strikes.

use std::ops::RangeInclusive;

use serde_json::Value;
use sim::Fault;

use super::is_message;
use crate::trace::{Role, Snapshot, Step, StepKind, Trace};

/// Longest text that is shown of a document or a body.
const DETAIL_MAX: usize = 40;

/// Longest list that is shown inside of one.
const LIST_MAX: usize = 24;

/// Columns that a shortened document needs to still say something.
const DOCUMENT_MIN: usize = 12;

/// Columns that a shortened label needs to still say something.
pub(super) const LABEL_MIN: usize = 10;

/// How a step is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A message from one to the other.
    Arrow {
        /// It never takes effect: a cross in place of the head.
        struck: bool,
        /// It stands for a whole run.
        run: bool,
    },
    /// Something that passes from one to the other without either saying so, such as an expired lock.
    Event,
    /// Something that befalls one participant, with its sign.
    At(char),
}

/// What a row says.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// On the arrow.
    pub(crate) label: String,
    /// After its head; may be empty.
    pub(crate) outcome: String,
    pub(crate) shape: Shape,
    /// Begins the outcome with a cross, where the arrow itself does not show it.
    pub(crate) crossed: bool,
    /// The outcome is what was read or written: it may be cut, unlike words that say what came of the step.
    pub(crate) document: bool,
}

impl Words {
    /// Of one step.
    pub(crate) fn of(trace: &Trace, at: usize) -> Self {
        let step = &trace.steps[at];
        let last = trace.participants.len().saturating_sub(1);
        let (from, to) = (step.from.min(last), step.to.min(last));
        let label = clean(&step.label);
        let result = clean(&step.result);
        if step.kind == StepKind::Crash {
            let label = with_fault(step.fault.or(Some(Fault::Crash)), &label);
            let shape = Shape::At('†');
            return Words { label, outcome: not_ok(&result), ..Words::bare(from, from, shape) };
        }
        let faulty = step.fault.is_some();
        if from == to {
            let shape = Shape::At(if faulty { '✗' } else { '●' });
            let label = with_fault(step.fault, &label);
            return Words { label, outcome: not_ok(&result), ..Words::bare(from, to, shape) };
        }
        if !is_message(step.kind) {
            let label = with_fault(step.fault, &label);
            let label = if faulty { format!("✗ {label}") } else { label };
            return Words { label, outcome: not_ok(&result), ..Words::bare(from, to, Shape::Event) };
        }
        let struck = struck(step, before(trace, at));
        let shape = Shape::Arrow { struck, run: false };
        let outcome = outcome(step, &result, struck);
        if step.kind == StepKind::Answer && !faulty {
            let label = match (answer(&label), result.as_str()) {
                (label, "") => label,
                (label, result) if label.is_empty() => result.to_owned(),
                (label, result) => format!("{label}: {result}"),
            };
            return Words { label, ..Words::bare(from, to, shape) };
        }
        let document = !faulty && (is_document(&result) || (not_ok(&result).is_empty() && !outcome.is_empty()));
        Words { label, outcome, crossed: faulty && !struck, document, ..Words::bare(from, to, shape) }
    }

    /// The error that a client hears in a step that is not the answer itself.
    pub(crate) fn heard(trace: &Trace, at: usize) -> Option<Self> {
        let step = &trace.steps[at];
        let is = |role: Role| {
            [step.from, step.to].into_iter().find(|it| trace.participants.get(*it).is_some_and(|it| it.role == role))
        };
        let label = clean(step.heard.as_ref()?);
        let node = is(Role::Worker)?;
        // Which client calls the node: the one whose call is not answered yet.
        let client = is(Role::Client).or_else(|| {
            let call = trace.steps[..at].iter().rev().find(|it| it.kind == StepKind::Call && it.to == node)?;
            Some(call.from)
        });
        let client = client.filter(|client| *client != node)?;
        let shape = Shape::Arrow { struck: false, run: false };
        Some(Words { label, ..Words::bare(node, client, shape) })
    }

    fn bare(from: usize, to: usize, shape: Shape) -> Self {
        Words { from, to, label: String::new(), outcome: String::new(), shape, crossed: false, document: false }
    }

    /// Of a run that nothing disturbed, as one row: its first step, and what came of it.
    pub(crate) fn of_run(trace: &Trace, run: &RangeInclusive<usize>, operations: bool) -> Self {
        let mut words = Words::of(trace, *run.start());
        let last = Words::of(trace, *run.end());
        let heard = Words::heard(trace, *run.end());
        let ended = match trace.steps[*run.end()].kind {
            _ if heard.is_some() => heard.map(|heard| heard.label).unwrap_or_default(),
            StepKind::Answer => last.label,
            StepKind::Response if run.end() - run.start() == 1 => return Words { outcome: last.label, ..words },
            StepKind::Response => last.label,
            StepKind::Ack => "done".to_owned(),
            StepKind::Returned => "given back".to_owned(),
            _ if last.outcome.is_empty() => "ok".to_owned(),
            _ => last.outcome,
        };
        let steps = run.end() - run.start() + 1;
        let named: Vec<String> = trace.steps[run.clone()]
            .iter()
            .filter(|step| step.kind == StepKind::Operation)
            .map(|step| clean(&step.label))
            .collect();
        words.outcome = if operations && !named.is_empty() {
            format!("{ended} ({steps} steps: {})", named.join(", "))
        } else {
            format!("{ended} ({steps} steps)")
        };
        words.shape = Shape::Arrow { struck: false, run: true };
        words.document = false;
        words
    }

    /// The same with a shorter outcome, where one is known.
    pub(crate) fn brief(&self) -> Self {
        Words { outcome: self.outcome.replace("unknown: it was ", "unknown: "), ..self.clone() }
    }

    /// Columns without which the outcome does not say what came of it: all of a verdict, some of a document.
    pub(crate) fn least(&self) -> usize {
        let chars = self.after().chars().count();
        if self.document {
            return chars.min(DOCUMENT_MIN);
        }
        // What was dropped stands behind it.
        self.after().split_once("; ").map_or(chars, |(verdict, _)| verdict.chars().count() + 1)
    }

    /// Label and outcome in one, in so many columns: what came of it is the last to be cut.
    pub(crate) fn fitted(&self, columns: usize) -> String {
        let together = self.together();
        let outcome = self.marked();
        let chars = |text: &str| text.chars().count();
        if chars(&together) <= columns || outcome.is_empty() {
            return shorten(&together, columns);
        }
        let least = if self.document { chars(&outcome).min(DOCUMENT_MIN) } else { chars(&outcome) };
        let label = columns.saturating_sub(least + 2);
        if label < chars(&self.label).min(LABEL_MIN) {
            return shorten(&outcome, columns);
        }
        let label = shorten(&self.label, label);
        let outcome = shorten(&outcome, columns - chars(&label) - 2);
        format!("{label}: {outcome}")
    }

    /// The label, if so many columns are enough to still tell what it is.
    pub(crate) fn label_in(&self, columns: usize) -> Option<String> {
        let least = self.label.chars().count().min(LABEL_MIN);
        (columns >= least).then(|| shorten(&self.label, columns))
    }

    /// The outcome as it stands after an arrow's head.
    pub(crate) fn after(&self) -> String {
        if self.crossed && !self.outcome.is_empty() { format!("✗ {}", self.outcome) } else { self.outcome.clone() }
    }

    /// The outcome, with its cross wherever that is drawn.
    pub(crate) fn marked(&self) -> String {
        match self.shape {
            Shape::Arrow { struck: true, .. } if !self.outcome.is_empty() => format!("✗ {}", self.outcome),
            _ => self.after(),
        }
    }

    /// Label and outcome in one.
    pub(crate) fn together(&self) -> String {
        match (self.label.as_str(), self.marked().as_str()) {
            (label, "") => label.to_owned(),
            ("", outcome) => outcome.to_owned(),
            (label, outcome) => format!("{label}: {outcome}"),
        }
    }
}

/// The world before a step.
pub(crate) fn before(trace: &Trace, at: usize) -> &Snapshot {
    if at == 0 { &trace.initial } else { &trace.steps[at - 1].after }
}

/// One line without control characters, with UUIDs, with or without hyphens, shortened to their first group.
pub(crate) fn clean(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = spaced.split_whitespace().collect::<Vec<&str>>().join(" ");
    let mut short = String::new();
    let mut rest = line.as_str();
    while let Some(next) = rest.chars().next() {
        let inside_a_word = short.ends_with(|before: char| before.is_ascii_alphanumeric());
        let (shown, length) = match uuid_at(rest) {
            Some(length) if !inside_a_word => (UUID_GROUP, length),
            _ => (next.len_utf8(), next.len_utf8()),
        };
        short.push_str(&rest[..shown]);
        rest = &rest[length..];
    }
    short
}

/// The length of the UUID with which a text begins.
fn uuid_at(text: &str) -> Option<usize> {
    let kinds = [(UUID_CHARS, is_uuid as fn(&str) -> bool), (UUID_DIGITS, is_simple_uuid)];
    let ends = |length: usize| !text[length..].starts_with(|next: char| next.is_ascii_alphanumeric());
    let found = kinds.into_iter().find(|(length, is)| text.get(..*length).is_some_and(is) && ends(*length));
    found.map(|(length, _)| length)
}

/// Characters of a UUID, with hyphens and without, and of its first group.
const UUID_CHARS: usize = 36;
const UUID_DIGITS: usize = 32;
const UUID_GROUP: usize = 8;

fn is_uuid(text: &str) -> bool {
    text.char_indices().all(|(at, c)| if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() })
}

fn is_simple_uuid(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_hexdigit())
}

/// At most so many characters, the last being `…` where some are left out.
pub(crate) fn shorten(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    if chars_max > 0 {
        short.push('…');
    }
    short
}

/// Documents and bodies without the punctuation of JSON, shortened: `state Open, items […]`.
pub(crate) fn plain(detail: &str) -> String {
    let detail = clean(detail);
    let part = |part: &str| if part == "deleted" { Some(part.to_owned()) } else { json(part) };
    let text = json(&detail)
        .or_else(|| detail.split(" + ").map(part).collect::<Option<Vec<String>>>().map(|parts| parts.join(" + ")))
        .or_else(|| {
            let (id, body) = detail.split_once(' ')?;
            Some(format!("{id} {}", json(body)?))
        });
    shorten(&text.unwrap_or(detail), DETAIL_MAX)
}

/// One JSON value in words; none if it is something else.
fn json(text: &str) -> Option<String> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(clean(text)),
        Value::Array(values) => values.is_empty().then(|| "[]".to_owned()),
        Value::Object(fields) => fields.is_empty().then(|| "{}".to_owned()),
        other => Some(other.to_string()),
    };
    let brief = |value: &Value| match value {
        Value::Array(values) => {
            let values: Option<Vec<String>> = values.iter().map(scalar).collect();
            let list = values.map(|values| format!("[{}]", values.join(", ")));
            list.filter(|list| list.chars().count() <= LIST_MAX).unwrap_or_else(|| "[…]".to_owned())
        }
        value => scalar(value).unwrap_or_else(|| "{…}".to_owned()),
    };
    Some(match serde_json::from_str(text).ok()? {
        Value::Object(fields) if !fields.is_empty() => {
            let nested = |value: &Value| value.is_array() || value.is_object();
            // What fits into a word comes first: the rest may be cut off.
            let (rest, first): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, value)| nested(value));
            let named = first.into_iter().chain(rest).map(|(name, value)| format!("{} {}", clean(name), brief(value)));
            named.collect::<Vec<String>>().join(", ")
        }
        value => brief(&value),
    })
}

/// What a client hears: `ok "already submitted"` as `ok: already submitted`.
fn answer(label: &str) -> String {
    match label.strip_prefix("ok ") {
        Some(value) => format!("ok: {}", plain(value)),
        None => label.to_owned(),
    }
}

/// Whether a result is what was read, rather than words of the world.
fn is_document(result: &str) -> bool {
    !matches!(result, "" | "null") && serde_json::from_str::<Value>(result).is_ok()
}

fn not_ok(result: &str) -> String {
    if result == "ok" { String::new() } else { result.to_owned() }
}

/// What came of a message that is no answer itself.
fn outcome(step: &Step, result: &str, struck: bool) -> String {
    let or = |words: &str| if matches!(result, "" | "ok") { words.to_owned() } else { result.to_owned() };
    match step.fault {
        Some(Fault::ReadRefused | Fault::WriteRefused | Fault::SendRefused | Fault::CallRefused) => or("refused"),
        Some(Fault::WriteUnknown | Fault::SendUnknown | Fault::CallUnknown) => {
            let known = if struck { "it was not done" } else { "it was done" };
            // Anything else that the step says, such as what it dropped, stays.
            let rest = ["unknown", "(", ": ", known, ")"]
                .iter()
                .fold(result, |rest, said| rest.strip_prefix(said).unwrap_or(rest).trim_start());
            match rest {
                "" | "ok" => format!("unknown: {known}"),
                rest => format!("unknown: {known}; {}", rest.trim_start_matches([';', ' '])),
            }
        }
        Some(Fault::SpuriousConflict) => or("conflict, though nobody wrote"),
        Some(Fault::StaleRead) => match (result, step.detail.as_str()) {
            ("" | "ok" | "stale", "") => "stale".to_owned(),
            ("" | "ok" | "stale", detail) => format!("stale: {}", plain(detail)),
            (result, _) => with_fault(step.fault, result),
        },
        Some(Fault::AckLost) => with_fault(step.fault, &or("ack lost")),
        Some(fault) => with_fault(Some(fault), &or(fault.name())),
        // The body of a message was seen when it was sent, and its arrow has little room.
        None if step.kind == StepKind::Deliver => not_ok(result),
        None if matches!(result, "" | "ok") && !step.detail.is_empty() => plain(&step.detail),
        None => plain(result),
    }
}

/// Whether a message never takes effect.
fn struck(step: &Step, before: &Snapshot) -> bool {
    match step.fault {
        Some(
            Fault::ReadRefused
            | Fault::WriteRefused
            | Fault::SendRefused
            | Fault::CallRefused
            | Fault::SpuriousConflict
            | Fault::AckLost
            | Fault::ResponseLost
            | Fault::Loss,
        ) => true,
        Some(Fault::WriteUnknown | Fault::SendUnknown | Fault::CallUnknown) => {
            !says_done(&step.result).unwrap_or_else(|| took_effect(&step.after, before))
        }
        Some(_) => false,
        // During an outage operations get no answer, and that is no fault of its own.
        None => {
            step.kind == StepKind::Operation
                && ["refused", "unknown", "no answer"].iter().any(|word| step.result.starts_with(word))
        }
    }
}

/// Whether a result says that the effect took place; none where it says neither.
fn says_done(result: &str) -> Option<bool> {
    if result.contains("not done") { Some(false) } else { result.contains("was done").then_some(true) }
}

fn took_effect(after: &Snapshot, before: &Snapshot) -> bool {
    after.documents != before.documents
        || after.queues != before.queues
        || after.sent != before.sent
        || after.services != before.services
}

/// A text that names its fault: the fault's name comes first where the text does not hint at it.
fn with_fault(fault: Option<Fault>, text: &str) -> String {
    let Some(fault) = fault else { return text.to_owned() };
    let hints: &[&str] = match fault {
        Fault::ReadRefused | Fault::WriteRefused | Fault::SendRefused | Fault::CallRefused => &["refused"],
        Fault::WriteUnknown | Fault::SendUnknown | Fault::CallUnknown => &["unknown"],
        Fault::AckLost | Fault::Loss | Fault::RequestLost | Fault::ResponseLost => &["lost", "lose", "loss"],
        Fault::Crash => &["crash", "dies"],
        Fault::LockExpired => &["lock"],
        Fault::Duplicate | Fault::RequestDuplicated => &["duplicate", "another copy"],
        Fault::TimedOut => &["stops waiting"],
        Fault::StaleRead => &["stale"],
        Fault::SpuriousConflict => &["conflict"],
        Fault::Outage => &["outage", "stops answering"],
    };
    if text.is_empty() {
        fault.name().to_owned()
    } else if hints.iter().any(|hint| text.contains(hint)) {
        text.to_owned()
    } else {
        format!("{}: {text}", fault.name())
    }
}
