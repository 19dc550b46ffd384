//! Dies by: a voucher has one code
//! Why: the voucher's id is made from the customer, so that there is only one, whichever message earns it. The
//! code is stored nowhere: an attempt that comes later draws another one, under that id.

use std::collections::BTreeSet;

use kit::{Cx, Delivery, Docs, Endpoint, Msg, MsgId, Retry, StoreErr, When};
use rand::RngCore;
use serde::{Deserialize, Serialize};

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
    /// The messages that are in the points.
    processed: BTreeSet<MsgId>,
}

/// Handles the messages of the queue `points`.
#[derive(Default)]
pub struct Loyalty;

impl Endpoint for Loyalty {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        on_points_changed(cx, delivery.id(), delivery.body()?).await
    }
}

/// Counts the points once. Says so on every delivery: a duplicate may be what is left of a first try that got no
/// further (exercise 07).
async fn on_points_changed(cx: &Cx, id: &MsgId, change: PointsChanged) -> Result<(), Retry> {
    let PointsChanged { customer: name, points } = change;
    let (mut customer, when) = load(cx, &name).await?;
    if customer.processed.insert(id.clone()) {
        customer.points += points;
        customer.voucher |= customer.points >= ENOUGH;
        cx.docs.put(&name, &customer, when).await?;
    }
    if customer.voucher {
        cx.bus.send("vouchers", voucher(cx, &name)).await?;
    }
    Ok(())
}

/// A voucher's message: one id for each customer, and a new code.
fn voucher(cx: &Cx, customer: &str) -> Msg {
    let code = format!("{:08x}", cx.rng().next_u32());
    let earned = VoucherEarned { customer: customer.to_owned(), code };
    Msg::new(format!("voucher-of-{customer}"), "VoucherEarned", &earned)
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
