//! What a shop may rely on whose messages are nearly as large as a document can be.
//!
//! The messages are in the queue `points` from the beginning, and a worker takes any of them at any moment. A document
//! has at most [`ITEM_BYTES`], key and JSON together, as in a real store; it is only that a real one takes more.

use std::collections::{BTreeMap, BTreeSet};

use kit::{Logic, Out, Reject};
use out_of_document_outbox::{Outbox, reap, view};
use serde::{Deserialize, Serialize};
use story::logics::{Asked, Silent, Strict, Talkative, message};
use story::serial::States;
use story::{
    Client, Cx, Docs, Event, Fault, Faults, Limits, Msg, NO_DUPLICATE_PROCESSING, NO_GARBAGE, Retry, Scenario, Size,
    Story, Walks, expect,
};

/// The largest document.
const ITEM_BYTES: usize = 800;
/// What the limit leaves in the document of an entity, beside its key and its state.
const ROOM_BYTES: usize = 128;
/// The largest state, as JSON.
const STATE_BYTES: usize = ITEM_BYTES - ROOM_BYTES - "ada".len();
/// What a catalogue is about.
const PAGES: &str = "bow, bell, ball; ";
/// The text of a catalogue. There is room for it in a document of its own, and for who says it to whom.
const CATALOGUE_BYTES: usize = 400;

/// The lock on a message runs out while its worker lives; the queue holds a copy too many; an ack gets lost; a node dies
/// between any two operations; bus and store refuse, or do not say what became of it; a weak read is behind; a write is
/// told of a conflict that was not there.
const WHAT_FAILS: &[Fault] = &[
    Fault::LockExpired,
    Fault::Duplicate,
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

/// After these, something is left to do, and nobody knows how much.
const WHAT_LEAVES_WORK: &[Fault] = &[Fault::Crash, Fault::WriteUnknown];

/// Where a fault may strike, a message is handled again; where two workers are, two messages of one customer meet.
const CATALOGUES: &[Size] = &[
    Size::ONE,
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.messages(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2),
    Size::ONE.workers(2).faults(2),
];
const POINTS: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(3).faults(1),
    Size::ONE.messages(2).copies(2).workers(2),
    Size::ONE.copies(2).workers(2).faults(3),
    TWO_OF_EACH,
];
/// As [`SMALL`], and three messages: one of them may be handled between two looks at the entity.
const QUIET: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(3).workers(2),
];
/// A late worker refuses what another one accepts: here only a lock runs out, and a node dies.
const LATE: &[Size] =
    &[Size::ONE.messages(2), Size::ONE.messages(2).workers(2), Size::ONE.messages(2).workers(2).faults(2)];
const BACK_TO_NOTHING: &[Size] = &[
    Size::ONE.messages(2),
    Size::ONE.faults(1),
    Size::ONE.messages(2).copies(2).workers(2),
    Size::ONE.messages(2).workers(2).faults(1),
];
/// Two messages, two workers, two faults: here only those of [`WHAT_LEAVES_WORK`].
const TWO_OF_EACH: Size = Size::ONE.messages(2).workers(2).faults(2);
/// For those who have time. With two faults, most of these stories are too large to decide.
const TWO_COPIES: Size = Size::ONE.messages(2).copies(2).workers(2).faults(1);
const SMALL: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2),
];
const THREE_SMALL: &[Size] =
    &[Size::ONE.faults(1), Size::ONE.messages(2).faults(1), Size::ONE.messages(3), Size::ONE.messages(3).faults(1)];
const ONE_AFTER_THE_OTHER: &[Size] = &[Size::ONE, Size::ONE.messages(2), Size::ONE.messages(4)];
const REAPED: &[Size] =
    &[Size::ONE, Size::ONE.faults(1), Size::ONE.messages(2), Size::ONE.copies(2).workers(2), NO_CONFLICT, BEHIND];
/// The second message finds a document, and its version; and who reaps is told of a conflict that was not there.
const NO_CONFLICT: Size = Size::ONE.messages(2).faults(1);
/// Who reaps reads weakly, and the node that would finish dies.
const BEHIND: Size = Size::ONE.faults(2);
const REAPED_IN_SILENCE: &[Size] = &[Size::ONE, Size::ONE.faults(1), Size::ONE.copies(2)];
const REAPED_AND_GONE: &[Size] =
    &[Size::ONE, Size::ONE.faults(1), Size::ONE.faults(2), Size::ONE.copies(2).workers(2), TWO_UNKNOWN, TWO_REFUSED];
