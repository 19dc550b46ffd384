//! What Loyalty may rely on that totals what Payments books and cancels.
//!
//! The messages are in the queue `payments` from the beginning. Where Loyalty is in the world, it is written here, in
//! the way of exercise 05: one document for each event's id, so an event that comes again counts once. Where it is not,
//! its queue keeps nothing, and that an event was sent is a fact.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use kit::{Docs, StoreErr, When};
use remember_what_you_did::{Payments, view};
use serde::{Deserialize, Serialize};
use story::{
    CONSISTENT_OUTPUT, Client, Cx, Delivery, Endpoint, Event, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING,
    NO_GHOST_MESSAGE, NO_LOST_MESSAGE, Retry, Scenario, Seen, Size, Story, expect,
};

/// The queue holds a copy too many; the lock on a message runs out while its worker lives; an ack gets lost; a node
/// dies between any two operations; the bus and the store refuse, or do not say what became of it; the store claims a
/// conflict that is none; a weak read is behind.
const WHAT_FAILS: &[Fault] = &[
    Fault::Duplicate,
    Fault::LockExpired,
    Fault::AckLost,
    Fault::Crash,
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::WriteUnknown,
    Fault::WriteRefused,
    Fault::ReadRefused,
    Fault::SpuriousConflict,
    Fault::StaleRead,
];

/// With two clients, a month may pass.
const PAYMENTS_ALONE: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.copies(2),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).clients(2),
    Size::ONE.clients(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).clients(2),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(2),
    Size::ONE.faults(3),
    Size::ONE.copies(2).workers(2).faults(3),
    Size::ONE.messages(2).copies(2).workers(2).faults(2),
    Size::ONE.messages(3).workers(2).faults(1),
];
const THREE_MESSAGES: &[Size] = &[
    Size::ONE.messages(3),
    Size::ONE.messages(3).faults(1),
    Size::ONE.messages(3).copies(2),
    Size::ONE.messages(3).workers(2).faults(1),
    Size::ONE.messages(3).copies(2).workers(2),
];
const TWO_MESSAGES: &[Size] = &[
    Size::ONE.messages(2),
    Size::ONE.messages(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.messages(2).copies(2).workers(2),
    Size::ONE.messages(2).copies(2).workers(2).faults(1),
];
const WITH_LOYALTY: &[Size] = &[
    Size::ONE.faults(1),
    Size::ONE.messages(2),
    Size::ONE.workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(1),
    Size::ONE.messages(2).workers(2).faults(1),
    Size::ONE.copies(2).workers(2).faults(2),
];

/// What one message changes.
#[derive(Debug)]
struct Change {
    /// The message's id.
    id: &'static str,
    order: &'static str,
    /// In euros; below zero, it is a `Cancel`.
    euros: i64,
}

const ORDER: &str = "order-1";
/// Its name begins like that of the first.
const OTHER_ORDER: &str = "order-10";

/// Whichever of them are in a balance, it tells which: each choice has another sum. One id begins like
/// another, and is another.
const A_BOOKING_FIRST: &[Change] = &[
    Change { id: "m1", order: ORDER, euros: 50 },
    Change { id: "m10", order: ORDER, euros: -20 },
    Change { id: "m2", order: ORDER, euros: 7 },
];
/// The same, and where there is only one of them, it is the cancellation.
const A_CANCELLATION_FIRST: &[Change] = &[
    Change { id: "m1", order: ORDER, euros: -20 },
    Change { id: "m10", order: ORDER, euros: 50 },
    Change { id: "m2", order: ORDER, euros: 7 },
];
/// The first and the last say the same, and are two.
const EQUAL_BOOKINGS: &[Change] = &[
    Change { id: "m1", order: ORDER, euros: 50 },
    Change { id: "m2", order: ORDER, euros: -50 },
    Change { id: "m3", order: ORDER, euros: 50 },
];
const TWO_ORDERS: &[Change] =
    &[Change { id: "m1", order: ORDER, euros: 50 }, Change { id: "m2", order: OTHER_ORDER, euros: 50 }];

/// Whatever fails, Loyalty hears of every change, and of no change that is not in the balance. It recognises an event by
/// its id: so one event has one id, whoever sends it, how often, and when; and no other event has that id.
#[test]
fn loyalty_hears_of_every_change() {
    const CHANGES: &[Change] = A_BOOKING_FIRST;
    let mut story = Story::new("Loyalty hears of every change")
        .worlds(PAYMENTS_ALONE, |size| {
            let world = payments_for_a_month(CHANGES, size);
            // First, nodes die, and nothing else goes wrong.
            if size == Size::ONE.faults(1) { world.faults(Faults::upto(1).only(&[Fault::Crash])) } else { world }
        })
        .view(books)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect);
    for fault in [Fault::SendRefused, Fault::SendUnknown, Fault::WriteUnknown, Fault::AckLost, Fault::LockExpired] {
        story = story.sometimes(Event::Struck(fault));
    }
    story
        .always(NO_GHOST_MESSAGE, "Loyalty hears of changes that are in the balance, and of no others", |seen| {
            no_ghosts(CHANGES, seen)
        })
        .always(CONSISTENT_OUTPUT, "each event has one id, and each id one event", |seen| one_id_each(CHANGES, seen))
        .when_quiescent(NO_LOST_MESSAGE, "every change reaches Loyalty in the end", |seen| {
            all_are_heard_of(CHANGES, seen)
        })
        .can_finish("every message is handled in the end")
        .check();
}

