//! The world at each moment, with what the last step changed.

use serde_json::Value;

use super::{escape, many};
use crate::diagram::NO_WAY_BACK;
use crate::diagram::words::before;
use crate::trace::{Role, Snapshot, Trace};

/// Documents up to this many characters stay on one line.
const LINE_MAX: usize = 36;

/// Most log lines that a moment shows.
const LOGS_MAX: usize = 12;

type Entry = (String, String);

/// A section for the start and one after each step; all but the last are hidden until the script shows them.
pub(super) fn moments(trace: &Trace) -> String {
    let last = trace.steps.len();
    (0..=last).map(|number| moment(trace, number, number == last)).collect()
}

fn moment(trace: &Trace, number: usize, shown: bool) -> String {
    let (old, new) = match number {
        0 => (&trace.initial, &trace.initial),
        number => (before(trace, number - 1), &trace.steps[number - 1].after),
    };
    let heading = match number {
        0 => "Before the first step".to_owned(),
        number => format!("After step {number} of {}", trace.steps.len()),
    };
    let hidden = if shown { "" } else { " hidden" };
    let mut html = format!("<div class=\"moment\" data-step=\"{number}\"{hidden}>\n<p class=\"when\">{heading}");
    if new.faults > 0 {
        html += &format!(" · {}", many(u64::from(new.faults), "fault"));
    }
    html += "</p>\n";
    if trace.steps[..number].iter().any(|step| step.point_of_no_return) {
        html += &format!("<p class=\"tag bad\">{NO_WAY_BACK}</p>\n");
    }
    let queues = |of: &Snapshot| -> Vec<Entry> {
        of.queues
            .iter()
            .map(|(name, copies)| {
                let copies = if copies.is_empty() { "empty".to_owned() } else { copies.join("\n") };
                (name.clone(), copies)
            })
            .collect()
    };
    // A group that is ever filled is always there, so that the others keep their places while one steps.
    let ever =
        |filled: fn(&Snapshot) -> bool| filled(&trace.initial) || trace.steps.iter().any(|step| filled(&step.after));
    let (old_queues, new_queues) = (queues(old), queues(new));
    let (old_nodes, new_nodes) = (nodes(trace, old), nodes(trace, new));
    let groups = [
        ("Documents", ever(|of| !of.documents.is_empty()), keyed(&old.documents, &new.documents)),
        ("Queues", ever(|of| !of.queues.is_empty()), keyed(&old_queues, &new_queues)),
        ("Sent", ever(|of| !of.sent.is_empty()), listed(&old.sent, &new.sent)),
        ("Services", ever(|of| !of.services.is_empty()), keyed(&old.services, &new.services)),
        ("Nodes", ever(|of| !of.nodes.is_empty()), keyed(&old_nodes, &new_nodes)),
        ("Answers", ever(|of| !of.answers.is_empty()), listed(&old.answers, &new.answers)),
    ];
    html.extend(groups.iter().filter(|(_, ever, _)| *ever).map(|(name, _, entries)| group(name, entries)));
    html += &logs(trace, number);
    html += "</div>\n";
    html
}

/// What each node does; those of which nothing is said are idle.
fn nodes(trace: &Trace, of: &Snapshot) -> Vec<Entry> {
    let known = |name: &str| of.nodes.iter().any(|(node, _)| node == name);
    let workers = trace.participants.iter().filter(|it| it.role == Role::Worker && !known(&it.name));
    let mut nodes: Vec<Entry> = workers.map(|it| (it.name.clone(), "idle".to_owned())).collect();
    nodes.extend(of.nodes.iter().cloned());
    nodes.sort();
    nodes
}

/// One row of a group.
struct Shown<'a> {
    entry: &'a Entry,
    /// What the step did to it, if anything.
    change: Option<&'static str>,
    /// What it was, if it was something else.
    was: Option<&'a str>,
}

/// Entries of which each key is there once.
fn keyed<'a>(old: &'a [Entry], new: &'a [Entry]) -> Vec<Shown<'a>> {
    let find = |entries: &'a [Entry], key: &str| entries.iter().find(|(at, _)| at == key);
    let mut shown: Vec<Shown<'a>> = new
        .iter()
        .map(|entry| match find(old, &entry.0) {
            None => Shown { entry, change: Some("new"), was: None },
            Some((_, was)) if *was != entry.1 => Shown { entry, change: Some("changed"), was: Some(was) },
            Some(_) => Shown { entry, change: None, was: None },
        })
        .collect();
    let gone = old.iter().filter(|(key, _)| find(new, key).is_none());
    shown.extend(gone.map(|entry| Shown { entry, change: Some("gone"), was: None }));
    shown
}

/// Entries that only ever become more.
fn listed<'a>(old: &'a [Entry], new: &'a [Entry]) -> Vec<Shown<'a>> {
    let mut rest: Vec<&Entry> = old.iter().collect();
    new.iter()
        .map(|entry| {
            let known = rest.iter().position(|it| *it == entry).map(|at| rest.remove(at)).is_some();
            Shown { entry, change: (!known).then_some("new"), was: None }
        })
        .collect()
}

fn group(name: &str, entries: &[Shown<'_>]) -> String {
    let mut html = format!("<h3>{name}</h3>\n");
    if entries.is_empty() {
        return html + "<p class=\"none\">none</p>\n";
    }
    html += "<dl class=\"entries\">\n";
    for Shown { entry: (key, value), change, was } in entries {
        let class = change.map(|change| format!(" class=\"{change}\"")).unwrap_or_default();
        html += &format!("<div{class}><dt>{}", escape(key));
        if let Some(change) = change {
            html += &format!(" <span class=\"tag\">{change}</span>");
        }
        html += &format!("</dt><dd><pre>{}</pre>", escape(&pretty(value)));
        if let Some(was) = was {
            html += &format!("<pre class=\"was\"><span class=\"note\">was </span>{}</pre>", escape(was));
        }
        html += "</dd></div>\n";
    }
    html + "</dl>\n"
}

/// The log lines so far, those of the last step marked.
fn logs(trace: &Trace, number: usize) -> String {
    if trace.steps.iter().all(|step| step.logs.is_empty()) {
        return String::new();
    }
    let mut lines: Vec<(bool, &str)> = trace.steps[..number]
        .iter()
        .enumerate()
        .flat_map(|(at, step)| step.logs.iter().map(move |log| (at + 1 == number, log.as_str())))
        .collect();
    let older = lines.len().saturating_sub(LOGS_MAX);
    lines.drain(..older);
    let mut html = "<h3>Log lines</h3>\n".to_owned();
    if lines.is_empty() {
        return html + "<p class=\"none\">none yet</p>\n";
    }
    if older > 0 {
        html += &format!("<p class=\"none\">{older} earlier</p>\n");
    }
    html += "<ul class=\"logs\">\n";
    for (fresh, log) in lines {
        let (class, tag) = if fresh { (" class=\"new\"", " <span class=\"tag\">new</span>") } else { ("", "") };
        html += &format!("<li{class}>{}{tag}</li>\n", escape(log));
    }
    html + "</ul>\n"
}

/// Longer JSON over several lines.
fn pretty(value: &str) -> String {
    if value.chars().count() <= LINE_MAX {
        return value.to_owned();
    }
    match serde_json::from_str::<Value>(value) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => {
            serde_json::to_string_pretty(&json).unwrap_or_else(|_| value.to_owned())
        }
        _ => value.to_owned(),
    }
}
