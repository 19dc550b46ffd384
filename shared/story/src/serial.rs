//! What must hold of whoever runs a [`Logic`]: the outcome is one that handling each message once, one after the other,
//! could have had. Computed from the logic itself, in every order of every set of the messages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use explorer::Observation;
use kit::{Logic, Msg, Out};

use crate::properties::{CONSISTENT_OUTPUT, NO_DUPLICATE_PROCESSING, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, NO_LOST_WRITE};
use crate::seen::{Seen, acked, sent};
use crate::story::{Story, expect};

/// Each entity's state, by its key.
pub type States<S> = BTreeMap<String, S>;

/// Most messages of which every order is computed.
const MESSAGES_MAX: usize = 4;

/// What a message says, as far as others can compare it: queue, kind, body.
type Said = (String, String, String);

/// Some of the messages, handled one after the other.
#[derive(Clone, Default, PartialEq)]
struct Run {
    handled: BTreeSet<String>,
    said: Vec<Said>,
    /// The place of its states in [`Orders::states`].
    leads_to: usize,
}

/// Every order of every set of some messages. The states to which the runs lead are [`Orders`]': what is judged here
/// does not know their type, and is compiled once.
struct Serial {
    messages: Vec<Msg>,
    queue: &'static str,
    outputs: &'static [&'static str],
    runs: Vec<Run>,
}

/// The states to which the runs lead, each once: most orders end in the same.
struct Orders<S> {
    serial: Serial,
    states: Vec<States<S>>,
}

/// Where a world stands.
struct Standing<'a> {
    /// The runs that lead there.
    runs: &'a dyn Fn() -> Vec<&'a Run>,
    observation: &'a Observation<'a>,
    /// The states, in words.
    shown: &'a dyn Fn() -> String,
}

impl<S: Clone + Debug + Default + PartialEq + Send + Sync + 'static> Orders<S> {
    fn of<L: Logic<State = S>>(queue: &'static str, outputs: &'static [&'static str], messages: Vec<Msg>) -> Self {
        assert!(messages.len() <= MESSAGES_MAX, "every order of {} messages is too many", messages.len());
        let mut first = States::new();
        for msg in &messages {
            first.insert(L::key(msg), S::default());
        }
        let mut orders =
            Orders { serial: Serial { messages, queue, outputs, runs: vec![Run::default()] }, states: vec![first] };
        let mut at = 0;
        while at < orders.serial.runs.len() {
            for msg in 0..orders.serial.messages.len() {
                orders.handle_one_more::<L>(at, msg);
            }
            at += 1;
        }
        orders
    }

    /// One more message after one of the runs, if that is a new run.
    fn handle_one_more<L: Logic<State = S>>(&mut self, at: usize, msg: usize) {
        let msg = &self.serial.messages[msg];
        let Some(mut run) = self.serial.runs[at].with(msg) else { return };
        let mut states = self.states[run.leads_to].clone();
        let state = states.entry(L::key(msg)).or_default();
        let (before, mut out) = (state.clone(), Out::of(&msg.id));
        match L::default().handle(state, msg, &mut out) {
            Ok(()) => run.say(out),
            Err(_) => *state = before,
        }
        run.leads_to = self.place_of(&states).unwrap_or(self.states.len());
        if run.leads_to == self.states.len() {
            self.states.push(states);
        }
        if !self.serial.runs.contains(&run) {
            self.serial.runs.push(run);
        }
    }

    fn place_of(&self, states: &States<S>) -> Option<usize> {
        self.states.iter().position(|known| known == states)
    }

    /// Judges what a story sees.
    fn judged(&self, seen: &Seen<'_, States<S>>, judge: Judge) -> Result<(), String> {
        let runs = || self.serial.leading_to(self.place_of(seen.view()));
        let shown = || shown(seen.view());
        judge(&self.serial, &Standing { runs: &runs, observation: seen.observation(), shown: &shown })
    }
}

impl Run {
    /// One more message; `None` if it is handled already.
    fn with(&self, msg: &Msg) -> Option<Run> {
        let mut run = self.clone();
        run.handled.insert(msg.id.to_string()).then_some(run)
    }

    fn say(&mut self, out: Out) {
        let wires = out.into_wires().into_iter();
        self.said.extend(wires.map(|wire| (wire.queue, wire.msg.kind, wire.msg.body)));
        self.said.sort();
    }
}

