//! What a shop may rely on that has somebody else's system charge its orders: once, if that is decided, and never otherwise.
//!
//! The messages are in the queue `payments` from the beginning. The Bank is the table of verbs of `story::bank`. What is
//! sent to the queue `orders` is heard by everybody at once, and for ever.

use std::collections::{BTreeMap, BTreeSet};

use http_client::{CancelOrder, Ended, FollowUps, PayOrder, Payments, Standing, view};
use story::bank::Bank;
use story::{
    CONSISTENT_OUTPUT, Docs, Event, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING, NO_GARBAGE, NO_GHOST_MESSAGE,
    NO_LOST_MESSAGE, Scenario, Seen, Size, Story, expect,
};

/// The orders, and what they cost: from what an account holds, one can tell what was charged. One name begins with the
/// other.
const ORDERS: [(&str, i64); 2] = [("order-1", 70), ("order-10", 40)];
const ACCOUNT: &str = "ada";

/// How much may be missing in the account: enough for everything; for one order, but not for both; for none.
const ENOUGH: i64 = 1_000;
const ENOUGH_FOR_ONE: i64 = 100;
const NOT_ENOUGH: i64 = 30;

/// A node dies between any two operations; the store refuses a read or a write, or does not say what became of a write; a
/// conflict is reported where there is none; a weak read is behind; the bus refuses a send, or does not say what became of
/// it; an ack gets lost; a message comes again. A request is lost, doubled, or late; a response is lost.
const ALL: &[Fault] = &[
    Fault::Crash,
    Fault::WriteRefused,
    Fault::WriteUnknown,
    Fault::ReadRefused,
    Fault::StaleRead,
    Fault::SpuriousConflict,
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::AckLost,
    Fault::RequestLost,
    Fault::RequestDuplicated,
    Fault::ResponseLost,
    Fault::TimedOut,
];
/// Those that leave somebody in doubt.
const WORST: &[Fault] = &[Fault::Crash, Fault::WriteUnknown, Fault::TimedOut, Fault::ResponseLost];

const ONE_ORDER: &[Size] = &[
    Size::ONE,
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).faults(1),
    Size::ONE.faults(2),
    Size::ONE.workers(2).faults(2),
];
const PAY_AND_CANCEL: &[Size] = &[
    Size::ONE.messages(2),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).faults(2),
];
const TWO_ORDERS: &[Size] = &[
    Size::ONE.messages(2),
    Size::ONE.messages(2).workers(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
];
const FOLLOW_UPS: &[Size] =
    &[Size::ONE, Size::ONE.faults(1), Size::ONE.workers(2).faults(1), Size::ONE.workers(2).faults(2)];
const NODES_DIE: &[Size] = &[
    Size::ONE,
    Size::ONE.faults(1),
    Size::ONE.copies(2).faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.faults(2),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).faults(2),
];
const LOCKS_EXPIRE: &[Size] =
    &[Size::ONE.workers(2).faults(1), Size::ONE.messages(2).workers(2).faults(1), Size::ONE.workers(2).faults(2)];
const DECLINED: &[Size] = &[
    Size::ONE,
    Size::ONE.messages(2),
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.faults(2),
];
const AN_OUTAGE: &[Size] = &[Size::ONE, Size::ONE.faults(1)];

/// The Bank has the money, and one order is to be paid.
#[test]
fn an_order_is_charged_once() {
    Story::new("an order is charged once")
        .worlds(ONE_ORDER, |size| shop(size, &[pay(0)]).http_service(Bank::over_http(ENOUGH)))
        .deep(&[Size::ONE.faults(3), Size::ONE.workers(2).faults(3)])
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::Struck(Fault::RequestLost))
        .sometimes(Event::Struck(Fault::ResponseLost))
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect)
        .charges_what_is_decided(ENOUGH)
        .check();
}

