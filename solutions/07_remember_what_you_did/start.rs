//! Exercise 07 · Remember what you did
//!
//! Lecture  lectures/07_message_identity.md
//! Spec     none: the whole algorithm is on this screen
//! Run      cargo test -p exercise-07
//! Hint     cargo workshop hint 07
//!
//! Payments books and cancels amounts, and tells Loyalty of each change. The starting point recognises a repetition by
//! the balance: an order that is booked already is not booked again. That looks idempotent. But when the node dies
//! between the change and the events, the next try finds nothing left to do, and the story ends in
//!
//!     violated  when quiescent "every change reaches Loyalty in the end"
//!
//! Your task: let the ledger remember which messages are in it, in the same `put` that changes the balance. Name each
//! event after the message that causes it, so that every try gives it the same id. Publish for a repetition, too.
//!
//! Source: RFC 9562, "Universally Unique IDentifiers (UUIDs)", section 5.5, on ids that are made of a name.

use kit::{Cx, Delivery, Docs, Endpoint, Msg, Retry, StoreErr, When};
use serde::{Deserialize, Serialize};
use tracing::info;

/// Tells Payments to book an amount for an order. Kind `Book`, in the queue `payments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Which order.
    pub order: String,
    /// How much, in euros; above zero.
    pub amount: i64,
}

/// Tells Payments to take an amount back. Kind `Cancel`, in the queue `payments`. It may come before its `Book`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// Which order.
    pub order: String,
    /// How much, in euros; above zero.
    pub amount: i64,
}

/// Tells Loyalty that more or less was paid. Kind `PaymentChanged`, to the queue `loyalty`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentChanged {
    /// For which order.
    pub order: String,
    /// How much more, in euros; below zero after a `Cancel`.
    pub amount: i64,
}

/// Tells Loyalty that points were earned or lost. Kind `PointsChanged`, to the queue `loyalty`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsChanged {
    /// With which order.
    pub order: String,
    /// How many more, one for each euro; below zero after a `Cancel`.
    pub points: i64,
}

/// What was booked for an order, and not cancelled: the document under the order's name.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    /// In euros.
    balance: i64,
}

/// Handles the messages of the queue `payments`.
#[derive(Default)]
pub struct Payments;

impl Endpoint for Payments {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        match delivery.msg.kind.as_str() {
            "Book" => {
                let Book { order, amount } = delivery.body()?;
                change(cx, &order, amount).await
            }
            "Cancel" => {
                let Cancel { order, amount } = delivery.body()?;
                change(cx, &order, -amount).await
            }
            other => Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
    }
}

/// Changes an order's balance, and tells Loyalty.
async fn change(cx: &Cx, order: &str, amount: i64) -> Result<(), Retry> {
    let (mut ledger, when) = load(cx, order).await?;
    // TODO(07): is that the same message again, or another one? And was the first try done with it?
    if (amount > 0) == (ledger.balance > 0) {
        info!("{order} is booked, or cancelled, already");
        return Ok(());
    }
    ledger.balance += amount;
    cx.docs.put(order, &ledger, when).await?;
    publish(cx, order, amount).await
}

/// Tells Loyalty of a change.
async fn publish(cx: &Cx, order: &str, amount: i64) -> Result<(), Retry> {
    // TODO(07): under which ids would Loyalty recognise these events, if another try sent them again?
    let payment = PaymentChanged { order: order.to_owned(), amount };
    cx.bus.send("loyalty", Msg::new(cx.fresh_id(), "PaymentChanged", &payment)).await?;
    let points = PointsChanged { order: order.to_owned(), points: amount };
    cx.bus.send("loyalty", Msg::new(cx.fresh_id(), "PointsChanged", &points)).await?;
    Ok(())
}

/// The ledger of an order, and the condition that nobody has written it since (optimistic concurrency).
async fn load(cx: &Cx, order: &str) -> Result<(Ledger, When), StoreErr> {
    Ok(match cx.docs.get(order).await? {
        Some((ledger, version)) => (ledger, When::Is(version)),
        None => (Ledger::default(), When::Absent),
    })
}

/// The balance of an order in euros, from the documents alone: what was booked, less what was cancelled.
pub fn view(docs: &Docs, order: &str) -> i64 {
    let ledger: Ledger = docs.get(order).unwrap_or_default();
    ledger.balance
}
