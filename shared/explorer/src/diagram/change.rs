//! What the last step changed.

use serde_json::{Map, Value};

use super::COLUMNS_MAX;
use super::words::{before, clean, shorten};
use crate::trace::{Snapshot, Trace};

/// Most lines.
const LINES_MAX: usize = 8;

/// What the last step changed, each entry before it and after it, in at most 8 lines of at most [`COLUMNS_MAX`] columns.
///
/// If it changed nothing, the documents as they are at the end, and what was sent. Ends without a newline; empty where
/// there is nothing to say.
pub fn last_change(trace: &Trace) -> String {
    let last = trace.steps.last().map_or(&trace.initial, |step| &step.after);
    let mut lines = match trace.steps.len() {
        0 => Vec::new(),
        steps => changes(before(trace, steps - 1), last),
    };
    if lines.is_empty() {
        lines = at_the_end(last);
    }
    if lines.len() > LINES_MAX {
        let more = lines.len() - (LINES_MAX - 1);
        lines.truncate(LINES_MAX - 1);
        lines.push(format!("  … and {more} more lines"));
    }
    lines.join("\n")
}

fn line(word: &str, text: &str) -> String {
    shorten(&format!("  {word:<6}  {}", clean(text)), COLUMNS_MAX)
}

fn changes(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    pairs(&mut lines, &before.documents, &after.documents, "does not exist");
    let joined = |queues: &[(String, Vec<String>)]| -> Vec<(String, String)> {
        queues.iter().map(|(name, copies)| (name.clone(), copies_text(copies))).collect()
    };
    pairs(&mut lines, &joined(&before.queues), &joined(&after.queues), "empty");
    lines.extend(added(&before.sent, &after.sent).iter().map(|(to, what)| line("sent", &format!("{to}: {what}"))));
    pairs(&mut lines, &before.services, &after.services, "unused");
    lines.extend(
        added(&before.answers, &after.answers).iter().map(|(who, what)| line("told", &format!("{who}: {what}"))),
    );
    lines
}

fn at_the_end(last: &Snapshot) -> Vec<String> {
    let mut lines: Vec<String> =
        last.documents.iter().map(|(key, value)| line("now", &format!("{key} = {value}"))).collect();
    lines.extend(last.sent.iter().map(|(to, what)| line("sent", &format!("{to}: {what}"))));
    // Where somebody consumes what is sent, this list says nothing.
    if last.sent.is_empty() && last.queues.is_empty() && !lines.is_empty() {
        lines.push(line("sent", "nothing"));
    }
    lines
}

fn copies_text(copies: &[String]) -> String {
    if copies.is_empty() { "empty".to_owned() } else { copies.join(", ") }
}

/// Before and after of each entry that changed.
fn pairs(lines: &mut Vec<String>, before: &[(String, String)], after: &[(String, String)], absent: &str) {
    let of = |entries: &[(String, String)], key: &str| {
        entries.iter().find(|(at, _)| at == key).map(|(_, value)| value.clone())
    };
    let keys = after.iter().chain(before.iter().filter(|(key, _)| of(after, key).is_none())).map(|(key, _)| key);
    for key in keys {
        let (old, new) = (of(before, key), of(after, key));
        if old == new {
            continue;
        }
        let room = COLUMNS_MAX.saturating_sub(13 + key.chars().count());
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) if old.chars().count().max(new.chars().count()) > room => different(&old, &new),
            (old, new) => (old.unwrap_or_else(|| absent.to_owned()), new.unwrap_or_else(|| absent.to_owned())),
        };
        for (word, value) in [("before", old), ("after", new)] {
            let equals = if value == absent { " " } else { " = " };
            lines.push(line(word, &format!("{key}{equals}{value}")));
        }
    }
}

/// Of two long documents only the fields that differ, so that shortening does not hide them.
fn different(old: &str, new: &str) -> (String, String) {
    let (Ok(Value::Object(before)), Ok(Value::Object(after))) = (serde_json::from_str(old), serde_json::from_str(new))
    else {
        return (old.to_owned(), new.to_owned());
    };
    let only = |these: &Map<String, Value>, those: &Map<String, Value>| {
        let fields: Vec<String> = these
            .iter()
            .filter(|(name, value)| those.get(*name) != Some(value))
            .map(|(name, value)| format!("{}: {value}", Value::String(name.clone())))
            .collect();
        format!("{{… {}}}", fields.join(", "))
    };
    (only(&before, &after), only(&after, &before))
}

/// What is in the second list more often than in the first.
fn added<'a>(before: &[(String, String)], after: &'a [(String, String)]) -> Vec<&'a (String, String)> {
    let mut old: Vec<&(String, String)> = before.iter().collect();
    let mut added = Vec::new();
    for entry in after {
        match old.iter().position(|it| *it == entry) {
            Some(at) => {
                old.swap_remove(at);
            }
            None => added.push(entry),
        }
    }
    added
}
