//! What an auditor, and whoever receives our messages, may rely on.
//!
//! The messages are in the queue `points` from the beginning, each with its token in a header, and these tokens exist: so
//! did whoever sent them. A worker takes any message at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kit::tokens::{TOKEN, key};
use kit::{Logic, Out, Reject};
use serde::{Deserialize, Serialize};
use story::logics::{Account, Asked, Body, Silent, Strict, Talkative, message};
use story::serial::States;
use story::{
    BOUNDED_DEDUPLICATION, CONSISTENT_OUTPUT, Client, Cx, Docs, Event, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING,
    NO_GARBAGE, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, Scenario, Seen, Size, Story, Walks, expect,
};
use tokens::{Tokens, view};

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

/// After these, somebody else has to go on.
const WHAT_LEAVES_WORK: &[Fault] = &[Fault::Crash, Fault::LockExpired, Fault::WriteUnknown];

const NOTHING_KEPT: &[Size] = &[
    Size::ONE,
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.faults(2),
    Size::ONE.copies(2).workers(2).faults(2),
    Size::ONE.messages(3),
    Size::ONE.messages(2).workers(2),
];
/// The number of messages in a chain.
const MANY: &[Size] = &[Size::ONE.messages(40)];
const A_YEAR_LATE: &[Size] = &[Size::ONE, Size::ONE.faults(1), Size::ONE.workers(2).faults(1)];
const NO_TOKEN: &[Size] = &[
    Size::ONE,
    Size::ONE.messages(2),
    Size::ONE.messages(3),
    Size::ONE.messages(3).faults(1),
    Size::ONE.messages(3).workers(2).faults(1),
];
const POINTS: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(3).faults(1),
    Size::ONE.copies(2).workers(2).faults(2),
    TWO_THAT_TALK,
];
/// Two messages that both have something to say.
const TWO_THAT_TALK: Size = Size::ONE.messages(2).workers(2).faults(1);
/// Silent messages are cheap to look at, so there can be more of everything.
const SILENT: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(3),
    Size::ONE.messages(3).workers(2),
    TWO_OF_EACH,
    TWO_FAULTS,
];
/// Two messages, two copies of each.
const TWO_OF_EACH: Size = Size::ONE.messages(2).copies(2).workers(2).faults(1);
/// One message, two workers, two faults.
const TWO_WORKERS: Size = Size::ONE.workers(2).faults(2);
/// Two messages, two workers, two faults.
const TWO_FAULTS: Size = Size::ONE.messages(2).workers(2).faults(2);
/// In these worlds only [`WHAT_LEAVES_WORK`] strikes.
const FEW_KINDS: &[Size] = &[TWO_THAT_TALK, TWO_OF_EACH, TWO_FAULTS, TWO_WORKERS];
const SMALL: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(3),
];
/// One worker: a slow one may note down what it makes when all is done, and then nobody takes it away.
const REFUSED: &[Size] = &[Size::ONE, Size::ONE.messages(3), Size::ONE.faults(1), Size::ONE.messages(2).faults(1)];
/// A late worker refuses what another one accepts: here only a lock runs out, and a node dies.
const LATE: &[Size] =
    &[Size::ONE.messages(2), Size::ONE.messages(2).workers(2), Size::ONE.messages(2).workers(2).faults(2)];
const BACK_TO_NOTHING: &[Size] =
    &[Size::ONE.messages(2), Size::ONE.faults(1), Size::ONE.messages(2).workers(2), Size::ONE.messages(2).copies(2)];
const LETTERS: &[Size] = &[
    Size::ONE,
    Size::ONE.copies(2),
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.workers(2).faults(2),
];
const TWO_ENDPOINTS: &[Size] = &[
    Size::ONE,
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).faults(1),
    TWO_WORKERS,
];
/// Two messages and two workers at once are too large to decide.
const BOTH_DEEP: &[Size] = &[
    Size::ONE.workers(2).faults(3),
    Size::ONE.copies(2).workers(2).faults(2),
    Size::ONE.messages(2).copies(2).faults(1),
    Size::ONE.messages(2).faults(2),
];