/// An attempt dies, and the next one is fenced off; and whoever reaps what both have left is told nothing, twice. What is
/// left are leaflets here: they are much sooner written, and as much in the way.
const TWO_UNKNOWN: Size = Size::ONE.faults(3);
/// Two attempts die, and whoever reaps what they have left is refused twice.
const TWO_REFUSED: Size = Size::ONE.faults(4);
const ONE_FAULT: &[Size] = &[Size::ONE.faults(1), Size::ONE.messages(2).faults(1)];

/// Ada orders catalogues. Each fits into a document; together with all that is known of her, it does not.
#[test]
fn a_catalogue_is_sent_once() {
    let mut story = Story::new("a catalogue is sent once")
        .worlds(CATALOGUES, |size| world::<Catalogues>(orders(), size))
        .deep(&[Size::ONE.copies(2).workers(2).faults(2), Size::ONE.workers(2).faults(3), TWO_COPIES])
        .view(of_ada::<Catalogues>)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::Concurrent)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect);
    for fault in [Fault::LockExpired, Fault::Duplicate, Fault::AckLost, Fault::WriteUnknown, Fault::SendUnknown] {
        story = story.sometimes(Event::Struck(fault));
    }
    story.runs_logic::<Catalogues>("points", &["letters"], orders).check();
}

/// A letter for each message, and a voucher for the one that reaches 100 points.
#[test]
fn what_was_committed_is_said() {
    Story::new("what was committed is said")
        .worlds(POINTS, |size| world::<Talkative>(points(), size))
        .deep(&[Size::ONE.messages(3).faults(2), TWO_COPIES])
        .view(of_ada::<Talkative>)
        .sometimes(Event::Redelivered)
        .sometimes(Event::Concurrent)
        .runs_logic::<Talkative>("points", &["letters", "vouchers"], points)
        .check();
}

