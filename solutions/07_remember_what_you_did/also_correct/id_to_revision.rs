//! Also correct: a map from the id to the ledger's revision, which also numbers the events
//! Why: the number of a repetition is looked up, not counted: so the events keep their names.

use std::collections::BTreeMap;

use kit::{Cx, Delivery, Docs, Endpoint, Msg, MsgId, Retry, StoreErr, When};
use serde::{Deserialize, Serialize};

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

/// What was booked for an order, and not cancelled, and which message made which revision of it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    balance: i64,
    revisions: BTreeMap<String, u64>,
}

/// Handles the messages of the queue `payments`.
#[derive(Default)]
pub struct Payments;

impl Endpoint for Payments {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        match delivery.msg.kind.as_str() {
            "Book" => {
                let Book { order, amount } = delivery.body()?;
                change(cx, delivery.id(), &order, amount).await
            }
            "Cancel" => {
                let Cancel { order, amount } = delivery.body()?;
                change(cx, delivery.id(), &order, -amount).await
            }
            other => Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
    }
}

/// Changes an order's balance, and tells Loyalty.
async fn change(cx: &Cx, incoming: &MsgId, order: &str, amount: i64) -> Result<(), Retry> {
    let (mut ledger, when) = load(cx, order).await?;
    let revision = match ledger.revisions.get(&**incoming) {
        Some(revision) => *revision,
        None => {
            let next = ledger.revisions.len() as u64 + 1;
            ledger.revisions.insert(incoming.to_string(), next);
            ledger.balance += amount;
            cx.docs.put(order, &ledger, when).await?;
            next
        }
    };
    publish(cx, revision, order, amount).await
}

/// Tells Loyalty of a change.
async fn publish(cx: &Cx, revision: u64, order: &str, amount: i64) -> Result<(), Retry> {
    let payment = PaymentChanged { order: order.to_owned(), amount };
    cx.bus.send("loyalty", Msg::new(format!("payment/{order}/{revision}"), "PaymentChanged", &payment)).await?;
    let points = PointsChanged { order: order.to_owned(), points: amount };
    cx.bus.send("loyalty", Msg::new(format!("points/{order}/{revision}"), "PointsChanged", &points)).await?;
    Ok(())
}

/// The ledger of an order, and the condition that nobody has written it since (optimistic concurrency).
async fn load(cx: &Cx, order: &str) -> Result<(Ledger, When), StoreErr> {
    Ok(match cx.docs.get(order).await? {
        Some((ledger, version)) => (ledger, When::Is(version)),
        None => (Ledger::default(), When::Absent),
    })
}

/// The balance of an order in euros, from the documents alone.
pub fn view(docs: &Docs, order: &str) -> i64 {
    let ledger: Ledger = docs.get(order).unwrap_or_default();
    ledger.balance
}