/// The auditor looks through all that is kept, when all is done. Whatever speaks of a message that was handled would have
/// to be deleted one day, and who knows when?
#[test]
fn nothing_is_kept_of_a_handled_message() {
    Story::new("nothing is kept of a handled message")
        .worlds(NOTHING_KEPT, |size| world::<Silent>(points(), size))
        .view(everything)
        .sometimes(Event::Redelivered)
        .sometimes(Event::CrashAfterEffect)
        .when_quiescent(BOUNDED_DEDUPLICATION, "when all is done, nothing speaks of a handled message", |seen| {
            seen.acked("points").into_iter().try_for_each(|id| {
                let speaks = seen.view().iter().find(|(key, text)| key.contains(id) || text.contains(id));
                expect(speaks.is_none(), || format!("{id} is handled; still there is {}", speaks.unwrap().0))
            })
        })
        .when_quiescent(NO_GARBAGE, "when all is done, no token is left", |seen| {
            let left = seen.view().keys().find(|one| one.starts_with(&key("")));
            expect(left.is_none(), || format!("all is handled; still there is {}", left.unwrap()))
        })
        .can_finish("every message is handled in the end")
        .check();
}

/// The auditor again: this time some messages say something, and some are refused. A letter that was sent has its token
/// still; what was refused has said nothing, and needs none.
#[test]
fn nothing_is_kept_of_a_refused_message() {
    Story::new("nothing is kept of a refused message")
        .worlds(REFUSED, |size| world::<Strict>(bookings(), size))
        .view(|docs| (everything(docs), left(docs)))
        .sometimes(Event::Redelivered)
        .when_quiescent(BOUNDED_DEDUPLICATION, "when all is done, nothing speaks of a handled message", |seen| {
            seen.acked("points").into_iter().try_for_each(|id| {
                let mut kept = seen.view().0.iter().filter(|(one, _)| !one.starts_with(&key("")));
                let speaks = kept.find(|(key, text)| key.contains(id) || text.contains(id));
                expect(speaks.is_none(), || format!("{id} is handled; still there is {}", speaks.unwrap().0))
            })
        })
        .when_quiescent(NO_GARBAGE, "only a failed attempt leaves tokens behind", |seen| {
            let used: BTreeSet<&String> =
                seen.sent("letters").into_iter().filter_map(|msg| msg.headers.get(TOKEN)).collect();
            let Left { tokens, failures_max } = &seen.view().1;
            let left_over = tokens.iter().filter(|token| !used.contains(token)).count();
            expect(left_over <= *failures_max, || {
                format!("tokens that belong to nothing: {left_over}; attempts that failed: at most {failures_max}")
            })
        })
        .can_finish("every message is handled in the end")
        .check();
}

/// Each message causes the next, and the last one leaves as much behind as an only one would. A few schedules are drawn
/// by lot: whoever sends everything twice has more of them than anybody could look at.
#[test]
fn many_messages_leave_what_one_leaves() {
    Story::new("many messages leave what one leaves")
        .worlds(MANY, |size| {
            let first = with_token(message("m1", "Count", "ada", i64::from(size.messages) - 1), "t1");
            Scenario::new()
                .document(&key("t1"), &true)
                .endpoint::<Tokens<Countdown>>("Points", "points", 1)
                .message("points", first, 1)
        })
        .view(|docs| (everything(docs), view::<Countdown>(docs, "ada").points))
        .when_quiescent(BOUNDED_DEDUPLICATION, "forty messages leave no more than one does", |seen| {
            let bytes: usize = seen.view().0.iter().map(|(key, text)| key.len() + text.len()).sum();
            let handled = seen.acked("points").len();
            expect(bytes <= LEFT_MAX, || format!("{handled} messages were handled, and {bytes} bytes are left"))
        })
        .when_quiescent(NO_LOST_MESSAGE, "every message has its effect, and causes the next", |seen| {
            let last = seen.view().1;
            expect(last == 0, || format!("the message that says {} never has its effect", last - 1))
        })
        .can_finish("every message is handled in the end")
        .walked(Walks { seed: 3, walks: 2, steps_max: 10_000 })
        .check();
}

/// What one message may leave behind: the entity, and what you keep with it. Unit: bytes of all keys and documents.
const LEFT_MAX: usize = 256;

