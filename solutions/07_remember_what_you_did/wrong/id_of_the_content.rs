//! Dies by: equal messages count, each of them
//! Why: what an event says is its name: the kind, the order and the amount. The order is booked, cancelled, and
//! booked again; the second booking says what the first one said, and Loyalty drops it as a repetition.

use std::collections::BTreeSet;

use kit::{Cx, Delivery, Docs, Endpoint, Msg, MsgId, Retry, StoreErr, Uuid, When};
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

/// What was booked for an order, and not cancelled, and the ids of the messages that are in it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    balance: i64,
    processed: BTreeSet<String>,
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
    if ledger.processed.insert(incoming.to_string()) {
        ledger.balance += amount;
        cx.docs.put(order, &ledger, when).await?;
    }
    publish(cx, order, amount).await
}

/// Tells Loyalty of a change.
async fn publish(cx: &Cx, order: &str, amount: i64) -> Result<(), Retry> {
    let payment = PaymentChanged { order: order.to_owned(), amount };
    cx.bus.send("loyalty", Msg::new(derive_id("PaymentChanged", order, amount), "PaymentChanged", &payment)).await?;
    let points = PointsChanged { order: order.to_owned(), points: amount };
    cx.bus.send("loyalty", Msg::new(derive_id("PointsChanged", order, amount), "PointsChanged", &points)).await?;
    Ok(())
}

const NAMESPACE: Uuid = Uuid::from_u128(0x4e9d_6a0c_58b1_4f37_9c02_d37b_61f8_a5e4);

/// The id of an event, by what it says.
fn derive_id(kind: &str, order: &str, amount: i64) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("Payments/{kind}/{order}/{amount}").as_bytes())
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