/// Somebody cancels the order while it is being paid: whichever is decided first counts.
#[test]
fn a_cancelled_order_is_not_charged() {
    Story::new("a cancelled order is not charged")
        .worlds(PAY_AND_CANCEL, |size| shop(size, &[pay(0), cancel(0)]).http_service(Bank::over_http(ENOUGH)))
        .deep(&[Size::ONE.messages(2).workers(2).faults(2)])
        .view(the_shop)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .charges_what_is_decided(ENOUGH)
        .check();
}

/// Two workers have one follow-up. The Bank's word is heard once, and kept until it is.
#[test]
fn what_the_bank_says_is_heard_once() {
    Story::new("what the Bank says is heard once")
        .worlds(FOLLOW_UPS, |size| shop_with([1, size.workers], size, &[pay(0)]).http_service(Bank::over_http(ENOUGH)))
        .deep(&[Size::ONE.workers(2).faults(3)])
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .charges_what_is_decided(ENOUGH)
        .check();
}

/// There is not enough money in the account; and then perhaps somebody cancels.
#[test]
fn what_the_bank_refuses_is_declined() {
    Story::new("what the Bank refuses is declined")
        .worlds(DECLINED, |size| {
            let messages = [pay(0), cancel(0)];
            shop(size, &messages[..size.messages.into()]).http_service(Bank::over_http(NOT_ENOUGH))
        })
        .deep(&[Size::ONE.faults(3)])
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .charges_what_is_decided(NOT_ENOUGH)
        .leaves_nothing()
        .check();
}

/// Two orders, and money for one of them: the Bank says which.
#[test]
fn of_two_orders_the_bank_says_which() {
    Story::new("of two orders the Bank says which")
        .worlds(TWO_ORDERS, |size| {
            // Whose lock expires is another story.
            let kinds = if size.workers == 1 { &[ALL, &[Fault::Duplicate]].concat() } else { ALL };
            only(size, [size.workers, 1], kinds, &[pay(0), pay(1)]).http_service(Bank::over_http(ENOUGH_FOR_ONE))
        })
        .deep(&[Size::ONE.messages(2).faults(2)])
        .view(the_shop)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .charges_what_is_decided(ENOUGH_FOR_ONE)
        .leaves_nothing()
        .check();
}

/// The Bank is out, from any moment on: it answers 503 for a while. That is neither yes nor no.
#[test]
fn an_outage_passes() {
    Story::new("an outage passes")
        .worlds(AN_OUTAGE, |size| shop(size, &[pay(0)]).http_service(Bank::with_outage(ENOUGH)))
        .deep(&[Size::ONE.faults(2), Size::ONE.faults(3)])
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .charges_what_is_decided(ENOUGH)
        .leaves_nothing()
        .check();
}

/// Nodes die, and requests are lost, doubled and late; but whoever was at it is gone before the next one comes. Then in the
/// end nothing is left, at the Bank and here: whether the order is paid, or cancelled.
#[test]
fn a_crash_leaves_nothing() {
    Story::new("a crash leaves nothing")
        .worlds(NODES_DIE, |size| {
            let messages = [pay(0), cancel(0)];
            let kinds = if size.workers == 1 { &[ALL, &[Fault::Duplicate]].concat() } else { ALL };
            only(size, [size.workers, 1], kinds, &messages[..size.messages.into()])
                .http_service(Bank::over_http(ENOUGH))
        })
        .deep(&[Size::ONE.faults(3), Size::ONE.messages(2).faults(3)])
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect)
        .sometimes(Event::Struck(Fault::RequestLost))
        .sometimes(Event::Struck(Fault::RequestDuplicated))
        .sometimes(Event::Struck(Fault::TimedOut))
        .leaves_nothing()
        .check();
}