/// A backup is restored, after a year, and with it a copy of a message that was handled. Whatever an operator may have
/// deleted by then is deleted.
#[test]
fn a_copy_that_comes_a_year_late_changes_nothing() {
    Story::new("a copy that comes a year late changes nothing")
        .worlds(A_YEAR_LATE, |size| {
            let backup = |cx: Cx| async move {
                let copy = points().remove(0);
                cx.sleep(A_YEAR).await;
                cx.docs.delete(&kit::seen::key(&copy.id), kit::When::Always).await?;
                cx.bus.send("points", copy).await?;
                Ok::<(), story::Retry>(())
            };
            world::<Talkative>(points(), size).client(Client::new("backup", "Backup").calls("restore", backup))
        })
        .view(of_ada::<Talkative>)
        .sometimes_seen("the backup is restored", |seen| seen.answered_ok("backup", 0))
        .runs_logic::<Talkative>("points", &["letters", "vouchers"], points)
        .check();
}

const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A message was handled before this story begins: its token is gone, and everything else that could be known of it.
/// Another one comes from somebody who knows of no tokens. They are acked, and that is all.
#[test]
fn a_message_without_a_token_does_nothing() {
    Story::new("a message without a token does nothing")
        .worlds(NO_TOKEN, |size| {
            let gone = with_token(message("m0", "Add", "ada", 200), "t0");
            let [none, good] = [message("n1", "Add", "ada", 400), with_token(message("m1", "Add", "ada", 60), "t1")];
            let world = empty::<Talkative>(size).document(&key("t1"), &true);
            let messages = [gone, none, good].into_iter().take(size.messages.into());
            messages.fold(world, |world, msg| world.message("points", msg, size.copies))
        })
        .deep(&[Size::ONE.messages(3).copies(2).workers(2).faults(1), Size::ONE.messages(3).workers(2).faults(2)])
        .view(|docs| view::<Talkative>(docs, "ada").points)
        .sometimes(Event::Redelivered)
        .sometimes_seen("a message is handled", |seen| !seen.acked("points").is_empty())
        .always(NO_DUPLICATE_PROCESSING, "a message whose token is gone has no effect", |seen| {
            expect([0, 60, 400, 460].contains(seen.view()), || {
                format!("the token of m0 was gone before it came; ada has {} points", seen.view())
            })
        })
        .always(NO_DUPLICATE_PROCESSING, "a message that carries no token has no effect", |seen| {
            expect([0, 60, 200, 260].contains(seen.view()), || {
                format!("n1 carries no token; ada has {} points", seen.view())
            })
        })
        .always(NO_GHOST_MESSAGE, "and it says nothing", |seen| {
            let said = seen.sent("letters").len() + seen.sent("vouchers").len();
            let good = usize::from(*seen.view() != 0);
            expect(said <= good, || format!("{said} messages were sent"))
        })
        .when_quiescent(NO_LOST_MESSAGE, "a message with a token has its effect all the same", |seen| {
            let came = seen.acked("points").contains(&"m1");
            expect(!came || *seen.view() == 60, || format!("m1 is acked; ada has {} points", seen.view()))
        })
        .can_finish("every message is handled in the end, also one that does nothing")
        .check();
}

/// A letter for each message, and a voucher for the one that reaches 100 points.
#[test]
fn a_talkative_logic_runs_once() {
    let mut story = Story::new("a talkative logic runs once")
        .worlds(POINTS, |size| few_kinds(world::<Talkative>(points(), size), size))
        .deep(&[Size::ONE.copies(2).workers(2).faults(3), TWO_FAULTS, TWO_OF_EACH]) // all of it at once is too large
        .view(of_ada::<Talkative>)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::Concurrent)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect);
    for fault in [Fault::LockExpired, Fault::Duplicate, Fault::AckLost, Fault::WriteUnknown, Fault::SendUnknown] {
        story = story.sometimes(Event::Struck(fault));
    }
    story.runs_logic::<Talkative>("points", &["letters", "vouchers"], points).check();
}

/// A message that says nothing has its effect once, too.
#[test]
fn a_silent_message_counts_once() {
    Story::new("a silent message counts once")
        .worlds(SILENT, |size| few_kinds(world::<Silent>(points(), size), size))
        .view(of_ada::<Silent>)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .runs_logic::<Silent>("points", &["letters"], points)
        .check();
}

