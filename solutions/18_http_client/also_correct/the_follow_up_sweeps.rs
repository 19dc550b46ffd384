//! Also correct: Payments sweeps what is cancelled, and the follow-up sweeps what is paid or declined
//! Why: below a decision nobody registers any more, and each decision to pay has a follow-up.

use kit::{Cx, Delivery, Docs, Endpoint, Msg, Response, Retry, SendErr, StoreErr, When};
use serde::{Deserialize, Serialize};
use tracing::info;

/// Asks Payments to charge an order. Kind `PayOrder`, in the queue `payments`; one message for each order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayOrder {
    /// Which order.
    pub order: String,
    /// Whose account at the Bank pays.
    pub account: String,
    /// How much.
    pub cents: i64,
}

/// Asks Payments to charge an order no more, if it is not too late. Kind `CancelOrder`, in the queue `payments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    /// Which order.
    pub order: String,
}

/// Tells the world how it ended. Kind `OrderPaid`, `OrderDeclined` or `OrderCancelled`, in the queue `orders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Which order.
    pub order: String,
    /// What is left in the account, as the Bank said; nothing if the Bank was never asked.
    pub balance: Option<i64>,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Nobody has decided anything.
    #[default]
    Open,
    /// It was cancelled before it was decided to pay, and is never charged.
    Cancelled,
    /// It is decided to pay, and too late to cancel; what the Bank says is not known.
    Calling,
    /// The Bank has charged it.
    Paid,
    /// The Bank has refused, for lack of money.
    Declined,
}

/// Handles the messages of the queue `payments`.
#[derive(Default)]
pub struct Payments;

/// Handles the messages of the queue `follow-ups`.
#[derive(Default)]
pub struct FollowUps;

/// Tells Payments itself that the Bank has answered. Kind `FollowUp`, in the queue `follow-ups`.
#[derive(Serialize, Deserialize)]
struct FollowUp {
    order: String,
}

/// An order, under its key.
#[derive(Default, Serialize, Deserialize)]
struct Doc {
    standing: Standing,
    /// What the Bank said is left in the account.
    balance: Option<i64>,
    /// Written down before they were made. None of them counts; any of them may be there.
    registered: Vec<Effect>,
    /// The effect of the attempt that committed, as long as the Bank keeps it.
    winner: Option<Effect>,
}

/// What an attempt makes outside of the documents: here, a booking that waits at the Bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Effect {
    url: String,
}

impl Endpoint for Payments {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        if delivery.msg.kind == "CancelOrder" {
            return cancel(cx, &delivery.body()?).await;
        }
        let PayOrder { order, account, cents } = delivery.body()?;
        let (mut doc, mut when) = load(cx, &order).await?;
        if doc.standing == Standing::Open {
            let booking = Booking { account, cents: -cents };
            let (effect, registered) = call_remote(cx, &order, &mut doc, when, &booking).await?;
            // The decision. It holds only if nobody has registered, cancelled or decided since: see
            // `a_cancelled_order_is_not_charged`.
            doc.registered.retain(|other| *other != effect);
            (doc.standing, doc.winner) = (Standing::Calling, Some(effect.clone()));
            when = match commit(cx, &order, &doc, registered).await {
                // This attempt can decide no more, and whoever swept may have done so before the PUT: a real Bank forgets
                // some time what was deleted. `Unknown` is something else: this may be the decision.
                Err(error) if error.is_definite() => {
                    effect.abort(cx).await?;
                    return Err(error.into());
                }
                committed => committed?,
            };
        }
        if let (Standing::Calling, Some(winner)) = (doc.standing, &doc.winner) {
            winner.publish(cx, &order).await?;
        }
        // Every delivery sweeps, also one that comes to a cancelled order. After the ack, nobody comes any more.
        if doc.standing == Standing::Cancelled { clean(cx, &order, doc, when).await } else { Ok(()) }
    }
}

/// Asks the Bank to keep a booking, under a url that is this attempt's alone, written down in the order before. Nothing
/// is run. Returns the condition that nobody has written the order since.
async fn call_remote(
    cx: &Cx,
    order: &str,
    doc: &mut Doc,
    when: When,
    booking: &Booking,
) -> Result<(Effect, When), Retry> {
    let effect = Effect { url: format!("http://bank/bookings/{}", cx.fresh_id().simple()) };
    // First the address: whoever comes next knows what to DELETE. It is a fence as well, as in exercise 16.
    doc.registered.push(effect.clone());
    let registered = commit(cx, order, doc, when).await?;
    effect.create(cx, booking).await?;
    Ok((effect, registered))
}

impl Effect {
    /// Given: makes it. The Bank keeps the booking, and does nothing. Twice is once.
    async fn create(&self, cx: &Cx, booking: &Booking) -> Result<(), Retry> {
        let response = cx.http.put(&self.url, booking).await?;
        // Anything else, such as 410, means that somebody has given this attempt up.
        if matches!(response.status, 200 | 201) { Ok(()) } else { Err(unexpected("PUT", &response)) }
    }

