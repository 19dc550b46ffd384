//! What must hold of whoever runs a [`Logic`]: the outcome is one that handling each message once, one after the other,
//! could have had. Computed from the logic itself, in every order of every set of the messages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use kit::{Logic, Msg, Out};

use crate::properties::{CONSISTENT_OUTPUT, NO_DUPLICATE_PROCESSING, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, NO_LOST_WRITE};
use crate::seen::Seen;
use crate::story::{Story, expect};

/// Each entity's state, by its key.
pub type States<S> = BTreeMap<String, S>;

/// Most messages of which every order is computed.
const MESSAGES_MAX: usize = 4;

/// What a message says, as far as others can compare it: queue, kind, body.
type Said = (String, String, String);

/// Some of the messages, handled one after the other.
#[derive(Clone, PartialEq)]
struct Run<S> {
    handled: BTreeSet<String>,
    states: States<S>,
    said: Vec<Said>,
}

/// Every order of every set of some messages.
struct Serial<S> {
    runs: Vec<Run<S>>,
}

impl<S: Clone + Default + PartialEq> Serial<S> {
    fn of<L: Logic<State = S>>(messages: &[Msg]) -> Self {
        assert!(messages.len() <= MESSAGES_MAX, "every order of {} messages is too many", messages.len());
        let states = messages.iter().map(|msg| (L::key(msg), S::default())).collect();
        let mut runs = vec![Run { handled: BTreeSet::new(), states, said: Vec::new() }];
        let mut at = 0;
        while at < runs.len() {
            for msg in messages {
                let next = runs[at].clone().then::<L>(msg);
                if let Some(next) = next.filter(|next| !runs.contains(next)) {
                    runs.push(next);
                }
            }
            at += 1;
        }
        Serial { runs }
    }

    /// The runs that lead to these states.
    fn to<'a>(&'a self, states: &'a States<S>) -> impl Iterator<Item = &'a Run<S>> {
        self.runs.iter().filter(move |run| run.states == *states)
    }
}

impl<S: Clone + Default> Run<S> {
    /// One more message; `None` if it is handled already.
    fn then<L: Logic<State = S>>(mut self, msg: &Msg) -> Option<Self> {
        if !self.handled.insert(msg.id.to_string()) {
            return None;
        }
        let mut out = Out::of(&msg.id);
        let state = self.states.entry(L::key(msg)).or_default();
        let before = state.clone();
        match L::default().handle(state, msg, &mut out) {
            Ok(()) => {
                let wires = out.into_wires().into_iter();
                self.said.extend(wires.map(|wire| (wire.queue, wire.msg.kind, wire.msg.body)));
                self.said.sort();
            }
            Err(_) => *state = before,
        }
        Some(self)
    }
}

/// All that was sent to these queues, each distinct message once, in order.
fn said<V>(seen: &Seen<'_, V>, queues: &[&str]) -> Vec<Said> {
    let mut said: Vec<Said> = queues
        .iter()
        .flat_map(|queue| seen.sent(queue).into_iter().map(move |msg| (queue, msg)))
        .map(|(queue, msg)| ((*queue).to_owned(), msg.kind.clone(), msg.body.clone()))
        .collect();
    said.sort();
    said
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
        messages: impl Fn() -> Vec<Msg> + Sync + 'static,
    ) -> Self {
        let serial = Arc::new(Serial::of::<L>(&messages()));
        // Whoever runs the logic may send messages of its own to the queue: those are no matter of the logic.
        let known: Arc<BTreeSet<String>> = Arc::new(messages().iter().map(|msg| msg.id.to_string()).collect());
        let known_too = known.clone();
        let (once, acked, sent, end) = (serial.clone(), serial.clone(), serial.clone(), serial);
        self.always(CONSISTENT_OUTPUT, "whatever is sent again is the same, under the same id", move |seen| {
            let mut known: BTreeMap<&str, &Msg> = BTreeMap::new();
            for msg in outputs.iter().flat_map(|queue| seen.sent(queue)) {
                let first = *known.entry(&msg.id).or_insert(msg);
                expect(first == msg, || format!("{} says {}, and also {}", &*msg.id, words(first), words(msg)))?;
            }
            Ok(())
        })
        .always(NO_DUPLICATE_PROCESSING, "each message has its effect at most once", move |seen| {
            expect(once.to(seen.view()).next().is_some(), || {
                format!("{}; no order of the messages makes that, each at most once", shown(seen.view()))
            })
        })
        .always(NO_LOST_WRITE, "what was handled stays", move |seen| {
            let handled: Vec<&str> = seen.acked(queue).into_iter().filter(|id| known.contains(*id)).collect();
            let fits = |run: &Run<S>| handled.iter().all(|id| run.handled.contains(*id));
            expect(acked.to(seen.view()).any(fits), || {
                format!("{} acked; {}, which is without", list(&handled), shown(seen.view()))
            })
        })
        .always(NO_GHOST_MESSAGE, "what was sent was committed", move |seen| {
            let said = said(seen, outputs);
            expect(sent.to(seen.view()).any(|run| is_part(&said, &run.said)), || {
                let said: Vec<String> = said.iter().map(|(_, kind, body)| format!("{kind} {body}")).collect();
                format!("{}; nobody could then say all of {}", shown(seen.view()), said.join(", "))
            })
        })
        .when_quiescent(NO_LOST_MESSAGE, "every message has its effect, and says what it has to say", move |seen| {
            let said = said(seen, outputs);
            let acked = seen.acked(queue).into_iter();
            let handled: BTreeSet<&str> = acked.filter(|id| known_too.contains(*id)).collect();
            let fits = |run: &&Run<S>| run.handled.iter().map(String::as_str).eq(handled.iter().copied());
            let mut runs = end.to(seen.view()).filter(fits).peekable();
            let Some(first) = runs.peek().copied() else {
                let handled: Vec<&str> = handled.into_iter().collect();
                return Err(format!("{} acked; {}, which is without", list(&handled), shown(seen.view())));
            };
            let missing = first.said.iter().find(|one| !said.contains(one));
            expect(runs.any(|run| run.said == said), || match missing {
                Some((queue, kind, body)) => format!("nobody ever sent {kind} {body} to {queue}"),
                None => format!("{} were sent, which no order of the messages says", said.len()),
            })
        })
        .can_finish("every message is handled in the end")
    }
}

fn words(msg: &Msg) -> String {
    let headers = if msg.headers.is_empty() { String::new() } else { format!(" {:?}", msg.headers) };
    format!("{} {}{headers}", msg.kind, msg.body)
}

fn shown<S: Debug>(states: &States<S>) -> String {
    let states = states.iter().map(|(key, state)| format!("{key} is {state:?}"));
    states.collect::<Vec<_>>().join(", ")
}

fn list(ids: &[&str]) -> String {
    let verb = if ids.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", ids.join(" and "))
}