/// Locks expire, and two workers have one message at once; but nothing else goes wrong, and everybody who has begun comes
/// to an end.
#[test]
fn a_late_worker_leaves_nothing() {
    Story::new("a late worker leaves nothing")
        .worlds(LOCKS_EXPIRE, |size| {
            let messages = [pay(0), cancel(0)];
            only(size, [size.workers, 1], &[Fault::LockExpired], &messages[..size.messages.into()])
                .http_service(Bank::over_http(ENOUGH))
        })
        .deep(&[Size::ONE.workers(2).faults(3)])
        .view(the_shop)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .leaves_nothing()
        .check();
}

// The worlds.

/// The messages, and Payments with the size's workers.
fn shop(size: Size, messages: &[Msg]) -> Scenario {
    shop_with([size.workers, 1], size, messages)
}

/// The same, with so many workers for payments and for follow-ups. A queue with one worker may hold a copy too many; with
/// two workers, locks expire instead: either way, a message comes again. The largest worlds have only the worst faults.
fn shop_with([payments, follow_ups]: [u8; 2], size: Size, messages: &[Msg]) -> Scenario {
    let again = if size.workers == 1 { Fault::Duplicate } else { Fault::LockExpired };
    let worst = size.faults > 2 || size.faults == 2 && size.workers == 2;
    let kinds = [if worst { WORST } else { ALL }, &[again]].concat();
    only(size, [payments, follow_ups], &kinds, messages)
}

/// The same, where only these faults strike.
fn only(size: Size, [payments, follow_ups]: [u8; 2], kinds: &[Fault], messages: &[Msg]) -> Scenario {
    let world = Scenario::new()
        .endpoint::<Payments>("Payments", "payments", payments)
        .endpoint::<FollowUps>("FollowUps", "follow-ups", follow_ups)
        .faults(Faults::upto(size.faults).only(kinds));
    messages.iter().fold(world, |world, msg| world.message("payments", msg.clone(), size.copies))
}

/// The message that pays an order.
fn pay(order: usize) -> Msg {
    let (order, cents) = ORDERS[order];
    let body = PayOrder { order: order.to_owned(), account: ACCOUNT.to_owned(), cents };
    Msg::new(format!("pay-{order}"), "PayOrder", &body)
}

/// The message that cancels an order.
fn cancel(order: usize) -> Msg {
    let (order, _) = ORDERS[order];
    Msg::new(format!("cancel-{order}"), "CancelOrder", &CancelOrder { order: order.to_owned() })
}

// What must hold.

/// What is to be seen of the shop.
struct Shop {
    standings: BTreeMap<&'static str, Standing>,
    docs: Docs,
}

fn the_shop(docs: &Docs) -> Shop {
    Shop { standings: ORDERS.iter().map(|(order, _)| (*order, view(docs, order))).collect(), docs: docs.clone() }
}

/// One order, in one state of the world.
struct Order {
    name: &'static str,
    cents: i64,
    standing: Standing,
    /// How often the Bank has charged it.
    charged: i64,
    /// With which words it was said to be at its end: the kind of the message, and its balance.
    ended: Vec<(String, Option<i64>)>,
}

fn orders(seen: &Seen<'_, Shop>) -> Vec<Order> {
    let charged = charged(&bank(seen)).unwrap_or_default();
    let said = seen.sent("orders");
    let order = |(&(name, cents), charged)| Order {
        name,
        cents,
        standing: seen.view().standings[name],
        charged,
        ended: said
            .iter()
            .filter(|msg| KINDS.contains(&&*msg.kind))
            .filter_map(|msg| Some((msg.kind.clone(), msg.body::<Ended>().ok()?)))
            .filter(|(_, ended)| ended.order == name)
            .map(|(kind, ended)| (kind, ended.balance))
            .collect(),
    };
    ORDERS.iter().zip(charged).map(order).collect()
}

const KINDS: [&str; 3] = ["OrderPaid", "OrderDeclined", "OrderCancelled"];

fn bank(seen: &Seen<'_, Shop>) -> Bank {
    seen.service("bank")
}

