//! Where the participants' lifelines stand.

use super::words::{Shape, Words};

/// Columns left of the first name.
const LEFT: usize = 2;

/// Columns that an arrow needs beside its label: `── label ─▶`.
pub(crate) const ARROW: usize = 6;

/// Longest words beside a lifeline that lanes move apart for.
const BESIDE_MAX: usize = 30;

/// Longest answer that lanes move apart for.
const ANSWER_MAX: usize = 24;

/// Longest words that say what came of a step that lanes move apart for.
const VERDICT_MAX: usize = 40;

/// How much of long texts lanes move apart for.
#[derive(Clone, Copy)]
struct Room {
    label: usize,
    document: usize,
}

/// From all to what still says something: documents give way before labels do.
const ROOMS: [Room; 6] = [
    Room { label: 48, document: 40 },
    Room { label: 48, document: 26 },
    Room { label: 48, document: 18 },
    Room { label: 40, document: 18 },
    Room { label: 32, document: 14 },
    Room { label: 24, document: 12 },
];

/// Least columns between two lifelines that a reader can still follow.
const GAP_MIN: usize = 7;

/// The columns of the lifelines.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    pub(crate) xs: Vec<usize>,
    /// Columns of the whole diagram.
    pub(crate) width: usize,
}

/// What the rows would like of the lanes.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    /// Characters of each name.
    names: Vec<usize>,
    rows: Vec<Wish>,
}

/// One row's.
#[derive(Clone, Debug)]
struct Wish {
    from: usize,
    to: usize,
    at: bool,
    label: usize,
    outcome: usize,
    /// Of the outcome where columns are short.
    brief: usize,
    document: bool,
}

impl Wish {
    /// Columns of the label, and those of the outcome.
    fn columns(&self, room: Room) -> (usize, usize) {
        let outcome = match self.document {
            true => self.outcome.min(room.document),
            false if room.document < ROOMS[0].document => self.brief.min(VERDICT_MAX),
            false => self.outcome.min(VERDICT_MAX),
        };
        (self.label.min(room.label), outcome)
    }
}

impl Wishes {
    pub(crate) fn new(names: Vec<usize>) -> Self {
        Wishes { names, rows: Vec::new() }
    }

    /// Adds a row's.
    pub(crate) fn add(&mut self, words: &Words, from: usize, to: usize) {
        let at = matches!(words.shape, Shape::At(_));
        let label = if at { words.together() } else { words.label.clone() }.chars().count();
        let outcome = if at { 0 } else { words.after().chars().count() };
        let brief = if at { 0 } else { words.brief().after().chars().count() };
        self.rows.push(Wish { from, to, at, label, outcome, brief, document: words.document });
    }

    /// Columns from each lane to the next; the last one's are the margin on the right.
    fn gaps(&self, room: Room, names: bool, afters: bool) -> Vec<usize> {
        let lanes = self.names.len();
        // Columns right of each lane that no other lifeline should cross.
        let mut free = vec![0; lanes];
        // Columns from one lane to another further right, or to the end.
        let mut spans = Vec::new();
        for row in &self.rows {
            let (label, outcome) = row.columns(room);
            let (left, right) = (row.from.min(row.to), row.from.max(row.to));
            if row.at {
                free[right] = free[right].max(label.min(BESIDE_MAX));
            } else if row.to < row.from {
                // Both stand on an arrow that points left; an answer beside it, where it is long.
                let both = match outcome {
                    0 if label > ANSWER_MAX => 0,
                    0 => label,
                    outcome => (label + 3 + outcome).min(BESIDE_MAX),
                };
                spans.push((left, right, both + ARROW + 1));
            } else {
                spans.push((left, right, label + ARROW + 1));
                free[right] = free[right].max(outcome);
                if outcome > 0 {
                    spans.push((right, lanes, outcome + 2));
                }
            }
        }
        let mut gaps: Vec<usize> = (0..lanes)
            .map(|at| {
                let name = self.names[at] / 2 + 1;
                let next = self.names.get(at + 1).map_or(0, |next| next / 2 + 2);
                let least = if at + 1 < lanes { GAP_MIN + 3 } else { 1 };
                let after = if afters && free[at] > 0 { free[at] + 3 } else { 0 };
                least.max(if names { name + next } else { 0 }).max(after)
            })
            .collect();
        spans.sort_by_key(|(left, right, _)| right - left);
        for (left, right, wanted) in spans {
            let have: usize = gaps[left..right].iter().sum();
            let lanes = right - left;
            for (at, gap) in gaps[left..right].iter_mut().enumerate() {
                let short = wanted.saturating_sub(have);
                *gap += short / lanes + usize::from(at < short % lanes);
            }
        }
        gaps
    }
}

impl Lanes {
    /// Names and labels in full, in any width; outcomes over other lifelines only where that keeps to so many columns.
    pub(crate) fn free(wishes: &Wishes, columns: usize) -> Self {
        let roomy = Lanes::at(wishes, &wishes.gaps(ROOMS[0], true, true));
        if roomy.width <= columns { roomy } else { Lanes::at(wishes, &wishes.gaps(ROOMS[0], true, false)) }
    }

    /// Names in full, and as much of the texts as fits into so many columns; without room for the names, those take
    /// two lines; without any, the widest gaps are narrowed. None where they would be too narrow to follow.
    pub(crate) fn within(wishes: &Wishes, columns_max: usize) -> Option<Self> {
        let fits = |lanes: &Lanes| lanes.width <= columns_max;
        [true, false]
            .into_iter()
            .flat_map(|names| ROOMS.map(|room| (names, room)))
            .flat_map(|(names, room)| [true, false].map(|afters| wishes.gaps(room, names, afters)))
            .map(|gaps| Lanes::at(wishes, &gaps))
            .find(fits)
            .or_else(|| {
                let gaps = wishes.gaps(ROOMS[ROOMS.len() - 1], false, false);
                let (margin, between) = gaps.split_last()?;
                // The margin is for outcomes, and gives way last.
                [*margin, 1].into_iter().find_map(|margin| {
                    (GAP_MIN..=columns_max).rev().find_map(|gap_max| {
                        let narrow = between.iter().map(|gap| (*gap).min(gap_max));
                        let gaps: Vec<usize> = narrow.chain([margin]).collect();
                        Some(Lanes::at(wishes, &gaps)).filter(fits)
                    })
                })
            })
    }

    fn at(wishes: &Wishes, gaps: &[usize]) -> Self {
        let mut x = LEFT + (wishes.names.first().copied().unwrap_or(0) / 2).min(gaps.first().copied().unwrap_or(0) / 2);
        let mut xs = Vec::with_capacity(gaps.len());
        for gap in gaps {
            xs.push(x);
            x += gap;
        }
        Lanes { xs, width: x }
    }
}
