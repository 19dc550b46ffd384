//! Also correct: each event has a document of its own, under the customer and a running number, and only where
//! there is none; the account is worked out by reading all of them
//! Why: two workers meet at the next free number. The words stand in the event, and are taken out of it when they
//! are sent.

use kit::{Cx, Delivery, Docs, Endpoint, Msg, MsgId, Retry, When};
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

/// What one message changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Event {
    id: MsgId,
    points: i64,
    /// Did this one earn the voucher?
    earns: bool,
    /// What is to be said of it, until it is.
    says: Option<Msg>,
}

/// Handles the messages of the queue `points`.
#[derive(Default)]
pub struct Loyalty;

impl Endpoint for Loyalty {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        on_points_changed(cx, delivery.id(), delivery.body()?).await
    }
}

/// Appends what happened, once, and says what was said then, until it is out.
async fn on_points_changed(cx: &Cx, id: &MsgId, change: PointsChanged) -> Result<(), Retry> {
    let PointsChanged { customer: name, points } = change;
    let mut events = Vec::new();
    let mut ours = None;
    while let Some((event, version)) = cx.docs.get::<Event>(&event_key(&name, events.len())).await? {
        if event.id == *id {
            ours = Some((events.len(), event.clone(), version));
            break;
        }
        events.push(event);
    }
    let (at, mut event, version) = match ours {
        Some(ours) => ours,
        None => {
            let Account { points: before, voucher: earned } = account(&events);
            let earns = !earned && before + points >= ENOUGH;
            let says = earns.then(|| voucher(cx, id, &name));
            let event = Event { id: id.clone(), points, earns, says };
            let version = cx.docs.put(&event_key(&name, events.len()), &event, When::Absent).await?;
            (events.len(), event, version)
        }
    };
    if let Some(msg) = event.says.take() {
        cx.bus.send("vouchers", msg).await?;
        cx.docs.put(&event_key(&name, at), &event, When::Is(version)).await?;
    }
    Ok(())
}

/// What these events make of an account.
fn account(events: &[Event]) -> Account {
    Account { points: events.iter().map(|event| event.points).sum(), voucher: events.iter().any(|event| event.earns) }
}

/// The key of a customer's n-th event, from 0.
fn event_key(name: &str, n: usize) -> String {
    format!("{name}/event-{n:06}")
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
    let events: Vec<Event> = docs.list(&format!("{customer}/event-")).into_iter().map(|(_, event)| event).collect();
    account(&events)
}