/// One of the properties.
type Judge = fn(&Serial, &Standing<'_>) -> Result<(), String>;

impl Serial {
    fn leading_to(&self, states: Option<usize>) -> Vec<&Run> {
        self.runs.iter().filter(|run| Some(run.leads_to) == states).collect()
    }

    fn says_the_same_again(&self, standing: &Standing<'_>) -> Result<(), String> {
        same_again(self.outputs, standing.observation)
    }

    fn has_its_effect_once(&self, standing: &Standing<'_>) -> Result<(), String> {
        expect(!(standing.runs)().is_empty(), || {
            format!("{}: no order of the messages, each at most once, leads there", (standing.shown)())
        })
    }

    fn stays(&self, standing: &Standing<'_>) -> Result<(), String> {
        // Who has sent something to the queue itself may have put the work off, and acked.
        let put_off = !sent(standing.observation, self.queue).is_empty();
        let handled = if put_off { Vec::new() } else { acked(standing.observation, self.queue) };
        let fits = |run: &Run| handled.iter().all(|id| run.handled.contains(*id));
        expect((standing.runs)().into_iter().any(fits), || is_without(&handled, standing))
    }

    fn was_committed(&self, standing: &Standing<'_>) -> Result<(), String> {
        let said = self.said(standing);
        expect((standing.runs)().iter().any(|run| is_part(&said, &run.said)), || {
            let words: Vec<String> = said.iter().map(|(_, kind, body)| format!("{kind} {body}")).collect();
            format!("{}: nobody could say all of this yet: {}", (standing.shown)(), words.join(", "))
        })
    }

    fn is_done_and_said(&self, standing: &Standing<'_>) -> Result<(), String> {
        let acked = acked(standing.observation, self.queue);
        let ids = self.messages.iter().map(|msg| &*msg.id);
        let handled: BTreeSet<&str> = ids.filter(|id| acked.contains(id)).collect();
        let fits = |run: &&Run| run.handled.iter().map(String::as_str).eq(handled.iter().copied());
        let ends: Vec<&Run> = (standing.runs)().into_iter().filter(fits).collect();
        let handled: Vec<&str> = handled.into_iter().collect();
        expect(!ends.is_empty(), || is_without(&handled, standing))?;
        let said = self.said(standing);
        expect(ends.iter().any(|run| run.said == said), || not_all_said(&ends, &said))
    }

    /// All that was sent to the output queues, each distinct message once, in order.
    fn said(&self, standing: &Standing<'_>) -> Vec<Said> {
        let mut said = Vec::new();
        for queue in self.outputs {
            let sent = sent(standing.observation, queue).into_iter();
            said.extend(sent.map(|msg| ((*queue).to_owned(), msg.kind.clone(), msg.body.clone())));
        }
        said.sort();
        said
    }
}

/// Whether one sorted list, with its repetitions, is part of another.
fn is_part(part: &[Said], whole: &[Said]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|one| rest.any(|other| other == one))
}

impl<S: Clone + Debug + Default + PartialEq + Send + Sync + 'static> Story<States<S>> {
    /// What must hold of whoever runs this logic on these messages, at most four, which come to `queue`; what it says
    /// goes to `outputs`. The story's view shows the state of every entity that the messages are about.
    ///
    /// Consistent output, no duplicated processing, no lost write, no ghost message, no lost message; and progress.
    #[must_use]
    pub fn runs_logic<L: Logic<State = S>>(
        self,
        queue: &'static str,
        outputs: &'static [&'static str],
        messages: fn() -> Vec<Msg>,
    ) -> Self {
        let orders = Arc::new(Orders::of::<L>(queue, outputs, messages()));
        let judged = |judge: Judge| {
            let orders = orders.clone();
            move |seen: &Seen<'_, States<S>>| orders.judged(seen, judge)
        };
        self.always(
            CONSISTENT_OUTPUT,
            "whatever is sent again is the same, under the same id",
            judged(Serial::says_the_same_again),
        )
        .always(
            NO_DUPLICATE_PROCESSING,
            "each message has its effect at most once",
            judged(Serial::has_its_effect_once),
        )
        .always(NO_LOST_WRITE, "what was handled stays", judged(Serial::stays))
        .always(NO_GHOST_MESSAGE, "what was sent was committed", judged(Serial::was_committed))
        .when_quiescent(
            NO_LOST_MESSAGE,
            "every message has its effect, and says what it has to say",
            judged(Serial::is_done_and_said),
        )
        .can_finish("every message is handled in the end")
    }
}

/// Whoever hears of something again hears the same. An id is one word's, whichever queue it goes to: somebody may listen
/// to two of them.
fn same_again(queues: &[&str], observation: &Observation<'_>) -> Result<(), String> {
    let mut known: BTreeMap<&str, (&str, &Msg)> = BTreeMap::new();
    for &queue in queues {
        for msg in sent(observation, queue) {
            let (heard, first) = *known.entry(&msg.id).or_insert((queue, msg));
            expect(heard == queue && first == msg, || {
                let also = if heard == queue { String::new() } else { format!("{queue} ") };
                format!("under one id, {}, {heard} heard {}, and {also}also {}", &*msg.id, words(first), words(msg))
            })?;
        }
    }
    Ok(())
}

fn not_all_said(ends: &[&Run], said: &[Said]) -> String {
    match ends.iter().find_map(|end| end.said.iter().find(|one| !said.contains(one))) {
        Some((queue, kind, body)) => format!("nobody ever sent {kind} {body} to {queue}"),
        None => format!("{} different messages were sent, which no order of the messages says", said.len()),
    }
}

fn words(msg: &Msg) -> String {
    let headers = if msg.headers.is_empty() { String::new() } else { format!(" {:?}", msg.headers) };
    format!("{} {}{headers}", msg.kind, msg.body)
}

fn shown<S: Debug>(states: &States<S>) -> String {
    let mut words = Vec::new();
    for (key, state) in states {
        words.push(format!("{key} has {state:?}"));
    }
    words.join(", ")
}

fn is_without(handled: &[&str], standing: &Standing<'_>) -> String {
    let verb = if handled.len() == 1 { "is" } else { "are" };
    format!("{} {verb} acked; {}, which is without", handled.join(" and "), (standing.shown)())
}
