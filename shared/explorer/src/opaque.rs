//! Progress where every try draws new ids, so that no state comes twice.
//!
//! Ids are opaque: nobody guesses one, and nobody decides by its digits. So a world at rest goes on as another one does
//! that differs from it only in which ids it holds (data independence), or in documents whose keys nobody knows any more
//! (garbage). Such worlds are taken for one, and then an endless series of tries is a round again.

use std::collections::{BTreeMap, BTreeSet};

use kit::port::Operation;

use crate::action::Action;
use crate::endless::{EXPANDED_MAX, Endless, back, path};
use crate::engine::{DRAWS_MAX, Engine, Extra};
use crate::history::IDLE;
use crate::layout::{EXTRA, JOURNAL, NODE, SERVICES};
use crate::run::id_drawn;
use crate::steps::Steps;

/// How a state goes on, if that is known in full.
pub(crate) struct Future {
    /// Its way into a round, or to an end.
    pub(crate) endless: Endless,
    /// The journals of all its ends.
    pub(crate) ends: BTreeSet<u32>,
}

/// All that can come after a state by free steps; `None` if that cannot be told.
///
/// It cannot if some of it needs more draws than are told apart, or if somebody reads the clock, throws dice, or lists a
/// partition: a try may then see how many there were before it.
pub(crate) fn future(engine: &mut Engine<'_>, from: &[u32]) -> Option<Future> {
    let drawn = |engine: &Engine<'_>| engine.extras.value(from[EXTRA]).draws.iter().map(|(_, drawn)| *drawn).max();
    if drawn(engine).unwrap_or_default() > DRAWS_MAX / 2 {
        return None;
    }
    let saturated = std::mem::take(&mut engine.saturated);
    let future = explored(engine, from).filter(|_| only_ids(engine));
    engine.saturated |= saturated;
    future
}

fn explored(engine: &mut Engine<'_>, from: &[u32]) -> Option<Future> {
    let mut numbers = BTreeMap::from([(from.to_vec(), 0)]);
    let mut at_rest: BTreeMap<String, usize> = form(engine, from).map(|form| (form, 0)).into_iter().collect();
    let mut reached = vec![(0, Action::BEGIN, from.to_vec())];
    let (mut round, mut end, mut ends) = (None, None, BTreeSet::new());
    let mut out = Steps::default();
    let mut at = 0;
    while at < reached.len() {
        let state = reached[at].2.clone();
        engine.steps(&state, &mut out);
        if at == EXPANDED_MAX || engine.saturated || engine.crowded || engine.more_versions {
            return None;
        }
        if !out.free {
            ends.insert(state[JOURNAL]);
            end = end.or_else(|| Some(Endless { steps: path(&reached, at), round: 0 }));
        }
        for (step, words) in out.iter().filter(|(step, _)| step.fault.is_none()) {
            let next = reached.len();
            let form = form(engine, words);
            let known = numbers.get(words).or_else(|| at_rest.get(form.as_ref()?)).copied();
            if let Some(known) = known {
                if let (None, Some(steps_back)) = (&round, back(&reached, at, known)) {
                    let steps = path(&reached, at).into_iter().chain([step.action]).collect();
                    round = Some(Endless { steps, round: steps_back + 1 });
                }
                continue;
            }
            numbers.insert(words.to_vec(), next);
            at_rest.extend(form.map(|form| (form, next)));
            reached.push((at, step.action, words.to_vec()));
        }
        at += 1;
    }
    Some(Future { endless: round.or(end).unwrap_or_default(), ends })
}

/// Nothing that handlers have done so far depends on anything but what they read and send, and on ids.
fn only_ids(engine: &Engine<'_>) -> bool {
    let histories = &engine.histories;
    let lists = |op: &crate::operation::Op| matches!(op.operation, Operation::List { .. });
    !histories.clock_read && !histories.diced && !histories.ops.iter().any(lists)
}

/// A state at rest, as text in which ids are numbered in their order, without garbage. `None` while somebody runs, and may
/// hold an id.
fn form(engine: &Engine<'_>, words: &[u32]) -> Option<String> {
    let layout = &engine.layout;
    if (0..layout.actors.len()).any(|actor| words[layout.slot(actor) + NODE] != IDLE) {
        return None;
    }
    let extra = engine.extras.value(words[EXTRA]);
    let ids: Vec<[String; 2]> =
        extra.draws.iter().flat_map(|(owner, drawn)| (0..*drawn).map(|number| id_drawn(*owner, number))).collect();
    let in_text = |text: &str| -> BTreeSet<usize> {
        let text = text.to_lowercase();
        (0..ids.len()).filter(|at| ids[*at].iter().any(|id| text.contains(id))).collect()
    };

    let slots: Vec<&[u32]> = (0..layout.actors.len()).map(|actor| &words[layout.slot_range(actor)]).collect();
    let queues: Vec<_> =
        (0..engine.scenario.queues.len()).map(|at| engine.queues.value(words[layout.queue(at)])).collect();
    let services = engine.services.value(words[SERVICES]);
    let rest = Extra { draws: Vec::new(), ..extra.clone() };
    let others = format!("{slots:?} {queues:?} {services:?} {rest:?}");

    let docs = engine.docs(words);
    let mut unknown: Vec<(String, BTreeSet<usize>)> =
        docs.pairs().map(|(key, body)| (format!("{key} = {body}"), in_text(key))).collect();
    let mut known = in_text(&others);
    let mut live = Vec::new();
    loop {
        let reachable = |(_, ids): &mut (String, BTreeSet<usize>)| ids.is_empty() || !ids.is_disjoint(&known);
        let found: Vec<String> = unknown.extract_if(.., reachable).map(|(document, _)| document).collect();
        if found.is_empty() {
            break;
        }
        for document in found {
            known.extend(in_text(&document));
            live.push(document);
        }
    }

    let mut known: Vec<&[String; 2]> = known.into_iter().map(|at| &ids[at]).collect();
    known.sort();
    let renamed = |mut text: String| {
        for (number, id) in known.iter().enumerate() {
            text = text.replace(&id[0], &format!("<id {number}>")).replace(&id[1], &format!("<short id {number}>"));
        }
        text
    };
    let mut live: Vec<String> = live.into_iter().map(renamed).collect();
    live.sort();
    Some(format!("{} {}", renamed(others), live.join("\n")))
}
