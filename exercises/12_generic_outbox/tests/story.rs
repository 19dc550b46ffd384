//! What whoever writes business code may rely on, if somebody else runs it.
//!
//! The messages are in the queue `points` from the beginning, and a worker takes any of them at any moment. What they do
//! is up to a logic; there are five of them here, and the code that runs them knows none.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use generic_outbox::{Outbox, view};
use kit::{Logic, Out, Reject};
use serde::{Deserialize, Serialize};
use story::logics::{Asked, Body, Silent, Strict, Talkative, message};
use story::{
    CONSISTENT_OUTPUT, Client, Cx, Docs, Event, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING, NO_GARBAGE,
    NO_GHOST_MESSAGE, NO_LOST_MESSAGE, NO_LOST_WRITE, Scenario, Seen, Size, Story, expect,
};

/// The queue holds a copy too many; a lock runs out while its worker lives; an ack gets lost; a node dies between any two
/// operations; the bus and the store refuse, or do not say what became of a send or a write; the store reports a conflict
/// where nobody has written; a weak read is behind.
const WHAT_FAILS: &[Fault] = &[
    Fault::Duplicate,
    Fault::LockExpired,
    Fault::AckLost,
    Fault::Crash,
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::WriteRefused,
    Fault::WriteUnknown,
    Fault::ReadRefused,
    Fault::StaleRead,
    Fault::SpuriousConflict,
];

const ONE_MESSAGE: &[Size] = &[
    Size::ONE.copies(2),
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.faults(3),
    Size::ONE.copies(2).workers(2).faults(3),
];
/// With two clients, a month may pass.
const MORE_MESSAGES: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.copies(2).clients(2),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
    Size::ONE.messages(3).copies(2),
    Size::ONE.messages(3).faults(1),
    Size::ONE.messages(3).workers(2),
];
const REFUSED_MESSAGES: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.copies(2).clients(2),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(2),
    Size::ONE.messages(3).copies(2),
    Size::ONE.messages(3).faults(1),
];
const TWO_MESSAGES: &[Size] = &[
    Size::ONE.messages(2),
    Size::ONE.faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
];

/// 110 points, a letter, and a voucher. Whatever fails, and whoever says it again: it is what was said first.
#[test]
fn what_is_said_again_is_the_same() {
    fn messages() -> Vec<Msg> {
        vec![message("m1", "Add", "ada", 110)]
    }
    let mut story = Story::new("what is said again is the same")
        .worlds(ONE_MESSAGE, |size| shop::<Talkative>(size, messages()))
        .view(|docs| states::<Talkative>(docs, &messages()))
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect);
    for &fault in WHAT_FAILS.iter().filter(|fault| {
        // Whether these can strike is up to who reads and writes, and how.
        !matches!(fault, Fault::ReadRefused | Fault::StaleRead | Fault::SpuriousConflict)
    }) {
        story = story.sometimes(Event::Struck(fault));
    }
    story.runs::<Talkative>(messages()).check();
}

/// 60, 50 and 40 points. Each message tells a total, which depends on those before; one of them earns a voucher.
#[test]
fn a_talkative_logic_is_run_once_for_each_message() {
    fn messages() -> Vec<Msg> {
        vec![message("m1", "Add", "ada", 60), message("m2", "Add", "ada", 50), message("m3", "Add", "ada", 40)]
    }
    tell::<Talkative>("a talkative logic is run once for each message", MORE_MESSAGES, messages);
}

/// 50, 50 and 20 points, and nobody hears of them. Two of the messages are equal, and are not the same message.
#[test]
fn a_silent_logic_is_run_once_for_each_message() {
    fn messages() -> Vec<Msg> {
        vec![message("m1", "Add", "ada", 50), message("m11", "Add", "ada", 50), message("m2", "Add", "ada", 20)]
    }
    tell::<Silent>("a silent logic is run once for each message", MORE_MESSAGES, messages);
}