/// Somebody adds points, somebody asks how many there are. Who asks changes nothing, and gets one answer.
#[test]
fn a_question_has_one_answer() {
    Story::new("a question has one answer")
        .worlds(SMALL, |size| world::<Asked>(questions(), size))
        .view(of_ada::<Asked>)
        .sometimes(Event::Redelivered)
        .runs_logic::<Asked>("points", &["letters"], questions)
        .check();
}

/// Points are added, and taken away. What would leave less than none is refused, and that is decided once.
#[test]
fn a_refusal_stays() {
    Story::new("a refusal stays")
        .worlds(SMALL, |size| world::<Strict>(bookings(), size))
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
        let messages = [message("m1", "Add", "ada", -60), message("m2", "Add", "ada", 80)];
        messages.into_iter().zip(["t1", "t2"]).map(|(msg, token)| with_token(msg, token)).collect()
    }
    const KINDS: [Fault; 2] = [Fault::LockExpired, Fault::Crash];
    Story::new("a late refusal takes no words away")
        .worlds(LATE, |size| {
            let faults = KINDS.iter().fold(Faults::upto(size.faults).only(&KINDS), |all, kind| all.at_most(*kind, 1));
            world::<Strict>(talk(), size).faults(faults)
        })
        .deep(&[TWO_OF_EACH])
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
        let messages = [message("m1", "Add", "ada", 60), message("m2", "Add", "ada", -60)];
        messages.into_iter().zip(["t1", "t2"]).map(|(msg, token)| with_token(msg, token)).collect()
    }
    Story::new("points that come and go do not make a new customer")
        .worlds(BACK_TO_NOTHING, |size| world::<Twofold>(talk(), size))
        .deep(&[TWO_THAT_TALK])
        .view(of_ada::<Twofold>)
        .sometimes(Event::Redelivered)
        .always(NO_LOST_MESSAGE, "no two messages share a token", |seen| share_no_token(seen.sent("letters")))
        .runs_logic::<Twofold>("points", &["letters"], talk)
        .check();
}

/// 120 points: a letter and a voucher. Whoever receives them works as we do, and may be faster than we are.
#[test]
fn each_message_has_a_token_of_its_own() {
    Story::new("each message has a token of its own")
        .worlds(LETTERS, |size| world::<Talkative>(vec![with_token(message("m1", "Add", "ada", 120), "t1")], size))
        .view(left)
        .sometimes(Event::Redelivered)
        .always(NO_LOST_MESSAGE, "whoever receives a message finds its token", |seen| {
            said(seen).into_iter().try_for_each(|msg| {
                let Some(token) = msg.headers.get(TOKEN) else {
                    return Err(format!("{} was sent, and carries no token", msg.id));
                };
                expect(seen.view().tokens.contains(token), || {
                    format!("{} was sent, and its token {token} does not exist", msg.id)
                })
            })
        })
        .always(NO_LOST_MESSAGE, "no two messages share a token", |seen| share_no_token(said(seen)))
        .always(CONSISTENT_OUTPUT, "a message that is sent again carries the same token", |seen| {
            let ids: BTreeSet<&str> = said(seen).into_iter().map(|msg| &*msg.id).collect();
            expect(ids.len() == said(seen).len(), || "a message was sent with two tokens".to_owned())
        })
        .when_quiescent(NO_GARBAGE, "only a failed attempt leaves tokens behind", |seen| {
            let left = seen.view();
            let used: BTreeSet<&String> = said(seen).into_iter().filter_map(|msg| msg.headers.get(TOKEN)).collect();
            let left_over = left.tokens.iter().filter(|token| !used.contains(token)).count();
            expect(left_over <= left.failures_max * OUTPUTS, || {
                format!(
                    "tokens that belong to nothing: {left_over}; attempts that failed: at most {}",
                    left.failures_max
                )
            })
        })
        .can_finish("every message is handled in the end")
        .check();
}

/// What 120 points say: a letter and a voucher.
const OUTPUTS: usize = 2;