    /// Lets it happen, and has what the Bank says handled by a message of its own. Twice is once: the Bank runs a
    /// booking once, and the message has one id.
    async fn publish(&self, cx: &Cx, order: &str) -> Result<(), Retry> {
        let response = cx.http.post(&self.url, &()).await?;
        if !matches!(response.status, 200 | 402) {
            return Err(unexpected("POST", &response));
        }
        let follow_up = FollowUp { order: order.to_owned() };
        Ok(cx.bus.send("follow-ups", Msg::new(format!("{order}/follow-up"), "FollowUp", &follow_up)).await?)
    }

    /// Given: has the Bank forget it, whether it was made, or run, or not. Twice is once.
    async fn abort(&self, cx: &Cx) -> Result<(), Retry> {
        info!("{} is deleted", self.url);
        let response = cx.http.delete(&self.url).await?;
        if response.status == 204 { Ok(()) } else { Err(unexpected("DELETE", &response)) }
    }
}

impl Endpoint for FollowUps {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let FollowUp { order } = delivery.body()?;
        let (mut doc, mut when) = load(cx, &order).await?;
        // What was handled already is not asked for again: the Bank may have forgotten it.
        if let (Standing::Calling, Some(winner)) = (doc.standing, &doc.winner) {
            let response = cx.http.get(&winner.url).await?;
            doc.standing = match response.status {
                200 => Standing::Paid,
                402 => Standing::Declined,
                // Neither yes nor no: not run, not known, gone, or the Bank is not well.
                _ => return Err(unexpected("GET", &response)),
            };
            doc.balance = Some(response.body::<Receipt>()?.balance);
            when = commit(cx, &order, &doc, when).await?;
        }
        announce(cx, &order, &doc).await?;
        // Only now may the Bank forget: what it said is committed.
        doc.registered.extend(doc.winner.take());
        clean(cx, &order, doc, when).await
    }
}

/// Given: the sweep of exercise 16. Deletes what others left at the Bank, then forgets where it was. A request that is late
/// meets what a DELETE leaves: 410, and nothing is kept.
async fn clean(cx: &Cx, order: &str, mut doc: Doc, when: When) -> Result<(), Retry> {
    if !doc.registered.is_empty() {
        for loser in doc.registered.drain(..) {
            loser.abort(cx).await?;
        }
        commit(cx, order, &doc, when).await?;
    }
    Ok(())
}

/// Given: cancels an order, unless it is decided.
async fn cancel(cx: &Cx, CancelOrder { order }: &CancelOrder) -> Result<(), Retry> {
    let (mut doc, when) = load(cx, order).await?;
    if doc.standing == Standing::Open {
        doc.standing = Standing::Cancelled;
        commit(cx, order, &doc, when).await?;
    }
    if doc.standing == Standing::Cancelled { Ok(announce(cx, order, &doc).await?) } else { Ok(()) }
}

/// Given: tells the world how it ended. Twice is once: the id is the same, and so are the words.
async fn announce(cx: &Cx, order: &str, Doc { standing, balance, .. }: &Doc) -> Result<(), SendErr> {
    let ended = Ended { order: order.to_owned(), balance: *balance };
    cx.bus.send("orders", Msg::new(format!("{order}/ended"), format!("Order{standing:?}"), &ended)).await
}

/// What a booking asks of the Bank: money to an account, or from it.
#[derive(Serialize, Deserialize)]
struct Booking {
    account: String,
    cents: i64,
}

/// What the Bank says of a booking that was run, with 200 (done) or 402 (refused).
#[derive(Serialize, Deserialize)]
struct Receipt {
    balance: i64,
}

/// Given: a response with which nothing can be done.
fn unexpected(method: &str, response: &Response) -> Retry {
    Retry::because(format!("the Bank answers {response} to a {method}"))
}

/// Given: an order, and the condition that nobody has written it since.
async fn load(cx: &Cx, order: &str) -> Result<(Doc, When), StoreErr> {
    Ok(match cx.docs.get(&key(order)).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (Doc::default(), When::Absent),
    })
}

/// Given: writes an order, and returns the condition that nobody has written it since.
async fn commit(cx: &Cx, order: &str, doc: &Doc, when: When) -> Result<When, StoreErr> {
    Ok(When::Is(cx.docs.put(&key(order), doc, when).await?))
}

/// Given: where an order stands, from the documents alone.
pub fn view(docs: &Docs, order: &str) -> Standing {
    docs.get::<Doc>(&key(order)).map_or(Standing::Open, |doc| doc.standing)
}

/// Given: the key of the document of an order.
fn key(order: &str) -> String {
    format!("{order}/payment")
}
