//! Dies by: every change reaches Loyalty in the end
//! Why: "whoever came before the last one is done, or the last one would not have come". The messages do not wait
//! for each other: the first try died, another message was booked, and then the first one came again.

use std::collections::BTreeSet;

use kit::{Cx, Delivery, Docs, Endpoint, Msg, MsgId, Retry, StoreErr, Uuid, When};
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
    /// The ids of the messages that are in the balance. In the same document, so that one `put` writes both.
    processed: BTreeSet<String>,
    last: String,
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
    // Its id says whether it is the same message again. What it says does not, and neither does the balance: see
    // `equal_messages_are_not_the_same_message`.
    if ledger.processed.insert(incoming.to_string()) {
        ledger.balance += amount;
        ledger.last = incoming.to_string();
        // Any error gives the message back: what was loaded is old, or nobody knows. The next try finds out.
        cx.docs.put(order, &ledger, when).await?;
    } else if ledger.last != incoming.as_str() {
        return Ok(());
    } else {
        info!("{incoming} is in the ledger of {order} already");
    }
    // For a repetition, too: the first try may have died here. See `loyalty_hears_of_every_change`.
    publish(cx, incoming, order, amount).await
}

/// Tells Loyalty of a change. Everything here depends on the incoming message alone, so every try says the same.
async fn publish(cx: &Cx, incoming: &MsgId, order: &str, amount: i64) -> Result<(), Retry> {
    let payment = PaymentChanged { order: order.to_owned(), amount };
    let id = derive_id(incoming, "PaymentChanged", 0);
    cx.bus.send("loyalty", Msg::new(id, "PaymentChanged", &payment)).await?;
    let points = PointsChanged { order: order.to_owned(), points: amount };
    let id = derive_id(incoming, "PointsChanged", 0);
    cx.bus.send("loyalty", Msg::new(id, "PointsChanged", &points)).await?;
    Ok(())
}

/// Any will do, as long as it is always the same one.
const NAMESPACE: Uuid = Uuid::from_u128(0x4e9d_6a0c_58b1_4f37_9c02_d37b_61f8_a5e4);

/// The id of the `ordinal`-th event of this kind, from 0, that this endpoint publishes because of an incoming message.
/// Every try finds the same one, and no other event has it: see `loyalty_hears_of_every_change`.
fn derive_id(incoming: &MsgId, kind: &str, ordinal: u32) -> Uuid {
    // The incoming id may hold any text, so it comes last: no two events make the same name.
    let name = format!("Payments/{kind}/{ordinal}/{incoming}");
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
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