/// How many points are there? Somebody asks while 60 and 50 are added. To answer changes nothing; but what was answered
/// once is the answer.
#[test]
fn who_asks_again_gets_the_same_answer() {
    fn messages() -> Vec<Msg> {
        vec![message("m1", "Ask", "ada", 0), message("m2", "Add", "ada", 60), message("m3", "Add", "ada", 50)]
    }
    tell::<Asked>("who asks again gets the same answer", MORE_MESSAGES, messages);
}

/// 50 points are taken away, 60 are added, 30 are taken away. What there is not enough for is refused, and with that it
/// is handled: nothing of it is left, and nobody hears of it.
#[test]
fn what_is_refused_leaves_nothing() {
    fn messages() -> Vec<Msg> {
        vec![message("m1", "Add", "ada", -50), message("m2", "Add", "ada", 60), message("m3", "Add", "ada", -30)]
    }
    tell::<Strict>("what is refused leaves nothing", REFUSED_MESSAGES, messages);
}

/// Points for Ada, for Ben, and for Ada once more: each entity has its own state, and its own outbox.
#[test]
fn entities_do_not_mix() {
    fn messages() -> Vec<Msg> {
        vec![message("m1", "Add", "ada", 60), message("m2", "Add", "ben", 110), message("m3", "Add", "ada", 50)]
    }
    tell::<Talkative>("entities do not mix", MORE_MESSAGES, messages);
}

/// Two wishes, word for word the same; for each, two cards are written, word for word the same.
#[test]
fn equal_words_are_not_the_same_message() {
    Story::new("equal words are not the same message")
        .worlds(TWO_MESSAGES, |size| shop::<Cordial>(size, wishes()))
        .view(|docs| states::<Cordial>(docs, &wishes()))
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .runs::<Cordial>(wishes())
        .check();
}

/// A document has little room. What is sent is not kept.
#[test]
fn what_is_sent_is_not_kept() {
    Story::new("what is sent is not kept")
        .worlds(TWO_MESSAGES, |size| shop::<Cordial>(size, wishes()))
        .view(Docs::clone)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .when_quiescent(NO_GARBAGE, "when all is done, no document holds what was sent", |seen| {
            for (key, document) in seen.view().pairs() {
                expect(!key.contains(GREETING) && !document.contains(GREETING), || {
                    format!("the cards are sent, and the document {key:?} still holds the words on them")
                })?;
            }
            Ok(())
        })
        .check();
}

/// Three messages about this logic's entities.
#[track_caller]
fn tell<L: Logic>(claim: &str, ladder: &[Size], messages: fn() -> Vec<Msg>) {
    Story::new(claim)
        .worlds(ladder, move |size| {
            let world = shop::<L>(size, messages());
            if size.clients > 1 { world.client(a_month()) } else { world }
        })
        .view(move |docs| states::<L>(docs, &messages()))
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .runs::<L>(messages())
        .check();
}

// The worlds.

/// As many of these messages as the size says, and so many workers who run the logic.
fn shop<L: Logic>(size: Size, messages: Vec<Msg>) -> Scenario {
    let world = Scenario::new().faults(Faults::upto(size.faults).only(WHAT_FAILS)).endpoint::<Outbox<L>>(
        "Points",
        POINTS,
        size.workers,
    );
    messages.into_iter().take(size.messages.into()).fold(world, |world, msg| world.message(POINTS, msg, size.copies))
}

/// The clock moves, once, at any moment.
fn a_month() -> Client {
    Client::new("a month", "Clock").calls("passes", |cx: Cx| async move {
        cx.sleep(Duration::from_secs(31 * 24 * 3600)).await;
        Ok::<(), Infallible>(())
    })
}

/// Where the messages come from.
const POINTS: &str = "points";

/// Where the logics send to.
const OUTPUTS: [&str; 3] = ["letters", "vouchers", "cards"];

