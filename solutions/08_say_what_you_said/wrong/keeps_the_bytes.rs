//! Dies by: when all is done, no document holds a code
//! Why: what was said is kept as bytes, for the records. Whoever reads the bytes reads the code.

use std::collections::BTreeMap;

use kit::{Cx, Delivery, Docs, Endpoint, Msg, MsgId, Retry, StoreErr, When};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use tracing::info;

/// Tells Loyalty that a customer's points change. Kind `PointsChanged`, in the queue `points`. Every copy has the same
/// id and the same body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsChanged {
    /// Whose points.
    pub customer: String,
    /// How many more; below zero when something was cancelled.
    pub points: i64,
}

/// Tells the Postroom to print a voucher, and to send it to a customer. Kind `VoucherEarned`, to the queue `vouchers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherEarned {
    /// Who gets it.
    pub customer: String,
    /// What she types in to pay with it: random, so that nobody can guess it.
    pub code: String,
}

/// So many points earn a voucher, when they are reached for the first time.
const ENOUGH: i64 = 100;

/// A customer's document, under her name.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Customer {
    points: i64,
    /// Has she ever earned a voucher?
    voucher: bool,
    said: Vec<u8>,
    /// What became of each message that is in the points. One that says nothing has its place here, too: otherwise its
    /// copies would count, see `each_message_counts_once`.
    slots: BTreeMap<MsgId, Slot>,
}

/// What was said when a message was handled.
#[derive(Debug, Serialize, Deserialize)]
enum Slot {
    /// To be sent, as it stands here.
    Pending(Vec<Msg>),
    /// Sent. The bodies are gone: see `no_code_is_kept`. That the message was handled must stay.
    Dispatched,
}

/// Handles the messages of the queue `points`.
#[derive(Default)]
pub struct Loyalty;

impl Endpoint for Loyalty {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        on_points_changed(cx, delivery.id(), delivery.body()?).await
    }
}

/// Counts the points once, and says what was said then, until it is out.
async fn on_points_changed(cx: &Cx, id: &MsgId, change: PointsChanged) -> Result<(), Retry> {
    let PointsChanged { customer: name, points } = change;
    let (mut customer, mut when) = load(cx, &name).await?;
    if !customer.slots.contains_key(id) {
        customer.points += points;
        let mut out = Vec::new();
        // Asked once, of the account that the change was made to: a later attempt sees another one, see
        // `an_earned_voucher_arrives` and `a_customer_earns_one_voucher`.
        if !customer.voucher && customer.points >= ENOUGH {
            customer.voucher = true;
            out.push(voucher(cx, id, &name));
            customer.said = out[0].body.clone().into_bytes();
        }
        // One put: the change, the mark, and the words. Whatever is sent later was committed here.
        customer.slots.insert(id.clone(), Slot::Pending(out));
        when = When::Is(cx.docs.put(&name, &customer, when).await?);
    }
    // Ours, or those of an attempt that got no further: the same words, see `a_voucher_has_one_code`.
    if let Some(Slot::Pending(out)) = customer.slots.get(id) {
        for msg in out {
            cx.bus.send("vouchers", msg.clone()).await?;
        }
        // Only after the bus has said yes to all of it; and only if nobody has written since. Otherwise the message
        // comes again.
        customer.slots.insert(id.clone(), Slot::Dispatched);
        cx.docs.put(&name, &customer, when).await?;
    }
    Ok(())
}

/// A voucher's message. Its id is made from the incoming one (exercise 07); its code is new on every call, so it is
/// called once for each voucher, and what it returns is kept.
fn voucher(cx: &Cx, incoming: &MsgId, customer: &str) -> Msg {
    let code = format!("{:08x}", cx.rng().next_u32());
    info!("{customer} gets a voucher with the code {code}");
    let earned = VoucherEarned { customer: customer.to_owned(), code };
    Msg::new(derive_id(incoming, "VoucherEarned", 0), "VoucherEarned", &earned)
}

/// Given: the id of the `ordinal`-th message of this kind, from 0, that this endpoint sends because of an incoming one
/// (exercise 07).
fn derive_id(incoming: &MsgId, kind: &str, ordinal: u32) -> MsgId {
    format!("Loyalty/{kind}/{ordinal}/{incoming}").into()
}

/// Given: the customer's document, and the condition that nobody has written it since (optimistic concurrency).
async fn load(cx: &Cx, name: &str) -> Result<(Customer, When), StoreErr> {
    Ok(match cx.docs.get(name).await? {
        Some((customer, version)) => (customer, When::Is(version)),
        None => (Customer::default(), When::Absent),
    })
}

/// What a customer sees of her account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The sum of the points.
    pub points: i64,
    /// Has she earned a voucher? Stays true, even if points are taken away.
    pub voucher: bool,
}

/// Given: a customer's account, from the documents alone. Whoever is not known has no points, and no voucher.
pub fn view(docs: &Docs, customer: &str) -> Account {
    let Customer { points, voucher, .. } = docs.get(customer).unwrap_or_default();
    Account { points, voucher }
}
