//! The sequence diagram as SVG: every step is there, the script only marks the one that is shown.

use super::escape;
use crate::diagram::NO_WAY_BACK;
use crate::diagram::lanes::{Lanes, Wishes};
use crate::diagram::words::{Shape, Words, clean, shorten};
use crate::trace::Trace;

/// Width of one character of the diagram's font, in pixels.
const COLUMN: f64 = 7.6;
/// Columns that a laptop shows beside the state without scrolling.
const COLUMNS: usize = 84;
/// Height of the names.
const NAMES: f64 = 40.0;
/// Height of a step.
const ROW: f64 = 38.0;
/// More height for the line after which nothing ends well.
const BOUNDARY: f64 = 22.0;
/// Room left of the first column, for the steps' numbers.
const NUMBERS: f64 = 30.0;
/// Longest name, label and outcome, in characters.
const NAME_MAX: usize = 28;
const LABEL_MAX: usize = 48;

struct Canvas {
    svg: String,
    /// Rightmost pixel that something reaches.
    right: f64,
}

impl Canvas {
    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.right = self.right.max(x + text.chars().count() as f64 * COLUMN);
        self.svg += &format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(text));
    }
}

/// The names, and below them the steps.
pub(super) fn picture(trace: &Trace) -> String {
    let all: Vec<Vec<Words>> = (0..trace.steps.len())
        .map(|at| [Some(Words::of(trace, at)), Words::heard(trace, at)].into_iter().flatten().collect())
        .collect();
    let touches = |who: usize| all.iter().flatten().any(|words| words.from == who || words.to == who);
    // Where nothing happens, everybody stands there.
    let who: Vec<usize> = (0..trace.participants.len()).filter(|who| all.is_empty() || touches(*who)).collect();
    let lane = |participant: usize| who.iter().position(|it| *it == participant);
    let names: Vec<String> = who.iter().map(|it| shorten(&clean(&trace.participants[*it].name), NAME_MAX)).collect();
    let mut wishes = Wishes::new(names.iter().map(|name| name.chars().count() + 2).collect());
    for words in all.iter().flatten() {
        if let (Some(from), Some(to)) = (lane(words.from), lane(words.to)) {
            wishes.add(words, from, to);
        }
    }
    let xs: Vec<f64> = Lanes::free(&wishes, COLUMNS).xs.iter().map(|x| NUMBERS + *x as f64 * COLUMN).collect();
    let mut canvas = Canvas { svg: String::new(), right: xs.last().map_or(0.0, |x| x + 40.0) };
    let mut y = 4.0;
    for (at, all) in all.iter().enumerate() {
        let mut drawn: Vec<(&Words, f64, f64)> = Vec::new();
        for words in all {
            // A trace without participants has no columns either.
            if let (Some(from), Some(to)) = (lane(words.from), lane(words.to)) {
                drawn.push((words, xs[from], xs[to]));
            }
        }
        y = row(&mut canvas, trace, at, &drawn, y);
    }
    for (x, name) in xs.iter().zip(&names) {
        canvas.right = canvas.right.max(x + (name.chars().count() + 2) as f64 * COLUMN / 2.0 + 8.0);
    }
    let (width, height) = ((canvas.right + 12.0).ceil(), y + 8.0);
    let size = |height: f64| format!("viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\"");
    let mut head = format!("<svg class=\"names\" aria-hidden=\"true\" {}>", size(NAMES));
    let mut lifelines = String::new();
    for ((x, name), who) in xs.iter().zip(&names).zip(&who) {
        let wide = (name.chars().count() + 2) as f64 * COLUMN;
        let role = serde_json::to_string(&trace.participants[*who].role).unwrap_or_default();
        head += &format!(
            "<rect class=\"{}\" x=\"{:.1}\" y=\"6\" width=\"{wide:.1}\" height=\"26\" rx=\"6\"/>\
             <line class=\"life\" x1=\"{x:.1}\" y1=\"32\" x2=\"{x:.1}\" y2=\"{NAMES}\"/>\
             <text class=\"name\" x=\"{x:.1}\" y=\"23\">{}</text>",
            role.trim_matches('"'),
            x - wide / 2.0,
            escape(name)
        );
        lifelines += &format!("<line class=\"life\" x1=\"{x:.1}\" y1=\"0\" x2=\"{x:.1}\" y2=\"{height}\"/>");
    }
    let steps = trace.steps.len();
    format!(
        "{head}</svg>\n<svg class=\"rows\" role=\"img\" aria-labelledby=\"picture-title picture-desc\" {}>\n\
         <title id=\"picture-title\">Sequence diagram of the schedule</title>\n\
         <desc id=\"picture-desc\">{steps} steps between {}. The same steps are listed under Step by step.</desc>\n\
         {lifelines}\n{}</svg>\n",
        size(height),
        escape(&names.join(", ")),
        canvas.svg
    )
}