/// How often each order was charged, from what is missing in the account; nothing if that is no sum of orders.
fn charged(bank: &Bank) -> Option<[i64; 2]> {
    let missing = -bank.balances.get(ACCOUNT).copied().unwrap_or_default();
    let [(_, first), (_, second)] = ORDERS;
    let mut all = (0..=3).flat_map(|times| (0..=3).map(move |more| [times, more]));
    all.find(|[times, more]| times * first + more * second == missing)
}

trait Rules {
    fn charges_what_is_decided(self, overdraft: i64) -> Self;
    fn leaves_nothing(self) -> Self;
}

impl Rules for Story<Shop> {
    /// What holds in every world.
    fn charges_what_is_decided(self, overdraft: i64) -> Self {
        self.always(CONSISTENT_OUTPUT, "the Bank charges what the orders cost, and nobody else", |seen| {
            let bank = bank(seen);
            let others = bank.balances.iter().find(|(account, cents)| *account != ACCOUNT && **cents != 0);
            expect(others.is_none(), || format!("the account {:?} is charged", others.map(|(account, _)| account)))?;
            expect(charged(&bank).is_some(), || format!("the account holds {:?}", bank.balances.get(ACCOUNT)))
        })
        .always(NO_GHOST_MESSAGE, "the Bank charges nothing that is not decided", |seen| {
            each(seen, |order| {
                expect(order.charged == 0 || order.standing != Standing::Open, || {
                    format!("{} is charged, and no document says so: it may still be cancelled", order.name)
                })
            })
        })
        .always(NO_GHOST_MESSAGE, "a cancelled order is not charged", |seen| {
            each(seen, |order| {
                let cancelled = order.standing == Standing::Cancelled || order.is_said_to_be("OrderCancelled");
                expect(!cancelled || order.charged == 0, || format!("{} is cancelled, and charged", order.name))
            })
        })
        .always(NO_DUPLICATE_PROCESSING, "no order is charged twice", |seen| {
            each(seen, |order| {
                expect(order.charged <= 1, || format!("{} is charged {} times", order.name, order.charged))
            })
        })
        .always(CONSISTENT_OUTPUT, "paid is what the Bank has charged, and declined what it has refused", move |seen| {
            let missing = bank(seen).balances.get(ACCOUNT).copied().unwrap_or_default();
            each(seen, |order| match order.standing {
                Standing::Paid => {
                    expect(order.charged == 1, || format!("{} is paid, and was never charged", order.name))
                }
                // What is not there now was not there when the Bank refused, or it never did.
                Standing::Declined => expect(order.charged == 0 && missing - order.cents < -overdraft, || {
                    format!("{} is declined, and the Bank has not refused", order.name)
                }),
                _ => Ok(()),
            })
        })
        .always(CONSISTENT_OUTPUT, "what is announced is committed, and what the Bank said", is_committed)
        .always(CONSISTENT_OUTPUT, "an order ends once, and with the same words", |seen| {
            each(seen, |order| {
                let words = || order.ended.iter().map(|(kind, _)| &**kind).collect::<Vec<_>>().join(", ");
                expect(order.ended.len() <= 1, || {
                    format!(
                        "the end of {} was announced more than once, and not as the same message: {}",
                        order.name,
                        words()
                    )
                })
            })
        })
        .always(CONSISTENT_OUTPUT, "each order ends under an id of its own", has_an_id_of_its_own)
        .always(NO_LOST_MESSAGE, "an order is decided before its message is acked", is_decided_before_the_ack)
        .when_quiescent(NO_LOST_MESSAGE, "every order comes to its end, and everybody hears of it", |seen| {
            let acked = seen.acked("payments");
            each(seen, |order| {
                expect(order.ended.len() == 1 || !acked.iter().any(|id| id.ends_with(order.name)), || {
                    format!("all is done, {} is {:?}, and nobody has heard how it ended", order.name, order.standing)
                })
            })
        })
        .can_finish("every message is handled in the end")
    }