/// Points are earned here, and booked there, with the same runner. Both work at the same time, and in the end both show
/// each message once.
#[test]
fn a_credit_is_booked_once() {
    Story::new("a credit is booked once")
        .worlds(TWO_ENDPOINTS, |size| {
            // With two copies or two faults here, one worker there is enough: it all stays small.
            let there = if size.copies == 1 && size.faults < 2 { size.workers } else { 1 };
            few_kinds(world::<Earned>(points(), size), size).endpoint::<Tokens<Booked>>("Book", "credits", there)
        })
        .deep(BOTH_DEEP)
        .view(|docs| Both {
            earned: view::<Earned>(docs, "ada").points,
            booked: view::<Booked>(docs, "book-ada").points,
            left: left(docs),
        })
        .sometimes(Event::Redelivered)
        .sometimes(Event::Concurrent)
        .always(NO_DUPLICATE_PROCESSING, "each message is earned at most once", |seen| {
            let sums = [0, 60, 50, 110];
            expect(sums.contains(&seen.view().earned), || format!("ada has earned {} points", seen.view().earned))
        })
        .always(NO_DUPLICATE_PROCESSING, "each credit is booked at most once", |seen| {
            let Both { earned, booked, .. } = seen.view();
            let sums = [0, 60, 50, 110];
            expect(sums.contains(booked) && booked <= earned, || {
                format!("ada has earned {earned} points, and {booked} are booked")
            })
        })
        .when_quiescent(NO_LOST_MESSAGE, "what was earned is booked in the end", |seen| {
            let Both { earned, booked, .. } = seen.view();
            let all = if seen.acked("points").contains(&"m2") { 110 } else { 60 };
            expect(*earned == all && *booked == all, || {
                format!("{all} points were to be earned: ada has earned {earned}, and {booked} are booked")
            })
        })
        .when_quiescent(NO_GARBAGE, "only a failed attempt leaves a token behind, here and there", |seen| {
            let left = &seen.view().left;
            expect(left.tokens.len() <= left.failures_max, || {
                format!("tokens left: {}; attempts that failed: at most {}", left.tokens.len(), left.failures_max)
            })
        })
        .can_finish("every message is handled in the end, here and there")
        .check();
}

/// What is seen of two endpoints.
struct Both {
    earned: i64,
    booked: i64,
    left: Left,
}

/// The tokens that there are.
struct Left {
    tokens: BTreeSet<String>,
    /// How many attempts at most have failed: one for each fault, and one for each message in another worker's hands at
    /// the same time.
    failures_max: usize,
}

fn left(docs: &Docs) -> Left {
    let tokens = docs.list::<serde::de::IgnoredAny>(&key("")).into_iter();
    Left {
        tokens: tokens.map(|(found, _)| found[key("").len()..].to_owned()).collect(),
        failures_max: docs.get(FAILURES_MAX).unwrap_or_default(),
    }
}

/// The story's own document: how many attempts can fail in this world.
const FAILURES_MAX: &str = "story/failures";

fn failures_max(size: Size) -> usize {
    let Size { messages, workers, faults, .. } = size;
    usize::from(faults) + usize::from(workers - 1) * (1 + COMMITS * usize::from(messages - 1))
}

/// How often one message writes its entity: as often can it be in another one's way.
const COMMITS: usize = 4;

/// Every message that was sent to whoever prints letters and vouchers.
fn said<'a>(seen: &Seen<'a, Left>) -> Vec<&'a Msg> {
    [seen.sent("letters"), seen.sent("vouchers")].concat()
}

/// Nor do they carry a token of those that came.
fn share_no_token(said: Vec<&Msg>) -> Result<(), String> {
    let mut owners = BTreeMap::from([("t1", "m1"), ("t2", "m2")]);
    said.into_iter().try_for_each(|msg| {
        let Some(token) = msg.headers.get(TOKEN) else { return Err(format!("{} was sent, and carries none", msg.id)) };
        let owner: &str = owners.entry(token).or_insert(&msg.id);
        expect(owner == &*msg.id, || format!("{owner} and {} share the token {token}", msg.id))
    })
}

/// Every document there is, but for the story's own.
fn everything(docs: &Docs) -> BTreeMap<String, String> {
    let pairs = docs.pairs().filter(|(key, _)| *key != FAILURES_MAX);
    pairs.map(|(key, text)| (key.to_owned(), text.to_owned())).collect()
}

