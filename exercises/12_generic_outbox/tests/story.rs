//! What whoever writes business code may rely on, if somebody else runs it.
//!
//! The messages are in the queue `points` from the beginning, and a worker takes any of them at any moment. What they do
//! is up to a logic; there are five of them here, and the code that runs them knows none.

use std::convert::Infallible;
use std::time::Duration;

use generic_outbox::{Outbox, view};
use kit::{Logic, Out, Reject};
use serde::{Deserialize, Serialize};
use story::logics::{Asked, Body, Silent, Strict, Talkative, message};
use story::serial::States;
use story::{
    Client, Cx, Docs, Event, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING, NO_GARBAGE, Scenario, Size, Story, Walks,
    expect,
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
    Size::ONE.messages(2).workers(2).faults(3),
    Size::ONE.messages(2).workers(3).faults(2),
    Size::ONE.messages(3).copies(2),
    Size::ONE.messages(3).faults(1),
    Size::ONE.messages(3).workers(2).faults(2),
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
    story.runs_logic::<Talkative>(POINTS, &OUTPUTS, messages).check();
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

/// How many points are there? Two people ask while 60 are added. To answer changes nothing; but what was answered once is
/// the answer, and if both hear the same, these are two answers.
#[test]
fn who_asks_again_gets_the_same_answer() {
    fn messages() -> Vec<Msg> {
        vec![message("m1", "Ask", "ada", 0), message("m2", "Add", "ada", 60), message("m3", "Ask", "ada", 0)]
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

/// A hundred messages, two copies of each, in any order: too many for every schedule, so a few are drawn by lot. A copy
/// may come when a hundred others have come.
#[test]
fn a_copy_may_come_after_a_hundred_others() {
    Story::new("a copy may come after a hundred others")
        .worlds(&[Size::ONE.messages(110).copies(2)], |size| {
            let messages = (1..=size.messages).map(|number| message(&format!("m{number}"), "Add", "ada", 1));
            shop::<Silent>(size, messages.collect())
        })
        .view(|docs| view::<Silent>(docs, "ada").points)
        .when_quiescent(NO_DUPLICATE_PROCESSING, "each message has its effect once", |seen| {
            expect(*seen.view() == 110, || format!("110 messages with a point each came; ada has {}", seen.view()))
        })
        .can_finish("every message is handled in the end")
        .walked(Walks { seed: 3, walks: 2, steps_max: 10_000 })
        .check();
}

/// Points for Ada, for Ben, and for Ada once more: each entity has its own state, and its own outbox.
#[test]
fn entities_do_not_mix() {
    fn messages() -> Vec<Msg> {
        vec![message("m1", "Add", "ada", 60), message("m2", "Add", "ben", 110), message("m3", "Add", "ada", 50)]
    }
    tell::<Talkative>("entities do not mix", MORE_MESSAGES, messages);
}

/// Two wishes, word for word the same; for each, three cards are written, word for word the same.
#[test]
fn equal_words_are_not_the_same_message() {
    Story::new("equal words are not the same message")
        .worlds(TWO_MESSAGES, |size| shop::<Cordial>(size, wishes()))
        .view(|docs| states::<Cordial>(docs, &wishes()))
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .runs_logic::<Cordial>(POINTS, &OUTPUTS, wishes)
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
            let much = size.workers > 2 || (size.workers > 1 && (size.messages > 2 || size.faults > 2));
            let world = if much { world.faults(one_bad_moment(size.faults)) } else { world };
            if size.clients > 1 { world.client(a_month()) } else { world }
        })
        .view(move |docs| states::<L>(docs, &messages()))
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .runs_logic::<L>(POINTS, &OUTPUTS, messages)
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

/// Where there is much of everything, this is all that fails: a worker is late, a write goes wrong, a node dies.
fn one_bad_moment(faults: u8) -> Faults {
    const KINDS: [Fault; 3] = [Fault::LockExpired, Fault::Crash, Fault::WriteRefused];
    let kinds = if faults > 2 { &KINDS[..] } else { &KINDS[..2] };
    kinds.iter().fold(Faults::upto(faults).only(kinds), |faults, kind| faults.at_most(*kind, 1))
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

/// Writes three cards for each wish: for the customer, for whoever gets the gift, and for the shop's own wall.
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
        cards.written += 3;
        for _ in 0..3 {
            out.send("cards", "Card", &format!("{GREETING}! Our cards so far: {}", cards.written));
        }
        Ok(())
    }
}

/// The states of all entities that the messages are about.
fn states<L: Logic>(docs: &Docs, messages: &[Msg]) -> States<L::State> {
    messages.iter().map(L::key).map(|key| (key.clone(), view::<L>(docs, &key))).collect()
}