/// However often a message comes, and even a month later: it is in the balance once. A cancellation may
/// come before its booking.
#[test]
fn each_message_counts_once() {
    const CHANGES: &[Change] = A_CANCELLATION_FIRST;
    Story::new("each message counts once")
        .worlds(PAYMENTS_ALONE, |size| payments_for_a_month(CHANGES, size))
        .view(books)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .sometimes(Event::SameMessageTwice)
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .sometimes(Event::Struck(Fault::LockExpired))
        .always(NO_DUPLICATE_PROCESSING, "each message is in the balance at most once", |seen| {
            counted_once(CHANGES, seen)
        })
        .when_quiescent(NO_LOST_MESSAGE, "every message is in the balance in the end", |seen| {
            all_are_booked(CHANGES, seen)
        })
        .can_finish("every message is handled in the end")
        .check();
}

/// An order is booked, cancelled, and booked again. The last message says exactly what the first one said, and counts.
#[test]
fn equal_messages_are_not_the_same_message() {
    const CHANGES: &[Change] = EQUAL_BOOKINGS;
    Story::new("equal messages are not the same message")
        .worlds(THREE_MESSAGES, |size| payments(CHANGES, size))
        .view(books)
        .sometimes(Event::Redelivered)
        .sometimes(Event::Concurrent)
        .always(CONSISTENT_OUTPUT, "equal events of different messages have different ids, one each", |seen| {
            one_id_each(CHANGES, seen)
        })
        .when_quiescent(NO_LOST_MESSAGE, "equal messages count, each of them", |seen| {
            all_are_booked(CHANGES, seen)?;
            all_are_heard_of(CHANGES, seen)
        })
        .can_finish("every message is handled in the end")
        .check();
}

/// The neighbour's order costs the same. What is booked for one is not booked for the other, and Loyalty can tell.
#[test]
fn two_orders_are_two_orders() {
    const CHANGES: &[Change] = TWO_ORDERS;
    Story::new("two orders are two orders")
        .worlds(TWO_MESSAGES, |size| payments(CHANGES, size))
        .view(|docs| [ORDER, OTHER_ORDER].map(|order| view(docs, order)))
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .always(NO_DUPLICATE_PROCESSING, "what is booked for an order is its own message", |seen| {
            for (order, balance) in [ORDER, OTHER_ORDER].iter().zip(seen.view()) {
                expect([0, 50].contains(balance), || {
                    format!("the balance of {order} is {balance}, after one Book 50")
                })?;
            }
            Ok(())
        })
        .always(NO_GHOST_MESSAGE, "Loyalty hears of an order only what is booked for it", |seen| {
            for said in heard(seen)? {
                let at = [ORDER, OTHER_ORDER].iter().position(|order| *order == said.order);
                let balance = at.map_or(0, |at| seen.view()[at]);
                expect(balance == said.number, || {
                    format!("Loyalty heard {said}, but the balance of {} is {balance}", said.order)
                })?;
            }
            Ok(())
        })
        .always(CONSISTENT_OUTPUT, "the events of two orders have ids of their own", |seen| one_id_each(CHANGES, seen))
        .when_quiescent(NO_LOST_MESSAGE, "both orders are booked, and Loyalty hears of both", |seen| {
            expect(*seen.view() == [50, 50], || format!("the balances are {:?}, after one Book 50 each", seen.view()))?;
            all_are_heard_of(CHANGES, seen)
        })
        .can_finish("every message is handled in the end")
        .check();
}

