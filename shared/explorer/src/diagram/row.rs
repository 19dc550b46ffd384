//! One line of the diagram.

use super::COLUMNS_MAX;
use super::lanes::ARROW;
use super::words::{LABEL_MIN, Shape, Words, shorten};

/// A line that is being drawn over the lifelines.
pub(super) struct Row<'a> {
    cells: Vec<char>,
    xs: &'a [usize],
    /// The first column after everything that was drawn.
    end: usize,
}

impl<'a> Row<'a> {
    pub(super) fn new(xs: &'a [usize]) -> Self {
        let mut cells = vec![' '; COLUMNS_MAX];
        for x in xs {
            cells[*x] = '│';
        }
        Row { cells, xs, end: 0 }
    }

    pub(super) fn into_text(self) -> String {
        self.cells.into_iter().collect::<String>().trim_end().to_owned()
    }

    /// Draws a step; true if all its words have room.
    pub(super) fn draw(&mut self, words: &Words, from: usize, to: usize) -> bool {
        match words.shape {
            Shape::At(glyph) => {
                let x = self.xs[from];
                self.set(x, glyph);
                self.beside(x, words)
            }
            Shape::Arrow { struck, run } => self.arrow(words, from, to, if run { '═' } else { '─' }, struck),
            Shape::Event => self.arrow(words, from, to, '┄', false),
        }
    }

    /// Words right of a lifeline, or left of it where that has more room; true if they are there in full.
    fn beside(&mut self, x: usize, words: &Words) -> bool {
        let chars = words.together().chars().count();
        let (right, left) = (COLUMNS_MAX - (x + 2).min(COLUMNS_MAX), x.saturating_sub(3));
        if chars <= right || right >= left {
            self.put(x + 2, &words.fitted(right));
        } else {
            let text = words.fitted(left);
            self.put(x - 1 - text.chars().count(), &text);
        }
        chars <= right.max(left)
    }

    /// A remark right of a lifeline, or left of it where it has no room.
    pub(super) fn remark(&mut self, x: usize, text: &str) {
        let chars = text.chars().count();
        let start = if x + 2 + chars <= COLUMNS_MAX { x + 2 } else { x.saturating_sub(1 + chars) };
        self.put(start, text);
    }

    /// A log line, right of its node, or as far left as it takes.
    pub(super) fn log(&mut self, x: usize, text: &str) {
        let text = shorten(&format!("» {text}"), COLUMNS_MAX - 4);
        self.put((x + 3).min(COLUMNS_MAX - text.chars().count()), &text);
    }

    /// A text at the right end, over lifelines that have nothing to do with the row; false if there is no room.
    pub(super) fn at_the_end(&mut self, text: &str) -> bool {
        let chars = text.chars().count();
        let lanes_end = self.xs.last().map_or(0, |x| x + 1);
        let start = [self.end.max(lanes_end) + 2, self.end + 2].into_iter().find(|start| start + chars <= COLUMNS_MAX);
        if let Some(start) = start {
            self.put(start, text);
        }
        start.is_some()
    }