fn wishes() -> Vec<Msg> {
    vec![message("wish", "Wish", "ada", 0), message("wish-again", "Wish", "ada", 0)]
}

/// Words that stand on every card, and nowhere else.
const GREETING: &str = "a merry Christmas, and a safe journey";

/// Writes two cards for each wish: one is for the customer, and one for the shop's own wall.
#[derive(Default)]
struct Cordial;

/// How many cards there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cards {
    written: u32,
}

impl Logic for Cordial {
    type State = Cards;

    fn key(msg: &Msg) -> String {
        let body: Body = msg.body().unwrap_or_else(|error| panic!("the story's own messages can be read: {error}"));
        format!("cards-for-{}", body.customer)
    }

    fn handle(&self, cards: &mut Cards, _: &Msg, out: &mut Out) -> Result<(), Reject> {
        cards.written += 2;
        for _ in 0..2 {
            out.send("cards", "Card", &format!("{GREETING}! Our cards so far: {}", cards.written));
        }
        Ok(())
    }
}

// What must hold.

/// Each entity's state, by its key.
type States<S> = BTreeMap<String, S>;

/// The states of all entities that the messages are about.
fn states<L: Logic>(docs: &Docs, messages: &[Msg]) -> States<L::State> {
    messages.iter().map(L::key).map(|key| (key.clone(), view::<L>(docs, &key))).collect()
}

/// What a message says, as far as others can compare it: queue, kind, body.
type Said = (String, String, String);

/// Some of the messages, handled one after the other, each once.
#[derive(Clone, PartialEq)]
struct Serial<S> {
    handled: BTreeSet<String>,
    states: States<S>,
    said: Vec<Said>,
}

/// Every order of every set of these messages.
fn every_order<L: Logic>(messages: &[Msg]) -> Vec<Serial<L::State>> {
    let states = messages.iter().map(|msg| (L::key(msg), L::State::default())).collect();
    let mut serial = vec![Serial { handled: BTreeSet::new(), states, said: Vec::new() }];
    let mut at = 0;
    while at < serial.len() {
        for msg in messages.iter().filter(|msg| !serial[at].handled.contains(&*msg.id)).collect::<Vec<_>>() {
            let next = serial[at].then::<L>(msg);
            if !serial.contains(&next) {
                serial.push(next);
            }
        }
        at += 1;
    }
    serial
}

impl<S: Clone + Default + PartialEq> Serial<S> {
    /// And then one more.
    fn then<L: Logic<State = S>>(&self, msg: &Msg) -> Self {
        let Serial { mut handled, mut states, mut said } = self.clone();
        handled.insert(msg.id.to_string());
        let state = states.entry(L::key(msg)).or_default();
        let (mut after, mut out) = (state.clone(), Out::of(&msg.id));
        if L::default().handle(&mut after, msg, &mut out).is_ok() {
            *state = after;
            said.extend(out.into_wires().into_iter().map(|wire| (wire.queue, wire.msg.kind, wire.msg.body)));
            said.sort();
        }
        Serial { handled, states, said }
    }
}

trait Runs<S> {
    fn runs<L: Logic<State = S>>(self, messages: Vec<Msg>) -> Self;
}