/// Payments and Loyalty in one world. Whatever fails, on either side: the totals are those of all messages, each once.
#[test]
fn loyalty_totals_what_was_paid() {
    const CHANGES: &[Change] = A_BOOKING_FIRST;
    Story::new("Loyalty totals what was paid")
        .worlds(WITH_LOYALTY, |size| payments(CHANGES, size).endpoint::<Loyalty>("Loyalty", "loyalty", 1))
        .view(books)
        .sometimes(Event::Concurrent)
        .sometimes(Event::Redelivered)
        .sometimes(Event::Struck(Fault::SendUnknown))
        .sometimes(Event::Struck(Fault::WriteUnknown))
        .when_quiescent(NO_LOST_MESSAGE, "the balance and both totals are right in the end", |seen| {
            all_are_booked(CHANGES, seen)?;
            totals_are_right(CHANGES, seen)
        })
        .as_if_serial("the balance and both totals are as if all was done one after the other", |seen| {
            let Books { balance, paid, points } = seen.view();
            [*balance, *paid, *points]
        })
        .can_finish("every message is handled in the end, and so is every event")
        .check();
}

// The worlds.

/// As many of these messages as the size says, each in so many copies, and the workers that handle them.
fn payments(changes: &[Change], size: Size) -> Scenario {
    let world = Scenario::new().faults(Faults::upto(size.faults).only(WHAT_FAILS)).endpoint::<Payments>(
        "Payments",
        "payments",
        size.workers,
    );
    changes
        .iter()
        .take(size.messages.into())
        .fold(world, |world, change| world.message("payments", change.message(), size.copies))
}

/// The same; with two clients, a month passes, once, at any moment.
fn payments_for_a_month(changes: &[Change], size: Size) -> Scenario {
    let world = payments(changes, size);
    if size.clients == 1 {
        return world;
    }
    world.client(Client::new("a month", "Clock").calls("passes", |cx: Cx| async move {
        cx.sleep(Duration::from_secs(31 * 24 * 3600)).await;
        Ok::<(), Infallible>(())
    }))
}

/// The body of a message to Payments.
#[derive(Serialize)]
struct Body {
    order: &'static str,
    amount: i64,
}

impl Change {
    fn kind(&self) -> &'static str {
        if self.euros < 0 { "Cancel" } else { "Book" }
    }

    fn message(&self) -> Msg {
        Msg::new(self.id, self.kind(), &Body { order: self.order, amount: self.euros.abs() })
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} {})", self.id, self.kind(), self.euros.abs())
    }
}

/// The next service: it totals what it hears, each event once.
#[derive(Default)]
struct Loyalty;

impl Endpoint for Loyalty {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let Some(said) = Said::by(&delivery.msg)? else { return Ok(()) };
        match cx.docs.put(&format!("{LOYALTY}{}", delivery.id()), &said, When::Absent).await {
            Ok(_) | Err(StoreErr::Conflict) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}

/// What the keys of Loyalty's documents begin with; one document for each event.
const LOYALTY: &str = "loyalty/";

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Said {
    kind: String,
    order: String,
    /// Euros or points.
    number: i64,
}

impl Said {
    /// What this message says; `None` if it is no event that Loyalty knows.
    fn by(msg: &Msg) -> Result<Option<Said>, Retry> {
        #[derive(Deserialize)]
        struct PaymentChanged {
            order: String,
            amount: i64,
        }
        #[derive(Deserialize)]
        struct PointsChanged {
            order: String,
            points: i64,
        }
        let (order, number) = match msg.kind.as_str() {
            PAYMENT => msg.body().map(|PaymentChanged { order, amount }| (order, amount))?,
            POINTS => msg.body().map(|PointsChanged { order, points }| (order, points))?,
            _ => return Ok(None),
        };
        Ok(Some(Said { kind: msg.kind.clone(), order, number }))
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} of {}", self.kind, self.number, self.order)
    }
}

const PAYMENT: &str = "PaymentChanged";
const POINTS: &str = "PointsChanged";

// What must hold.

/// What the documents show of `ORDER`: Payments' by the view, and Loyalty's own.
struct Books {
    balance: i64,
    paid: i64,
    points: i64,
}

fn books(docs: &Docs) -> Books {
    let events: Vec<(String, Said)> = docs.list(LOYALTY);
    let total = |kind: &str| events.iter().filter(|(_, said)| said.kind == kind).map(|(_, said)| said.number).sum();
    Books { balance: view(docs, ORDER), paid: total(PAYMENT), points: total(POINTS) }
}

/// The messages of this world that were handled: in the end, all of them.
fn handled<'a, V>(changes: &'a [Change], seen: &Seen<'_, V>) -> Vec<&'a Change> {
    let acked = seen.acked("payments");
    changes.iter().filter(|change| acked.contains(&change.id)).collect()
}

fn sum(changes: &[&Change]) -> i64 {
    changes.iter().map(|change| change.euros).sum()
}

fn list(changes: &[&Change]) -> String {
    changes.iter().map(|change| change.to_string()).collect::<Vec<_>>().join(", ")
}

