//! Also correct: keeps what happened as a list of events, and a cursor to the first that is not sent; a body is
//! taken out when the cursor has passed it
//! Why: the account is worked out from the list, so what happened and what is to be said cannot disagree. Whoever
//! comes, for whichever message, sends what is left.

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

/// A customer's document, under her name: what happened to her.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Customer {
    events: Vec<Event>,
    /// The first event that is not said yet.
    cursor: usize,
}

/// What one message changed.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    id: MsgId,
    points: i64,
    /// Did this one earn the voucher?
    earns: bool,
    /// What is to be said of it, until it is.
    says: Option<Msg>,
}

impl Customer {
    fn account(&self) -> Account {
        Account {
            points: self.events.iter().map(|event| event.points).sum(),
            voucher: self.events.iter().any(|event| event.earns),
        }
    }
}

/// Handles the messages of the queue `points`.
#[derive(Default)]
pub struct Loyalty;

impl Endpoint for Loyalty {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        on_points_changed(cx, delivery.id(), delivery.body()?).await
    }
}

/// Appends what happened, once, and says everything that is not said yet.
async fn on_points_changed(cx: &Cx, id: &MsgId, change: PointsChanged) -> Result<(), Retry> {
    let PointsChanged { customer: name, points } = change;
    let (mut customer, mut when) = load(cx, &name).await?;
    if !customer.events.iter().any(|event| event.id == *id) {
        let Account { points: before, voucher: earned } = customer.account();
        let earns = !earned && before + points >= ENOUGH;
        let says = earns.then(|| voucher(cx, id, &name));
        customer.events.push(Event { id: id.clone(), points, earns, says });
        when = When::Is(cx.docs.put(&name, &customer, when).await?);
    }
    if customer.cursor == customer.events.len() {
        return Ok(());
    }
    for event in &mut customer.events[customer.cursor..] {
        if let Some(msg) = event.says.take() {
            cx.bus.send("vouchers", msg).await?;
        }
    }
    customer.cursor = customer.events.len();
    cx.docs.put(&name, &customer, when).await?;
    Ok(())
}

/// A voucher's message, with a new code.
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
    docs.get::<Customer>(customer).unwrap_or_default().account()
}