    /// What holds where those who have begun never both come late and fail.
    fn leaves_nothing(self) -> Self {
        self.when_quiescent(NO_GARBAGE, "when all is done, the Bank keeps nothing", |seen| {
            let bank = bank(seen);
            let kept: Vec<&str> = bank.kept().collect();
            expect(kept.is_empty(), || format!("all is done, and the Bank still keeps {}", kept.join(", ")))
        })
        .when_quiescent(NO_GARBAGE, "when all is done, no document names a booking", names_no_booking)
        .can_finish("every message is handled in the end")
    }
}

impl Order {
    fn is_said_to_be(&self, kind: &str) -> bool {
        self.ended.iter().any(|(said, _)| said == kind)
    }
}

fn each(seen: &Seen<'_, Shop>, judge: impl Fn(&Order) -> Result<(), String>) -> Result<(), String> {
    orders(seen).iter().try_for_each(judge)
}

fn is_committed(seen: &Seen<'_, Shop>) -> Result<(), String> {
    let all = orders(seen);
    for order in &all {
        for (kind, balance) in &order.ended {
            let standing = format!("Order{:?}", order.standing);
            expect(*kind == standing, || format!("{kind} was sent, and {} is {:?}", order.name, order.standing))?;
            // In no world is there enough for two orders: what the other one has cost was gone when this one was refused.
            let others: i64 = all.iter().filter(|other| other.name != order.name).map(|o| o.charged * o.cents).sum();
            let said = match order.standing {
                Standing::Cancelled => None,
                Standing::Paid => Some(-order.cents),
                _ => Some(-others),
            };
            expect(*balance == said, || {
                format!("{kind} of {} speaks of the balance {balance:?}; the Bank said {said:?}", order.name)
            })?;
        }
    }
    Ok(())
}

/// Whoever handles each id once hears of every order.
fn has_an_id_of_its_own(seen: &Seen<'_, Shop>) -> Result<(), String> {
    let mut orders = BTreeMap::new();
    for msg in seen.sent("orders").into_iter().filter(|msg| KINDS.contains(&&*msg.kind)) {
        let Ok(Ended { order, .. }) = msg.body() else { continue };
        let id = msg.id.as_str();
        let first = orders.entry(id).or_insert_with(|| order.clone());
        expect(*first == order, || format!("under one id, {id}, the ends of {first} and {order} were announced"))?;
    }
    Ok(())
}

/// A handler may also hand its work on, to one of its own queues; then that message is the one to wait for.
fn is_decided_before_the_ack(seen: &Seen<'_, Shop>) -> Result<(), String> {
    if !seen.sent("payments").is_empty() || !seen.sent("follow-ups").is_empty() {
        return Ok(());
    }
    let acked = seen.acked("payments");
    each(seen, |order| {
        let acked = acked.iter().find(|id| id.ends_with(order.name));
        expect(order.standing != Standing::Open || acked.is_none(), || {
            format!("{} is acked, and {} is open", acked.copied().unwrap_or_default(), order.name)
        })
    })
}

/// Looks for ids of `cx.fresh_id()`, with hyphens or without, that the Bank has ever heard of, in whatever the documents
/// say. One of them may stay for each order.
fn names_no_booking(seen: &Seen<'_, Shop>) -> Result<(), String> {
    let known: BTreeSet<String> = bank(seen).bookings.keys().flat_map(|id| ids(id)).collect();
    let named: BTreeSet<String> = seen.view().docs.pairs().flat_map(|(key, body)| ids(key).chain(ids(body))).collect();
    let left = known.intersection(&named).count();
    expect(left <= ORDERS.iter().filter(|(order, _)| seen.view().standings[order] != Standing::Open).count(), || {
        format!("all is done, and the documents still name {left} bookings; one for each order may stay")
    })
}

/// What looks like an id of `cx.fresh_id()`.
fn ids(text: &str) -> impl Iterator<Item = String> {
    let words =
        text.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-').map(|word| word.replace('-', ""));
    words.filter(|word| word.len() >= 32).map(|word| word[word.len() - 32..].to_owned())
}
