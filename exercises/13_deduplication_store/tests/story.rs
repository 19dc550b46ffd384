//! What whoever writes business code may rely on, if somebody else remembers which messages were handled.
//!
//! The logics belong to the story: a handler that runs one must run them all. Their messages are in the queue `points`
//! from the beginning, unless a story says something else, and what they say goes to `letters` and to `vouchers`.

use std::collections::BTreeMap;
use std::time::Duration;

use deduplication_store::{Inbox, view};
use kit::{Logic, Out, Reject};
use story::logics::{Account, Asked, Body, Silent, Strict, Talkative, message};
use story::serial::States;
use story::{
    Client, Cx, Delivery, Docs, Endpoint, Event, Fault, Faults, Limits, Msg, NO_DUPLICATE_PROCESSING, NO_GARBAGE,
    NO_LOST_WRITE, Retry, Scenario, Seen, Size, Story, Walks, expect,
};

/// The store refuses a read or a write, or does not say what became of a write; it tells of a conflict that was not
/// there; so does the bus with a send; a node dies between any two operations; a lock runs out while its worker lives;
/// an ack gets lost; a queue holds a copy too many; a weak read is behind.
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

const LADDER: &[Size] = &[
    Size::ONE,
    Size::ONE.faults(1),
    Size::ONE.copies(2).workers(2),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
    Size::ONE.messages(2).faults(2),
    Size::ONE.copies(2).workers(2).faults(2),
    Size::ONE.copies(2).faults(3),
    Size::ONE.messages(3).workers(2),
    Size::ONE.messages(3).faults(1),
];
/// For logics that differ from the first in one respect.
const SHORT_LADDER: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).faults(2),
];
/// For a logic that does nothing in one state, and something in another: a zombie may meet the other one.
const REFUSED_LADDER: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).faults(2),
    Size::ONE.messages(2).workers(2).faults(2),
    Size::ONE.messages(2).workers(3).faults(2),
    Size::ONE.messages(2).workers(2).faults(3),
];

/// 60, 50 and 40 points: a letter for each, and a voucher for the one that reaches 100.
#[test]
fn a_talkative_logic_runs_once() {
    fn talk() -> Vec<Msg> {
        vec![message("m1", "Add", ADA, 60), message("m2", "Add", ADA, 50), message("m3", "Add", ADA, 40)]
    }
    let mut story = Story::new("a talkative logic runs once")
        .worlds(LADDER, |size| world::<Talkative>(&talk(), size))
        .view(states::<Talkative>)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::Concurrent)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect);
    for &fault in WHAT_FAILS.iter().filter(|fault| !matches!(fault, Fault::StaleRead | Fault::SpuriousConflict)) {
        story = story.sometimes(Event::Struck(fault));
    }
    story.runs_logic::<Talkative>("points", &["letters", "vouchers"], talk).check();
}