/// Draws a step, an arrow for each of its words; the next one's top.
fn row(canvas: &mut Canvas, trace: &Trace, at: usize, drawn: &[(&Words, f64, f64)], top: f64) -> f64 {
    let step = &trace.steps[at];
    let number = at + 1;
    let class = match (step.fault.is_some(), number == trace.steps.len()) {
        (true, true) => "row fault current",
        (true, false) => "row fault",
        (false, true) => "row current",
        (false, false) => "row",
    };
    let height = ROW * drawn.len().max(1) as f64;
    canvas.svg += &format!(
        "<g class=\"{class}\" data-step=\"{number}\"><rect class=\"band\" x=\"0\" y=\"{top}\" width=\"100%\" \
         height=\"{height}\"/>"
    );
    canvas.text("number", 8.0, top + 31.0, &number.to_string());
    for (nth, (words, from, to)) in drawn.iter().enumerate() {
        arrow(canvas, words, *from, *to, top + 27.0 + ROW * nth as f64);
    }
    let mut bottom = top + height;
    if step.point_of_no_return {
        let y = bottom + 3.0;
        canvas.svg += &format!("<line class=\"boundary\" x1=\"8\" y1=\"{y}\" x2=\"100%\" y2=\"{y}\"/>");
        canvas.text("boundary-text", NUMBERS, y + 14.0, NO_WAY_BACK);
        bottom += BOUNDARY;
    }
    canvas.svg += "</g>\n";
    bottom
}

fn arrow(canvas: &mut Canvas, words: &Words, from: f64, to: f64, line: f64) {
    let label = shorten(&words.label, LABEL_MAX);
    let outcome = shorten(&words.after(), LABEL_MAX);
    match words.shape {
        Shape::At(glyph) => {
            let class = if glyph == '●' { "sign" } else { "sign bad" };
            canvas.svg += &format!("<circle class=\"{class}\" cx=\"{from:.1}\" cy=\"{line}\" r=\"8\"/>");
            if glyph != '●' {
                canvas.svg += &format!("<text class=\"glyph\" x=\"{from:.1}\" y=\"{}\">{glyph}</text>", line + 4.5);
            }
            canvas.text("label", from + 15.0, line + 4.0, &label);
            if !outcome.is_empty() {
                let x = from + 15.0 + (label.chars().count() + 1) as f64 * COLUMN;
                canvas.text("outcome", x, line + 4.0, &outcome);
            }
        }
        Shape::Arrow { .. } | Shape::Event => {
            let forward = from < to;
            let back = if forward { 1.0 } else { -1.0 };
            let struck = matches!(words.shape, Shape::Arrow { struck: true, .. });
            let tip = to - back * if struck { 14.0 } else { 3.0 };
            let class = if words.shape == Shape::Event { "arrow event" } else { "arrow" };
            canvas.svg +=
                &format!("<line class=\"{class}\" x1=\"{from:.1}\" y1=\"{line}\" x2=\"{tip:.1}\" y2=\"{line}\"/>");
            if struck {
                let (a, b, y) = (tip - 5.0, tip + 5.0, line);
                let (above, below) = (y - 5.0, y + 5.0);
                canvas.svg += &format!(
                    "<path class=\"cross\" d=\"M{a:.1} {above}L{b:.1} {below}M{a:.1} {below}L{b:.1} {above}\"/>"
                );
            } else {
                let base = tip - back * 9.0;
                canvas.svg += &format!(
                    "<path class=\"head\" d=\"M{tip:.1} {line}L{base:.1} {}L{base:.1} {}Z\"/>",
                    line - 5.0,
                    line + 5.0
                );
            }
            canvas.text("label", from.min(to) + 12.0, line - 8.0, &label);
            if !outcome.is_empty() {
                // After the head, or, on the way back, after what it says.
                let (x, y) = if forward {
                    (to + 9.0, line + 4.0)
                } else {
                    (to + 12.0 + (label.chars().count() + 1) as f64 * COLUMN, line - 8.0)
                };
                canvas.text("outcome", x, y, &outcome);
            }
        }
    }
}