/// A message that says nothing has its effect once, too.
#[test]
fn a_silent_message_counts_once() {
    Story::new("a silent message counts once")
        .worlds(QUIET, |size| world::<Silent>(points(), size))
        .deep(&[TWO_OF_EACH, TWO_COPIES, Size::ONE.messages(3).workers(2).faults(1)])
        .view(of_ada::<Silent>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Silent>("points", &["letters"], points)
        .check();
}

/// Somebody adds points, somebody asks how many there are. Who asks changes nothing, and gets one answer.
#[test]
fn a_question_has_one_answer() {
    Story::new("a question has one answer")
        .worlds(SMALL, |size| world::<Asked>(questions(), size))
        .deep(&[TWO_OF_EACH, TWO_COPIES])
        .view(of_ada::<Asked>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Asked>("points", &["letters"], questions)
        .check();
}

/// 50 points, 80 are taken away, 40 come in: depending on the order, something is refused. That is decided once.
#[test]
fn a_refusal_stays() {
    Story::new("a refusal stays")
        .worlds(THREE_SMALL, |size| world::<Strict>(bookings(), size))
        .deep(&[Size::ONE.messages(3).faults(2), TWO_COPIES, Size::ONE.messages(3).workers(2).faults(1)])
        .view(of_ada::<Strict>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Strict>("points", &["letters"], bookings)
        .check();
}

/// 60 points are taken away, 80 come in. Whoever is late still refuses what another one has accepted by now: what the
/// other one has to say is said.
#[test]
fn a_late_refusal_takes_no_words_away() {
    fn talk() -> Vec<Msg> {
        vec![message("m1", "Add", "ada", -60), message("m2", "Add", "ada", 80)]
    }
    const KINDS: [Fault; 2] = [Fault::LockExpired, Fault::Crash];
    Story::new("a late refusal takes no words away")
        .worlds(LATE, |size| {
            let faults = KINDS.iter().fold(Faults::upto(size.faults).only(&KINDS), |all, kind| all.at_most(*kind, 1));
            world::<Strict>(talk(), size).faults(faults)
        })
        .deep(&[TWO_COPIES])
        .view(of_ada::<Strict>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Strict>("points", &["letters"], talk)
        .check();
}

/// 60 points come, and go again, and then Ada has what a new customer has. Of each, two letters are written, word for
/// word the same: one is for her, and one for the shop's own books.
#[test]
fn points_that_come_and_go_do_not_make_a_new_customer() {
    fn talk() -> Vec<Msg> {
        vec![message("m1", "Add", "ada", 60), message("m2", "Add", "ada", -60)]
    }
    Story::new("points that come and go do not make a new customer")
        .worlds(BACK_TO_NOTHING, |size| world::<Twofold>(talk(), size))
        .deep(&[TWO_OF_EACH, TWO_COPIES])
        .view(of_ada::<Twofold>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Twofold>("points", &["letters"], talk)
        .check();
}

/// A hundred messages, two copies of each, in any order: too many for every schedule, so a few are drawn by lot. A copy
/// may come when a hundred others have come; and all that is kept has room in documents as small as these.
#[test]
fn a_copy_may_come_after_a_hundred_others() {
    Story::new("a copy may come after a hundred others")
        .worlds(&[Size::ONE.messages(110).copies(2)], |size| {
            let world = Scenario::new().endpoint::<Outbox<Silent>>("Points", "points", size.workers);
            (1..=size.messages).fold(world, |world, number| {
                world.message("points", message(&format!("order-{number}"), "Add", "ada", 1), size.copies)
            })
        })
        .view(|docs| {
            let largest = docs.pairs().map(|(key, text)| key.len() + text.len()).max();
            (view::<Silent>(docs, "ada").points, largest.unwrap_or_default())
        })
        .always(NO_GARBAGE, "every document has room, however many messages came before", |seen| {
            let largest = seen.view().1;
            expect(largest <= ITEM_BYTES, || format!("a document has {largest} bytes; there is room for {ITEM_BYTES}"))
        })
        .when_quiescent(NO_DUPLICATE_PROCESSING, "each message has its effect once", |seen| {
            let points = seen.view().0;
            expect(points == 110, || format!("110 messages with a point each came; ada has {points}"))
        })
        .can_finish("every message is handled in the end")
        .walked(Walks { seed: 3, walks: 2, steps_max: 10_000 })
        .check();
}

/// Ada and Ben: what is left to do for one of them is nothing that the other would find.
#[test]
fn two_customers_do_not_meet() {
    Story::new("two customers do not meet")
        .worlds(SMALL, |size| world::<Talkative>(of_two(), size))
        .view(of_both::<Talkative>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Talkative>("points", &["letters", "vouchers"], of_two)
        .check();
}

/// Four messages with long ids: however many have come, the document has no more room than for the first.
#[test]
fn a_customer_does_not_outgrow_her_document() {
    Story::new("a customer does not outgrow her document")
        .worlds(ONE_AFTER_THE_OTHER, |size| world::<Catalogues>(long_ids(), size))
        .deep(&[Size::ONE.messages(4).copies(2).faults(1), Size::ONE.messages(4).workers(2)])
        .view(of_ada::<Catalogues>)
        .runs_logic::<Catalogues>("points", &["letters"], long_ids)
        .check();
}

/// Nothing fails, and one worker does one thing after the other: it leaves no text of a catalogue behind.
#[test]
fn no_catalogue_is_kept() {
    // The claim is about a world without faults, and one worker.
    keeps_catalogues("no catalogue is kept", ONE_AFTER_THE_OTHER, 0).deep(&[Size::ONE.messages(4).copies(3)]).check();
}

/// Something fails once. That may leave one text behind, of an attempt that came to nothing, and no more.
#[test]
fn what_fails_leaves_one_catalogue_at_most() {
    // The claim is about one fault, and one worker: each further one may leave a text of its own.
    keeps_catalogues("what fails leaves one catalogue at most", ONE_FAULT, 1)
        .deep(&[Size::ONE.messages(2).copies(2).faults(1), Size::ONE.messages(4).faults(1)])
        .sometimes(Event::Redelivered)
        .check();
}

fn keeps_catalogues(claim: &str, ladder: &[Size], most: usize) -> Story<usize> {
    Story::new(claim)
        .worlds(ladder, |size| world::<Catalogues>(orders(), size))
        .view(|docs: &Docs| docs.pairs().filter(|(_, body)| body.contains(PAGES)).count())
        .when_quiescent(NO_GARBAGE, "when all is done, no catalogue waits to be sent", move |seen| {
            let kept = *seen.view();
            let documents = if kept == 1 { "1 document holds" } else { &format!("{kept} documents hold") };
            expect(kept <= most, || format!("{documents} the text of a catalogue; {most} may"))
        })
}

/// The stretch. While the workers are at work, somebody reaps every record that there is: of failed attempts, of attempts
/// that are about to commit, of committed ones. The workers notice nothing.
#[test]
fn who_reaps_takes_nothing_away() {
    Story::new("who reaps takes nothing away")
        .worlds(REAPED, |size| {
            let world = world::<Catalogues>(orders(), size).client(reaper::<Catalogues>(1));
            let faults = Faults::upto(size.faults);
            match size {
                NO_CONFLICT => world.faults(faults.only(&[Fault::SpuriousConflict])),
                BEHIND => world.faults(faults.only(&[Fault::StaleRead, Fault::Crash]).at_most(Fault::Crash, 1)),
                _ => world,
            }
        })
        .deep(&[Size::ONE.messages(2).faults(2), Size::ONE.workers(2).faults(1), Size::ONE.messages(2).workers(2)])
        .view(of_ada::<Catalogues>)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .sometimes(Event::CalledAgain)
        .runs_logic::<Catalogues>("points", &["letters"], orders)
        .check();
}

/// The stretch. A record that says nothing still says whose it is.
#[test]
fn who_reaps_makes_nobody_forget() {
    Story::new("who reaps makes nobody forget")
        .worlds(REAPED_IN_SILENCE, |size| world::<Silent>(points(), size).client(reaper::<Silent>(1)))
        .view(of_ada::<Silent>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Silent>("points", &["letters"], points)
        .check();
}

/// The stretch. The record of an attempt that failed is gone when it was reaped. There is one message: only one of its
/// attempts is committed, and whoever reaps that one's record may leave it alone.
#[test]
fn a_failed_attempt_that_is_reaped_is_gone() {
    Story::new("a failed attempt that is reaped is gone")
        .worlds(REAPED_AND_GONE, |size| {
            let (crashes, kind) = match size {
                TWO_UNKNOWN => (1, Fault::WriteUnknown),
                TWO_REFUSED => (2, Fault::WriteRefused),
                _ => return world::<Catalogues>(orders(), size).client(reaper::<Catalogues>(1)),
            };
            let faults = Faults::upto(size.faults).only(&[Fault::Crash, kind]);
            let faults = faults.at_most(Fault::Crash, crashes).at_most(kind, 2);
            world::<Leaflets>(orders(), size).client(reaper::<Leaflets>(2)).faults(faults)
        })
        .deep(&[Size::ONE.workers(2).faults(2)]) // one message: the claim is about no more
        .view(|docs: &Docs| -> BTreeSet<String> {
            let kept = docs.pairs().filter(|(_, body)| body.contains(PAGES));
            kept.map(|(key, _)| key.to_owned()).collect()
        })
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .when_quiescent(NO_GARBAGE, "when all is done, no record of a failed attempt is left that was reaped", |seen| {
            let reaped: Vec<String> = seen.answer("reaper", 0).and_then(Result::ok).unwrap_or_default();
            let left = reaped.iter().filter(|tx| seen.view().contains(&kit::outbox::key(tx))).count();
            expect(left <= 1, || {
                format!("{left} records were reaped, and are still there; one attempt can have committed")
            })
        })
        .check();
}

// The worlds.

/// Reaps every record that there is, once, if there are at least so many.
fn reaper<L: Logic>(least: usize) -> Client {
    Client::new("reaper", "Night").calls("reap all", move |cx: Cx| async move {
        let all = cx.outbox.list().await?;
        if all.len() < least {
            return Ok(Vec::new());
        }
        for tx in &all {
            reap::<L>(&cx, "ada", tx).await?;
        }
        Ok::<Vec<String>, Retry>(all)
    })
}

/// As many of these messages as the size has, and so many workers.
fn world<L: Logic>(messages: Vec<Msg>, size: Size) -> Scenario {
    let what_fails = if size == TWO_OF_EACH { WHAT_LEAVES_WORK } else { WHAT_FAILS };
    let world = Scenario::new()
        .limits(Limits { item_bytes: ITEM_BYTES, ..Limits::DYNAMODB })
        .faults(Faults::upto(size.faults).only(what_fails))
        .endpoint::<Outbox<L>>("Points", "points", size.workers);
    messages.into_iter().take(size.messages.into()).fold(world, |world, msg| world.message("points", msg, size.copies))
}

fn of_ada<L: Logic>(docs: &Docs) -> States<L::State> {
    BTreeMap::from([("ada".to_owned(), view::<L>(docs, "ada"))])
}

fn of_both<L: Logic>(docs: &Docs) -> States<L::State> {
    ["ada", "ben"].map(|customer| (customer.to_owned(), view::<L>(docs, customer))).into()
}

fn orders() -> Vec<Msg> {
    vec![
        message("m1", "Add", "ada", 60),
        message("m2", "Add", "ada", 50),
        message("m3", "Add", "ada", 40),
        message("m4", "Add", "ada", 30),
    ]
}

fn points() -> Vec<Msg> {
    vec![message("m1", "Add", "ada", 60), message("m2", "Add", "ada", 50), message("m3", "Add", "ada", 40)]
}

fn questions() -> Vec<Msg> {
    vec![message("m1", "Add", "ada", 60), message("q1", "Ask", "ada", 0)]
}

fn bookings() -> Vec<Msg> {
    vec![message("m1", "Add", "ada", 50), message("m2", "Add", "ada", -80), message("m3", "Add", "ada", 40)]
}

fn of_two() -> Vec<Msg> {
    vec![message("m1", "Add", "ada", 110), message("m2", "Add", "ben", 120)]
}

fn long_ids() -> Vec<Msg> {
    let message =
        |(at, msg): (usize, Msg)| Msg { id: format!("5f0c2a9e-7d41-4b7e-9f63-2f1c0d8ab3{at:02}").into(), ..msg };
    orders().into_iter().enumerate().map(message).collect()
}

/// Adds points, and sends a catalogue with the new total.
#[derive(Default)]
struct Catalogues;

/// All that is known of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Customer {
    points: i64,
    notes: String,
}

/// A letter with a catalogue.
#[derive(Serialize)]
struct Letter {
    total: i64,
    pages: String,
}

impl Default for Customer {
    fn default() -> Self {
        let around = r#"{"points":1000,"notes":""}"#.len();
        Customer { points: 0, notes: long("likes trains; ", STATE_BYTES - around) }
    }
}

impl Logic for Catalogues {
    type State = Customer;

    fn key(msg: &Msg) -> String {
        Talkative::key(msg)
    }

    fn handle(&self, state: &mut Customer, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        state.points += msg.body::<story::logics::Body>().map_err(|error| Reject::because(error.to_string()))?.points;
        out.send("letters", "Catalogue", &Letter { total: state.points, pages: long(PAGES, CATALOGUE_BYTES) });
        Ok(())
    }
}

/// A page of a catalogue, for whoever has points and nothing else.
#[derive(Default)]
struct Leaflets;

impl Logic for Leaflets {
    type State = story::logics::Account;

    fn key(msg: &Msg) -> String {
        Talkative::key(msg)
    }

    fn handle(&self, state: &mut story::logics::Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        Silent.handle(state, msg, out)?;
        out.send("letters", "Leaflet", PAGES);
        Ok(())
    }
}

/// Adds points, and says so twice, in the same words.
#[derive(Default)]
struct Twofold;

impl Logic for Twofold {
    type State = story::logics::Account;

    fn key(msg: &Msg) -> String {
        Talkative::key(msg)
    }

    fn handle(&self, state: &mut story::logics::Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        Silent.handle(state, msg, out)?;
        (0..2).for_each(|_| out.send("letters", "PointsChanged", &state.points));
        Ok(())
    }
}

/// These words again and again, as text of so many bytes.
fn long(words: &str, bytes: usize) -> String {
    words.chars().cycle().take(bytes).collect()
}