/// 60 points, and 60 points once more: two messages that say the same, and nothing comes of them but points. One's id
/// begins as the other's.
#[test]
fn a_silent_logic_runs_once() {
    fn talk() -> Vec<Msg> {
        vec![message("m1", "Add", ADA, 60), message("m12", "Add", ADA, 60)]
    }
    Story::new("a silent logic runs once")
        .worlds(SHORT_LADDER, |size| world::<Silent>(&talk(), size))
        .view(states::<Silent>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Silent>("points", &["letters", "vouchers"], talk)
        .check();
}

/// Somebody asks for the total, which changes nothing; somebody else adds points; and a third one asks, and may be told
/// the same as the first.
#[test]
fn a_logic_that_changes_nothing_runs_once() {
    let sizes = [SHORT_LADDER, &[Size::ONE.messages(3)]].concat();
    fn talk() -> Vec<Msg> {
        vec![message("m1", "Ask", ADA, 0), message("m2", "Add", ADA, 60), message("m3", "Ask", ADA, 0)]
    }
    Story::new("a logic that changes nothing runs once")
        .worlds(&sizes, |size| world::<Asked>(&talk(), size))
        .view(states::<Asked>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Asked>("points", &["letters", "vouchers"], talk)
        .check();
}

/// 60 points are taken away, and 80 come in. Who comes first decides whether the former is refused.
#[test]
fn a_logic_that_refuses_runs_once() {
    fn talk() -> Vec<Msg> {
        vec![message("m1", "Add", ADA, -60), message("m2", "Add", ADA, 80)]
    }
    Story::new("a logic that refuses runs once")
        .worlds(REFUSED_LADDER, |size| {
            let world = world::<Strict>(&talk(), size);
            let much = size.workers > 1 && size.faults > 1;
            if much { world.faults(one_bad_moment(size.faults)) } else { world }
        })
        .view(states::<Strict>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Strict>("points", &["letters", "vouchers"], talk)
        .check();
}

/// 60 points come, and go again, and then Ada has what a new customer has. Of each, three letters are written, word for
/// word the same: for her, for the shop's own books, and for the tax office.
#[test]
fn points_that_come_and_go_do_not_make_a_new_customer() {
    const SIZES: &[Size] = &[
        Size::ONE.messages(2),
        Size::ONE.faults(1),
        Size::ONE.messages(2).copies(2).workers(2),
        Size::ONE.messages(2).workers(2).faults(1),
    ];
    fn talk() -> Vec<Msg> {
        vec![message("m1", "Add", ADA, 60), message("m12", "Add", ADA, -60)]
    }
    Story::new("points that come and go do not make a new customer")
        .worlds(SIZES, |size| world::<Threefold>(&talk(), size))
        .view(states::<Threefold>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Threefold>("points", &["letters", "vouchers"], talk)
        .check();
}

/// Two customers, who have nothing to do with each other.
#[test]
fn two_customers_are_two_entities() {
    fn talk() -> Vec<Msg> {
        vec![message("m1", "Add", ADA, 110), message("m2", "Add", BEN, 60)]
    }
    Story::new("two customers are two entities")
        .worlds(SHORT_LADDER, |size| world::<Talkative>(&talk(), size))
        .view(|docs| [ADA, BEN].map(|name| (name.to_owned(), view::<Talkative>(docs, name))).into())
        .sometimes(Event::Redelivered)
        .runs_logic::<Talkative>("points", &["letters", "vouchers"], talk)
        .check();
}

/// Each letter has a kilobyte. Whatever happened on the way: when all is done, no document holds one.
///
/// Where more than one thing happens, locks last: a zombie may leave a slot behind when everybody else has gone home, and
/// only an answer that does more than it must sees to that, too.
#[test]
fn nothing_is_left_of_a_handled_message() {
    const SIZES: &[Size] = &[
        Size::ONE,
        Size::ONE.faults(1),
        Size::ONE.workers(2).faults(2),
        Size::ONE.copies(2).faults(2),
        Size::ONE.messages(2).workers(2).faults(1),
        Size::ONE.messages(2).faults(2),
        Size::ONE.messages(2).copies(2).workers(2),
    ];
    garbage(SIZES, true).check();
}

/// Wordy messages, and what is left of them. If `locks_last`, nobody is a zombie where more than one thing happens.
pub(crate) fn garbage(sizes: &[Size], locks_last: bool) -> Story<Docs> {
    Story::new("nothing is left of a handled message")
        .worlds(sizes, move |size| {
            let messages = [message("m1", "Add", ADA, 60), message("m2", "Add", ADA, 50)];
            let expire = if locks_last && (size.messages > 1 || size.faults > 1) { 0 } else { size.faults };
            let faults = Faults::upto(size.faults).only(WHAT_FAILS).at_most(Fault::LockExpired, expire);
            world::<Wordy>(&messages, size).faults(faults)
        })
        .view(Docs::clone)
        .sometimes(Event::Redelivered)
        .sometimes(Event::CrashAfterEffect)
        .when_quiescent(NO_GARBAGE, AS_SMALL, |seen| as_small(seen.view(), SMALL))
        .can_finish("every message is handled in the end")
}

/// The store's documents are small, and Ada is loyal. First, her messages are in the queue. Then each comes when the one
/// before is handled, and a copy of the first comes at any moment. Nothing fails, and nobody hurries.
#[test]
fn a_loyal_customer_is_served_for_ever() {
    const SIZES: &[Size] = &[Size::ONE.messages(5), Size::ONE.messages(7), Size::ONE.messages(RECEIPTS).copies(2)];
    Story::new("a loyal customer is served for ever")
        .worlds(SIZES, |size| {
            if size.messages == RECEIPTS {
                let world = small_documents::<Till>(420).message("points", receipt(1), size.copies);
                return world.message("points", receipt(2), 1);
            }
            let world = small_documents::<Inbox<Silent>>(300);
            (1..=size.messages).fold(world, |world, number| world.message("points", receipt(number), 1))
        })
        .deep(&[Size::ONE.messages(12)]) // larger than this only by messages: here, nothing fails
        .view(Docs::clone)
        .when_quiescent(NO_DUPLICATE_PROCESSING, "every message has its effect once", |seen| {
            let handled = seen.acked("points").into_iter().filter(|id| number(id).is_some()).count() as i64;
            let Account { points } = view::<Talkative>(seen.view(), ADA);
            expect(points == handled, || format!("{handled} messages with a point each are acked; {ADA} has {points}"))
        })
        .when_quiescent(NO_GARBAGE, FORGOTTEN, |seen| {
            let handled: Vec<&str> = seen.acked("points").into_iter().filter(|id| number(id).is_some()).collect();
            if handled.len() < RECEIPTS.into() { Ok(()) } else { forgotten(seen.view(), handled) }
        })
        .can_finish("every message is handled in the end")
        .check();
}

/// A hundred messages, two copies of each, in any order: too many for every schedule, so a few are drawn by lot. Every
/// fourth is refused. A copy may come when a hundred others have come; and nothing has grown.
#[test]
fn a_copy_may_come_after_a_hundred_others() {
    const MESSAGES: u8 = 120;
    fn id(number: u8) -> String {
        format!("message-{number:03}")
    }
    Story::new("a copy may come after a hundred others")
        .worlds(&[Size::ONE.messages(MESSAGES).copies(2)], |size| {
            let points = |number: u8| if number.is_multiple_of(4) { -1000 } else { 1 };
            let messages = (1..=size.messages).map(|number| message(&id(number), "Add", ADA, points(number)));
            world::<Quiet>(&messages.collect::<Vec<_>>(), size)
        })
        .view(Docs::clone)
        .when_quiescent(NO_DUPLICATE_PROCESSING, "every message has its effect once", |seen| {
            let Account { points } = view::<Quiet>(seen.view(), ADA);
            expect(points == 90, || format!("90 messages with a point each were not refused; {ADA} has {points}"))
        })
        .when_quiescent(NO_GARBAGE, FORGOTTEN, |seen| {
            let ids: Vec<String> = (1..=MESSAGES).map(id).collect();
            forgotten(seen.view(), ids.iter().map(String::as_str))
        })
        .when_quiescent(NO_GARBAGE, AS_SMALL, |seen| as_small(seen.view(), 300))
        .can_finish("every message is handled in the end")
        .walked(Walks { seed: 3, walks: 2, steps_max: 10_000 })
        .check();
}

/// A message is handled; the next one comes when a week has passed, and the store has deleted all that is under `seen/`.
/// What is forgotten is who was handled, and not what came of it.
#[test]
fn a_week_later_the_points_are_still_there() {
    Story::new("a week later the points are still there")
        .worlds(&[Size::ONE.messages(2)], |size| {
            let messages = [message("m1", "Add", ADA, 60), message(LATE, "Add", ADA, 50)];
            let world = Scenario::new().endpoint::<Weekly>("Points", "points", 1);
            messages.into_iter().fold(world, |world, msg| world.message("points", msg, size.copies))
        })
        .deep(&[]) // a copy that comes after the week counts again, and so it should
        .view(|docs| view::<Silent>(docs, ADA))
        .when_quiescent(NO_LOST_WRITE, "the points outlive the ids", |seen| {
            let Account { points } = seen.view();
            expect(*points == 110, || format!("60 and 50 points were added; {ADA} has {points}"))
        })
        .can_finish("every message is handled in the end")
        .check();
}

/// Two messages that say nothing, and two that are refused: there is little to be left of them, but not their ids.
#[test]
fn nobody_remembers_the_silent_and_the_refused() {
    const SIZES: &[Size] = &[Size::ONE.messages(4), Size::ONE.messages(2).faults(2), Size::ONE.messages(4).faults(2)];
    Story::new("nobody remembers the silent and the refused")
        .worlds(SIZES, |size| {
            let points = [("m1", -600), ("m2", -700), ("m3", 60), ("m4", 50)];
            world::<Quiet>(&points.map(|(id, points)| message(id, "Add", ADA, points)), size)
        })
        .view(Docs::clone)
        .sometimes(Event::Redelivered)
        .sometimes(Event::CrashAfterEffect)
        .when_quiescent(NO_GARBAGE, FORGOTTEN, |seen| forgotten(seen.view(), ["m1", "m2", "m3", "m4"]))
        .can_finish("every message is handled in the end")
        .check();
}

/// Ids are remembered for a week; then the store deletes them. On day eight somebody restores a backup of the queue.
///
/// This story expects the violation: nobody can know what nobody remembers.
#[test]
fn day_eight() {
    a_backup_on_day_eight().check();
}

/// Also drawn for the lecture.
pub(crate) fn a_backup_on_day_eight() -> Story<Account> {
    const CLAIM: &str = "each message has its effect at most once";
    Story::new("a message that comes on day eight has its effect once more")
        .worlds(&[Size::ONE], |_| {
            Scenario::new()
                .endpoint::<Inbox<Talkative>>("Points", "points", 1)
                .message("points", message("m1", "Add", ADA, 60), 1)
                .client(Client::new("a week", "Expiry").calls("passes", a_week_passes))
                .client(Client::new("a backup", "Broker").calls("is restored", a_backup_is_restored))
        })
        .view(|docs| view::<Talkative>(docs, ADA))
        .always(NO_DUPLICATE_PROCESSING, CLAIM, |seen: &Seen<'_, Account>| {
            expect(seen.view().points <= 60, || format!("{ADA} has {} points, of one message", seen.view().points))
        })
        .can_finish("every message is handled in the end")
        .expects(CLAIM)
        .or_keeps_it("Something here remembers a message for longer than a week. Who deletes that, and when?")
}

// The worlds.

const ADA: &str = "ada";
const BEN: &str = "ben";

/// As many of these messages as the size has, for a logic that so many workers run.
fn world<L: Logic>(messages: &[Msg], size: Size) -> Scenario {
    let world = Scenario::new().faults(Faults::upto(size.faults).only(WHAT_FAILS)).endpoint::<Inbox<L>>(
        "Points",
        "points",
        size.workers,
    );
    let messages = messages.iter().take(size.messages.into());
    messages.fold(world, |world, msg| world.message("points", msg.clone(), size.copies))
}

/// Where there is much of everything, this is all that fails: a worker is late, a write goes wrong, a node dies.
fn one_bad_moment(faults: u8) -> Faults {
    const KINDS: [Fault; 3] = [Fault::LockExpired, Fault::Crash, Fault::WriteRefused];
    let kinds = if faults > 2 { &KINDS[..] } else { &KINDS[..2] };
    kinds.iter().fold(Faults::upto(faults).only(kinds), |faults, kind| faults.at_most(*kind, 1))
}

fn states<L: Logic>(docs: &Docs) -> States<L::State> {
    BTreeMap::from([(ADA.to_owned(), view::<L>(docs, ADA))])
}

/// Adds points, and tells it in many words.
#[derive(Default)]
struct Wordy;

impl Logic for Wordy {
    type State = Account;

    fn key(msg: &Msg) -> String {
        Talkative::key(msg)
    }

    fn handle(&self, state: &mut Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        let Body { points, .. } = msg.body().map_err(|error| Reject::because(error.reason()))?;
        state.points += points;
        out.send("letters", "Catalogue", &format!("{} points buy {}", state.points, "a kite ".repeat(160)));
        Ok(())
    }
}

/// Adds points, and says so three times, in the same words.
#[derive(Default)]
struct Threefold;

impl Logic for Threefold {
    type State = Account;

    fn key(msg: &Msg) -> String {
        Talkative::key(msg)
    }

    fn handle(&self, state: &mut Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        Silent.handle(state, msg, out)?;
        (0..3).for_each(|_| out.send("letters", "PointsChanged", &state.points));
        Ok(())
    }
}

/// Adds points, and says nothing; takes none away.
#[derive(Default)]
struct Quiet;

impl Logic for Quiet {
    type State = Account;

    fn key(msg: &Msg) -> String {
        Silent::key(msg)
    }

    fn handle(&self, state: &mut Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        Silent.handle(state, msg, out)?;
        if state.points < 0 { Err(Reject::because("there are not so many points")) } else { Ok(()) }
    }
}

const FORGOTTEN: &str = "when all is done, no document holds the ids of two messages";

/// Outside of the partition `seen`, a document may hold one of these ids: it may be that message's own.
fn forgotten<'a>(docs: &Docs, ids: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let ids: Vec<&str> = ids.into_iter().collect();
    docs.pairs().filter(|(key, _)| !key.starts_with("seen/")).try_for_each(|(key, body)| {
        let held: Vec<&str> = ids.iter().copied().filter(|id| key.contains(id) || body.contains(id)).collect();
        expect(held.len() < 2, || format!("all is done, and the document {key} still holds {}", held.join(" and ")))
    })
}

/// What a document may have that holds no letter. Unit: bytes of key and JSON.
const SMALL: usize = 800;

const AS_SMALL: &str = "when all is done, the entity is as small as before";

/// Outside of the partition `seen`, no document has more bytes than this.
fn as_small(docs: &Docs, bytes_max: usize) -> Result<(), String> {
    let outside = docs.pairs().filter(|(key, _)| !key.starts_with("seen/"));
    let (bytes, key) = outside.map(|(key, body)| (key.len() + body.len(), key)).max().unwrap_or_default();
    expect(bytes <= bytes_max, || format!("all is done, and the document {key} still has {bytes} bytes"))
}

/// A worker, and a store whose documents have at most so many bytes.
fn small_documents<E: Endpoint>(item_bytes: usize) -> Scenario {
    Scenario::new().limits(Limits { item_bytes, ..Limits::default() }).endpoint::<E>("Points", "points", 1)
}

/// One of Ada's receipts: a message with one point.
fn receipt(number: u8) -> Msg {
    message(&format!("receipt-2026-12-24-tinsel-torque-till-3-{number:02}"), "Add", ADA, 1)
}

/// How many receipts Ada collects.
const RECEIPTS: u8 = 24;

/// Which receipt this is.
fn number(id: &str) -> Option<u8> {
    (1..=RECEIPTS).find(|number| *receipt(*number).id == *id)
}

/// Ada sees that a receipt is handled, and hands in the next.
#[derive(Default)]
struct Till {
    inbox: Inbox<Talkative>,
}

impl Endpoint for Till {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        self.inbox.on_message(cx, delivery).await?;
        match number(delivery.id()) {
            // Not after the first, which comes twice.
            Some(number @ 2..RECEIPTS) => Ok(cx.bus.send("points", receipt(number + 1)).await?),
            _ => Ok(()),
        }
    }
}

/// The message that comes when a week has passed.
const LATE: &str = "m2";

/// Before it handles the late message, a week passes.
#[derive(Default)]
struct Weekly {
    inbox: Inbox<Silent>,
}

impl Endpoint for Weekly {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        if &**delivery.id() == LATE {
            cx.sleep(7 * DAY).await;
            for key in cx.docs.list("seen").await? {
                cx.docs.delete(&key, kit::When::Always).await?;
            }
        }
        self.inbox.on_message(cx, delivery).await
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Ids expire after seven days.
async fn a_week_passes(cx: Cx) -> Result<(), kit::StoreErr> {
    cx.sleep(7 * DAY).await;
    cx.docs.delete(&kit::seen::key(&"m1".into()), kit::When::Always).await
}

async fn a_backup_is_restored(cx: Cx) -> Result<(), kit::SendErr> {
    cx.sleep(8 * DAY).await;
    cx.bus.send("points", message("m1", "Add", ADA, 60)).await
}