fn of_ada<L: Logic>(docs: &Docs) -> States<L::State> {
    BTreeMap::from([("ada".to_owned(), view::<L>(docs, "ada"))])
}

/// A world with these messages, as many as its size says, each with its token.
fn world<L: Logic>(messages: Vec<Msg>, size: Size) -> Scenario {
    let world = empty::<L>(size).document(FAILURES_MAX, &failures_max(size));
    messages.into_iter().take(size.messages.into()).fold(world, |world, msg| {
        let world = world.document(&key(&msg.headers[TOKEN]), &true);
        world.message("points", msg, size.copies)
    })
}

/// In some worlds, fewer kinds of faults.
fn few_kinds(world: Scenario, size: Size) -> Scenario {
    if FEW_KINDS.contains(&size) { world.faults(Faults::upto(size.faults).only(WHAT_LEAVES_WORK)) } else { world }
}

fn empty<L: Logic>(size: Size) -> Scenario {
    let faults = Faults::upto(size.faults).only(WHAT_FAILS);
    Scenario::new().faults(faults).endpoint::<Tokens<L>>("Points", "points", size.workers)
}

fn with_token(mut msg: Msg, token: &str) -> Msg {
    msg.headers.insert(TOKEN.to_owned(), token.to_owned());
    msg
}

/// Each with a token.
fn tokened(messages: [Msg; 3]) -> Vec<Msg> {
    messages.into_iter().zip(["t1", "t2", "t3"]).map(|(msg, token)| with_token(msg, token)).collect()
}

fn points() -> Vec<Msg> {
    tokened([message("m1", "Add", "ada", 60), message("m2", "Add", "ada", 50), message("m3", "Add", "ada", 40)])
}

fn questions() -> Vec<Msg> {
    tokened([message("m1", "Ask", "ada", 0), message("m2", "Add", "ada", 60), message("m3", "Ask", "ada", 0)])
}

fn bookings() -> Vec<Msg> {
    tokened([message("m1", "Add", "ada", 50), message("m2", "Add", "ada", -80), message("m3", "Add", "ada", 40)])
}

fn body(msg: &Msg) -> Body {
    msg.body().unwrap_or_else(|error| panic!("the stories' own messages can be read: {error}"))
}

/// A message says how many are still to come; so does the state. It causes the next one.
#[derive(Default)]
struct Countdown;

impl Logic for Countdown {
    type State = Account;

    fn key(msg: &Msg) -> String {
        body(msg).customer
    }

    fn handle(&self, state: &mut Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        let Body { customer, points } = body(msg);
        state.points = points;
        if points > 0 {
            out.send("points", "Count", &Next { customer, points: points - 1 });
        }
        Ok(())
    }
}

/// Adds points, and says so twice, in the same words.
#[derive(Default)]
struct Twofold;

impl Logic for Twofold {
    type State = Account;

    fn key(msg: &Msg) -> String {
        body(msg).customer
    }

    fn handle(&self, state: &mut Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        state.points += body(msg).points;
        (0..2).for_each(|_| out.send("letters", "PointsChanged", &state.points));
        Ok(())
    }
}

/// Points are earned: adds them up, and has them booked elsewhere.
#[derive(Default)]
struct Earned;

impl Logic for Earned {
    type State = Account;

    fn key(msg: &Msg) -> String {
        body(msg).customer
    }

    fn handle(&self, state: &mut Account, msg: &Msg, out: &mut Out) -> Result<(), Reject> {
        let Body { customer, points } = body(msg);
        state.points += points;
        out.send("credits", "Credit", &Next { customer, points });
        Ok(())
    }
}

/// Points are booked: adds them up, and says nothing.
#[derive(Default)]
struct Booked;

impl Logic for Booked {
    type State = Account;

    fn key(msg: &Msg) -> String {
        format!("book-{}", body(msg).customer)
    }

    fn handle(&self, state: &mut Account, msg: &Msg, _: &mut Out) -> Result<(), Reject> {
        state.points += body(msg).points;
        Ok(())
    }
}

/// What these logics say to each other.
#[derive(Serialize, Deserialize)]
struct Next {
    customer: String,
    points: i64,
}
