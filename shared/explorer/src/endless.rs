//! How a state from which no good end can be reached goes on: round and round, or to a bad end.

use std::collections::BTreeMap;

use crate::action::Action;
use crate::engine::Engine;
use crate::steps::Steps;

/// States that are expanded, at most.
const EXPANDED_MAX: usize = 20_000;

/// What happens after a state, by free steps alone.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Endless {
    pub(crate) steps: Vec<Action>,
    /// How many of them, at the end, lead back to where they began; 0 if they lead to an end.
    pub(crate) round: usize,
}

/// The shortest way from a state into a cycle of free steps, or to a quiescent state; nothing if that takes too long
/// to find.
pub(crate) fn endless(engine: &mut Engine<'_>, from: &[u32]) -> Endless {
    let mut numbers = BTreeMap::from([(from.to_vec(), 0)]);
    let mut reached = vec![(0, Action::BEGIN, from.to_vec())];
    let mut out = Steps::default();
    let mut at = 0;
    while at < reached.len().min(EXPANDED_MAX) {
        let state = reached[at].2.clone();
        engine.steps(&state, &mut out);
        if !out.free {
            return Endless { steps: path(&reached, at), round: 0 };
        }
        for (step, words) in out.iter().filter(|(step, _)| step.fault.is_none()) {
            let known = numbers.get(words).copied();
            if let Some(round) = known.and_then(|known| back(&reached, at, known)) {
                let mut steps = path(&reached, at);
                steps.push(step.action);
                return Endless { steps, round: round + 1 };
            }
            if known.is_none() {
                numbers.insert(words.to_vec(), reached.len());
                reached.push((at, step.action, words.to_vec()));
            }
        }
        at += 1;
    }
    Endless::default()
}

type Reached = (usize, Action, Vec<u32>);

/// How many steps lead from `ancestor` to `at`, if they do.
fn back(reached: &[Reached], mut at: usize, ancestor: usize) -> Option<usize> {
    let mut steps = 0;
    while at != ancestor {
        if at == 0 {
            return None;
        }
        at = reached[at].0;
        steps += 1;
    }
    Some(steps)
}

fn path(reached: &[Reached], mut at: usize) -> Vec<Action> {
    let mut path = Vec::new();
    while at != 0 {
        path.push(reached[at].1);
        at = reached[at].0;
    }
    path.reverse();
    path
}
