//! Dies by: each message counts once
//! Why: the view adds up all documents whose key begins with the customer's name. Adam's name begins with Ada's.

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
    let (mut customer, mut when) = load(cx, &format!("{name}/account")).await?;
    let account_key = format!("{name}/account");
    if !customer.slots.contains_key(id) {
        customer.points += points;
        let mut out = Vec::new();
        if !customer.voucher && customer.points >= ENOUGH {
            customer.voucher = true;
            out.push(voucher(cx, id, &name));
        }
        customer.slots.insert(id.clone(), Slot::Pending(out));
        when = When::Is(cx.docs.put(&account_key, &customer, when).await?);
    }
    if let Some(Slot::Pending(out)) = customer.slots.get(id) {
        for msg in out {
            cx.bus.send("vouchers", msg.clone()).await?;
        }
        customer.slots.insert(id.clone(), Slot::Dispatched);
        cx.docs.put(&account_key, &customer, when).await?;
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
    let all: Vec<(String, Customer)> = docs.list(customer);
    Account { points: all.iter().map(|(_, c)| c.points).sum(), voucher: all.iter().any(|(_, c)| c.voucher) }
}