fn all_are_booked(changes: &[Change], seen: &Seen<'_, Books>) -> Result<(), String> {
    let (handled, balance) = (handled(changes, seen), seen.view().balance);
    expect(balance == sum(&handled), || format!("the balance is {balance} after {}", list(&handled)))
}

fn all_are_heard_of<V>(changes: &[Change], seen: &Seen<'_, V>) -> Result<(), String> {
    let (handled, ids) = (handled(changes, seen), ids_of(seen)?);
    for said in handled.iter().flat_map(|change| change.events()) {
        let sent = ids.get(&said).map_or(0, BTreeSet::len);
        let equal = handled.iter().filter(|change| change.events().contains(&said)).count();
        expect(sent > 0, || format!("Loyalty never heard {said}, after {}", list(&handled)))?;
        expect(sent >= equal, || {
            format!("Loyalty heard {said} under {sent} id, but {equal} messages say that: {}", list(&handled))
        })?;
    }
    Ok(())
}

fn totals_are_right(changes: &[Change], seen: &Seen<'_, Books>) -> Result<(), String> {
    let (handled, books) = (handled(changes, seen), seen.view());
    let total = sum(&handled);
    expect(books.paid == total && books.points == total, || {
        format!("Loyalty's totals are {} euros and {} points, after {}", books.paid, books.points, list(&handled))
    })
}

/// Every choice of messages that makes this balance.
fn choices(changes: &[Change], balance: i64) -> Vec<Vec<&Change>> {
    (0..1_usize << changes.len())
        .map(|choice| {
            changes.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1).map(|(_, change)| change).collect()
        })
        .filter(|chosen: &Vec<&Change>| sum(chosen) == balance)
        .collect()
}

fn counted_once(changes: &[Change], seen: &Seen<'_, Books>) -> Result<(), String> {
    let balance = seen.view().balance;
    expect(!choices(changes, balance).is_empty(), || {
        let all: Vec<&Change> = changes.iter().collect();
        format!("the balance is {balance}: no choice of {}, each once, makes that", list(&all))
    })
}

fn no_ghosts(changes: &[Change], seen: &Seen<'_, Books>) -> Result<(), String> {
    let balance = seen.view().balance;
    let choices = choices(changes, balance);
    for said in heard(seen)? {
        // Where no choice makes the balance, nobody can say what is in it: that is for `each_message_counts_once`.
        let booked = choices.is_empty() || choices.iter().flatten().any(|change| change.events().contains(&said));
        expect(booked, || format!("Loyalty heard {said}; the balance is {balance}, and no message in it says that"))?;
    }
    Ok(())
}

fn one_id_each<V>(changes: &[Change], seen: &Seen<'_, V>) -> Result<(), String> {
    let mut by_id = BTreeMap::new();
    for msg in events(seen) {
        let first: &&Msg = by_id.entry(&msg.id).or_insert(msg);
        expect((&first.kind, &first.body) == (&msg.kind, &msg.body), || {
            format!(
                "under the id {}, Loyalty heard {} {}, and {} {}",
                msg.id, first.kind, first.body, msg.kind, msg.body
            )
        })?;
    }
    for (said, ids) in ids_of(seen)? {
        let equal = changes.iter().filter(|change| change.events().contains(&said)).count();
        expect(ids.len() <= equal, || {
            let ids: Vec<&str> = ids.iter().copied().collect();
            format!("Loyalty heard {said} under {} ids: {}", ids.len(), ids.join(", "))
        })?;
    }
    Ok(())
}

impl Change {
    /// What Loyalty must hear of it.
    fn events(&self) -> [Said; 2] {
        [PAYMENT, POINTS].map(|kind| Said { kind: kind.into(), order: self.order.into(), number: self.euros })
    }
}

/// The events that Loyalty was sent, each distinct one once.
fn events<'a, V>(seen: &Seen<'a, V>) -> Vec<&'a Msg> {
    seen.sent("loyalty").into_iter().filter(|msg| [PAYMENT, POINTS].contains(&msg.kind.as_str())).collect()
}

/// What Loyalty heard.
fn heard<V>(seen: &Seen<'_, V>) -> Result<Vec<Said>, String> {
    Ok(ids_of(seen)?.into_keys().collect())
}

/// What Loyalty heard, and under which ids.
fn ids_of<'a, V>(seen: &Seen<'a, V>) -> Result<BTreeMap<Said, BTreeSet<&'a str>>, String> {
    let mut ids = BTreeMap::new();
    for msg in events(seen) {
        if let Some(said) = Said::by(msg).map_err(|error| error.to_string())? {
            ids.entry(said).or_insert_with(BTreeSet::new).insert(msg.id.as_str());
        }
    }
    Ok(ids)
}