impl<S: Clone + Debug + Default + PartialEq + Send + Sync + 'static> Runs<S> for Story<States<S>> {
    /// Whoever runs this logic on these messages, or the first few of them, does what somebody could have done who
    /// handles each message once, one after the other.
    fn runs<L: Logic<State = S>>(self, messages: Vec<Msg>) -> Self {
        let serial = Arc::new(every_order::<L>(&messages));
        let to = move |states: &States<S>| -> Vec<Serial<S>> {
            serial.iter().filter(|one| one.states == *states).cloned().collect()
        };
        let (once, stays, committed, all) = (to.clone(), to.clone(), to.clone(), to);
        self.always(CONSISTENT_OUTPUT, "whatever is sent again is the same, under the same id", same_again)
            .always(NO_DUPLICATE_PROCESSING, "each message has its effect at most once", move |seen| {
                expect(!once(seen.view()).is_empty(), || {
                    format!("{}: no order of the messages, each at most once, leads there", shown(seen.view()))
                })
            })
            .always(NO_LOST_WRITE, "what was handled stays", move |seen| {
                // Who has sent something to the queue itself may have put the work off, and acked.
                let handled = if seen.sent(POINTS).is_empty() { seen.acked(POINTS) } else { Vec::new() };
                let fits = |one: &Serial<S>| handled.iter().all(|id| one.handled.contains(*id));
                expect(stays(seen.view()).iter().any(fits), || is_without(&handled, seen.view()))
            })
            .always(NO_GHOST_MESSAGE, "what was sent was committed", move |seen| {
                let said = said(seen);
                expect(committed(seen.view()).iter().any(|one| is_part(&said, &one.said)), || {
                    let words: Vec<String> = said.iter().map(|(_, kind, body)| format!("{kind} {body}")).collect();
                    format!("{}: nobody could say all of this yet: {}", shown(seen.view()), words.join(", "))
                })
            })
            .when_quiescent(NO_LOST_MESSAGE, "every message has its effect, and says what it has to say", move |seen| {
                let acked = seen.acked(POINTS);
                let handled = messages.iter().map(|msg| &*msg.id).filter(|id| acked.contains(id));
                let handled: Vec<&str> = handled.collect::<BTreeSet<&str>>().into_iter().collect();
                let mut ends = all(seen.view());
                ends.retain(|one| one.handled.iter().map(String::as_str).eq(handled.iter().copied()));
                expect(!ends.is_empty(), || is_without(&handled, seen.view()))?;
                let said = said(seen);
                expect(ends.iter().any(|one| one.said == said), || not_all_said(&ends, &said))
            })
            .can_finish("every message is handled in the end")
    }
}

/// Whoever hears of it again hears the same.
fn same_again<V>(seen: &Seen<'_, V>) -> Result<(), String> {
    for queue in OUTPUTS {
        let mut known: BTreeMap<&str, &Msg> = BTreeMap::new();
        for msg in seen.sent(queue) {
            let first = *known.entry(&msg.id).or_insert(msg);
            expect(first == msg, || {
                let [one, other] = [first, msg].map(|msg| format!("{} {}", msg.kind, msg.body));
                format!("under one id, {}, {queue} heard {one}, and also {other}", &*msg.id)
            })?;
        }
    }
    Ok(())
}

/// All that was said, each distinct message once.
fn said<V>(seen: &Seen<'_, V>) -> Vec<Said> {
    let sent = OUTPUTS.iter().flat_map(|queue| seen.sent(queue).into_iter().map(move |msg| (queue, msg)));
    let mut said: Vec<Said> =
        sent.map(|(queue, msg)| ((*queue).to_owned(), msg.kind.clone(), msg.body.clone())).collect();
    said.sort();
    said
}

/// Whether one sorted list, with its repetitions, is part of another.
fn is_part(part: &[Said], whole: &[Said]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|one| rest.any(|other| other == one))
}

fn not_all_said<S>(ends: &[Serial<S>], said: &[Said]) -> String {
    match ends.iter().find_map(|end| end.said.iter().find(|one| !said.contains(one))) {
        Some((queue, kind, body)) => format!("nobody ever sent {kind} {body} to {queue}"),
        None => format!("{} different messages were sent, which no order of the messages says", said.len()),
    }
}

fn shown<S: Debug>(states: &States<S>) -> String {
    let states = states.iter().map(|(key, state)| format!("{key} has {state:?}"));
    states.collect::<Vec<_>>().join(", ")
}

fn is_without<S: Debug>(handled: &[&str], states: &States<S>) -> String {
    let verb = if handled.len() == 1 { "is" } else { "are" };
    format!("{} {verb} acked; {}, which is without", handled.join(" and "), shown(states))
}
