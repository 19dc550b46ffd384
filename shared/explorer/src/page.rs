//! A violation as a self-contained HTML page that steps forward and back.
//!
//! Everything is in the markup: the script only says which moment is shown, so that the page also reads without it.

mod state;
mod svg;

use crate::count::many;
use crate::diagram::NO_WAY_BACK;
use crate::diagram::words::Words;
use crate::trace::{StepKind, Trace};
use crate::verdict::Violation;

/// What a page says beside the violation itself.
#[derive(Clone, Debug)]
pub struct Heading {
    /// The exercise's number.
    pub exercise: String,
    /// The story's claim.
    pub claim: String,
    /// The world, in words.
    pub world: String,
    /// States visited until the violation was found; 0 where nobody searched.
    pub states: u64,
    /// The command that replays it in the terminal.
    pub replay: String,
    /// True if the schedule shows what was asked for: then nothing is wrong.
    pub as_asked: bool,
}

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page: needs no network, and nothing beside itself. Names and bodies are escaped.
pub fn html(heading: &Heading, violation: &Violation) -> String {
    let trace = &violation.trace;
    let exercise = match heading.exercise.as_str() {
        "" => String::new(),
        number => format!("exercise {number} · "),
    };
    let title = escape(&format!("{exercise}{}", violation.property));
    let intro = intro(heading, violation);
    let (picture, steps, moments) = (svg::picture(trace), steps(trace), state::moments(trace));
    let count = trace.steps.len();
    format!(
        r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>
{STYLE}</style>
</head>
<body>
{intro}
<main>
<nav class="controls" aria-label="Steps forward and back">
<button type="button" data-go="first" aria-keyshortcuts="Home" title="To the start (Home)">Start</button>
<button type="button" data-go="back" aria-keyshortcuts="ArrowLeft" title="One step back (←)"><span aria-hidden="true">← </span>Back</button>
<button type="button" data-go="forward" aria-keyshortcuts="ArrowRight" title="One step forward (→)">Forward<span aria-hidden="true"> →</span></button>
<button type="button" data-go="last" aria-keyshortcuts="End" title="To the end (End)">End</button>
<p id="now" role="status" aria-live="polite">Step {count} of {count}</p>
</nav>
<section class="picture" aria-labelledby="picture-heading">
<h2 id="picture-heading">What happened</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Sequence diagram, scrolls">
{picture}</div>
</section>
<section class="state" aria-labelledby="state-heading">
<h2 id="state-heading">The world</h2>
{moments}</section>
<section class="steps" aria-labelledby="steps-heading">
<h2 id="steps-heading">Step by step</h2>
<ol>
{steps}</ol>
</section>
</main>
<script>
{SCRIPT}</script>
</body>
</html>
"##
    )
}

fn intro(heading: &Heading, violation: &Violation) -> String {
    let mut html = String::from("<header>\n");
    let exercise =
        if heading.exercise.is_empty() { String::new() } else { format!("Exercise {} · ", heading.exercise) };
    html += &format!("<p class=\"claim\">{}{}</p>\n", escape(&exercise), escape(&heading.claim));
    let (class, mark, verdict) = if heading.as_asked { ("tick", "✓", "Holds") } else { ("cross", "✗", "Violated") };
    html += &format!(
        "<h1><span class=\"{class}\" aria-hidden=\"true\">{mark}</span><span class=\"sr\">{verdict}: </span>{}</h1>\n",
        escape(&violation.property)
    );
    if !violation.why.is_empty() {
        html += &format!("<p class=\"why\">{}</p>\n", escape(&violation.why));
    }
    if !violation.explanation.is_empty() {
        let when = if violation.trace.quiescent { "At the end" } else { "After the last step" };
        html += &format!(
            "<p class=\"explanation {class}\"><strong>{when}:</strong> {}</p>\n",
            escape(&violation.explanation).replace('\n', "<br>")
        );
    }
    let steps = violation.trace.steps.len();
    html += "<dl class=\"facts\">\n";
    for (name, value) in [
        ("World", heading.world.clone()),
        (
            if heading.states == 0 { "Schedule" } else { "Found" },
            format!("{}, {}", many(steps as u64, "step"), many(u64::from(violation.faults), "fault")),
        ),
        ("Searched", if heading.states == 0 { String::new() } else { many(heading.states, "state") }),
    ] {
        if !value.is_empty() {
            html += &format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", escape(&value));
        }
    }
    if !heading.replay.is_empty() {
        html += &format!("<div><dt>Replay</dt><dd><code>{}</code></dd></div>\n", escape(&heading.replay));
    }
    html += "</dl>\n</header>";
    html
}

/// The steps as a list: what the picture shows, for those who do not see it.
fn steps(trace: &Trace) -> String {
    let mut html = String::new();
    let name = |at: usize| trace.participants.get(at).map(|it| it.name.as_str()).unwrap_or_default();
    let last = trace.steps.len();
    for (at, step) in trace.steps.iter().enumerate() {
        let number = at + 1;
        let words = Words::of(trace, at);
        // What it carries stands below in full.
        let as_told = step.fault.is_none() && (step.kind == StepKind::Answer || !step.detail.is_empty());
        let outcome = if as_told { step.result.clone() } else { words.marked() };
        let who = if words.from == words.to {
            escape(name(words.from))
        } else {
            format!(
                "{} <span aria-hidden=\"true\">→</span><span class=\"sr\"> to </span> {}",
                escape(name(words.from)),
                escape(name(words.to))
            )
        };
        let heard = Words::heard(trace, at);
        let mut said = words.sentence(trace);
        if let Some(heard) = &heard {
            said += &format!("; {}", heard.sentence(trace));
        }
        let current = if number == last { " aria-current=\"step\"" } else { "" };
        html += &format!(
            "<li id=\"step-{number}\" data-step=\"{number}\" data-say=\"{}\"{current}><a href=\"#step-{number}\">\
             <span class=\"who\">{who}</span> <span class=\"label\">{}</span>",
            escape(&said),
            escape(&step.label)
        );
        if !outcome.is_empty() {
            html += &format!(" <span class=\"outcome\">{}</span>", escape(&outcome));
        }
        if let Some(heard) = &heard {
            html += &format!(
                " <span class=\"heard\">{} hears {}</span>",
                escape(name(heard.to)),
                escape(step.heard.as_deref().unwrap_or_default())
            );
        }
        html += "</a>";
        if let Some(fault) = step.fault {
            html += &format!(" <span class=\"tag bad\">fault: {}</span>", escape(fault.name()));
        }
        if step.point_of_no_return {
            html += &format!(" <span class=\"tag bad\">{NO_WAY_BACK}</span>");
        }
        if let Some((file, line)) = &step.at {
            html += &format!(" <span class=\"at\">{}:{line}</span>", escape(file));
        }
        if !step.detail.is_empty() {
            html += &format!("<code class=\"detail\">{}</code>", escape(&step.detail));
        }
        if !step.logs.is_empty() {
            html += "<ul class=\"logs\" aria-label=\"log lines\">";
            html.extend(step.logs.iter().map(|log| format!("<li>{}</li>", escape(log))));
            html += "</ul>";
        }
        html += "</li>\n";
    }
    html
}

/// A text that is safe between tags and in a quoted attribute.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for glyph in text.chars() {
        match glyph {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(glyph),
            // A page with raw control characters is no valid HTML.
            glyph if glyph.is_control() => safe.push('\u{fffd}'),
            glyph => safe.push(glyph),
        }
    }
    safe
}