    fn arrow(&mut self, words: &Words, from: usize, to: usize, line: char, struck: bool) -> bool {
        let rightwards = from < to;
        let (left, right) = (self.xs[from.min(to)], self.xs[from.max(to)]);
        for at in left + 1..right {
            let crossing = self.cells[at] == '│';
            self.set(at, if crossing { if line == '═' { '╪' } else { '┼' } } else { line });
        }
        let (head, mark) = if rightwards { (right - 1, '▶') } else { (left + 1, '◀') };
        self.set(head, if struck { '✗' } else { mark });
        let start = if rightwards { left + 3 } else { left + 4 };
        let inside = (right - left - 1).saturating_sub(ARROW);
        let beyond = COLUMNS_MAX - (right + 2).min(COLUMNS_MAX);
        let chars = |text: &str| text.chars().count();
        let label = words.label.as_str();
        let brief = words.brief();
        self.end = right + 1;

        for words in [words, &brief] {
            let (after, together) = (words.after(), words.together());
            // `── send PlaceOrder ──┼──── ✗ refused │`: the words stand where the fault strikes.
            if struck && rightwards && chars(label) + chars(&after) + 4 <= inside {
                self.put(start, &format!(" {label} "));
                let text = format!(" ✗ {after} ");
                self.put(right - chars(&text), &text);
                return true;
            }
            if !rightwards && chars(&together) <= inside {
                self.put(start, &format!(" {together} "));
                return true;
            }
            if chars(label) <= inside && chars(&after) <= beyond {
                self.put(start, &format!(" {label} "));
                self.put(right + 2, &after);
                return true;
            }
            if chars(&together) <= inside {
                self.put(start, &format!(" {together} "));
                return true;
            }
        }
        // Too narrow for its label: a bare arrow, and all its words after it.
        for together in [words.together(), brief.together()] {
            if chars(&together) <= beyond {
                self.put(right + 2, &together);
                return true;
            }
        }
        // Nowhere is there room for everything: what came of it is the last to be cut.
        let after = brief.after();
        let least = brief.least();
        if least > 0
            && beyond >= least
            && let Some(label) = words.label_in(inside)
        {
            self.put(start, &format!(" {label} "));
            self.put(right + 2, &shorten(&after, beyond));
            return false;
        }
        let needed = least.max(chars(label).min(LABEL_MIN));
        let longest = inside.max(beyond);
        if longest < needed && left > longest + 3 {
            let text = brief.fitted(left - 3);
            self.put(left - 1 - chars(&text), &text);
        } else if inside >= beyond {
            self.put(start, &format!(" {} ", brief.fitted(inside)));
        } else {
            self.put(right + 2, &brief.fitted(beyond));
        }
        false
    }

    fn set(&mut self, at: usize, glyph: char) {
        self.cells[at] = glyph;
        self.end = self.end.max(at + 1);
    }

    fn put(&mut self, start: usize, text: &str) {
        let mut at = start;
        for glyph in text.chars() {
            if at < COLUMNS_MAX {
                self.cells[at] = glyph;
                at += 1;
            }
        }
        // A lifeline that touches the text would read as one of its letters.
        if at < COLUMNS_MAX && self.cells[at] == '│' && !text.is_empty() && !text.ends_with(' ') {
            self.cells[at] = ' ';
        }
        self.end = self.end.max(at);
    }
}

/// Names centred above their lanes, of those lanes that are asked for; none if some had to be shortened or moved and
/// that was not allowed.
pub(super) fn names(names: &[String], xs: &[usize], which: impl Fn(usize) -> bool, squeeze: bool) -> Option<String> {
    let mut cells: Vec<char> = Vec::new();
    let lanes: Vec<usize> = (0..names.len()).filter(|at| which(*at)).collect();
    for (nth, lane) in lanes.iter().enumerate() {
        let x = xs[*lane];
        // The room up to half way to the neighbours on this line.
        let before = if nth == 0 { 0 } else { xs[lanes[nth - 1]].midpoint(x) + 2 };
        let after = lanes.get(nth + 1).map_or(COLUMNS_MAX, |next| x.midpoint(xs[*next]) - 1);
        let chars = names[*lane].chars().count();
        let room = after - before;
        let start = x.saturating_sub(chars / 2);
        let fits = (nth == 0 || cells.len() + 2 <= start) && start + chars <= COLUMNS_MAX;
        if !fits && !squeeze {
            return None;
        }
        let name = if squeeze { shorten(&names[*lane], room) } else { names[*lane].clone() };
        let chars = name.chars().count();
        let start = if squeeze { x.saturating_sub(chars / 2).max(before).min(after - chars) } else { start };
        cells.resize(start.max(cells.len()), ' ');
        cells.extend(name.chars());
    }
    Some(cells.into_iter().collect())
}
