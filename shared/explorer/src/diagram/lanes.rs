//! Where the participants' lifelines stand.

use super::words::{Shape, Words};

/// Columns left of the first name.
const LEFT: usize = 2;

/// Columns that an arrow needs beside its label: `── label ─▶`.
pub(crate) const ARROW: usize = 6;

/// Longest text that lanes move apart for.
const WISH_MAX: usize = 30;

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
    /// Columns from one lane to another, further right.
    spans: Vec<(usize, usize, usize)>,
    /// Columns right of each lane that no other lifeline should cross.
    afters: Vec<usize>,
}

impl Wishes {
    pub(crate) fn new(names: Vec<usize>) -> Self {
        let afters = vec![0; names.len()];
        Wishes { names, spans: Vec::new(), afters }
    }

    /// Adds a row's.
    pub(crate) fn add(&mut self, words: &Words, from: usize, to: usize) {
        let label = words.label.chars().count().min(WISH_MAX);
        let outcome = words.after().chars().count().min(WISH_MAX);
        let (left, right) = (from.min(to), from.max(to));
        let after = match words.shape {
            Shape::At(_) => words.together().chars().count().min(WISH_MAX),
            // Both stand on an arrow that points left.
            _ if to < from => {
                let both = if outcome > 0 { label + 3 + outcome } else { label };
                self.spans.push((left, right, both.min(WISH_MAX) + ARROW + 1));
                0
            }
            _ => {
                self.spans.push((left, right, label + ARROW + 1));
                outcome
            }
        };
        self.afters[right] = self.afters[right].max(after);
    }

    /// Columns from each lane to the next; the last one's are the margin on the right.
    fn gaps(&self, names: bool, afters: bool) -> Vec<usize> {
        let lanes = self.names.len();
        let mut gaps: Vec<usize> = (0..lanes)
            .map(|at| {
                let name = self.names[at] / 2 + 1;
                let next = self.names.get(at + 1).map_or(0, |next| next / 2 + 2);
                let least = if at + 1 < lanes { GAP_MIN + 3 } else { 1 };
                let after = if afters && self.afters[at] > 0 { self.afters[at] + 3 } else { 0 };
                least.max(if names { name + next } else { 0 }).max(after)
            })
            .collect();
        let mut spans = self.spans.clone();
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
        let roomy = Lanes::at(wishes, &wishes.gaps(true, true));
        if roomy.width <= columns { roomy } else { Lanes::at(wishes, &wishes.gaps(true, false)) }
    }

    /// The same, if it fits into so many columns.
    pub(crate) fn natural(wishes: &Wishes, columns_max: usize) -> Option<Self> {
        Some(Lanes::free(wishes, columns_max)).filter(|lanes| lanes.width <= columns_max)
    }

    /// The widest gaps narrowed until all fit; none where they would be too narrow to follow.
    pub(crate) fn narrowed(wishes: &Wishes, columns_max: usize) -> Option<Self> {
        let gaps = wishes.gaps(false, false);
        (GAP_MIN..=columns_max).rev().find_map(|gap_max| {
            let gaps: Vec<usize> = gaps.iter().map(|gap| (*gap).min(gap_max)).collect();
            let lanes = Lanes::at(wishes, &gaps);
            (lanes.width <= columns_max).then_some(lanes)
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
