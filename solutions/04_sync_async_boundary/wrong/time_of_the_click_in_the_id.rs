//! Dies by: every order of a cart has one id and one body
//! Why: the click's time travels in the submission, so every delivery of that one makes the same id. But the second
//! tab clicks an hour later: two submissions, two ids, one cart.

use std::collections::BTreeSet;
use std::fmt;

use kit::{Cx, Delivery, Docs, Endpoint, Msg, Retry, StoreErr, Time, When};
use serde::{Deserialize, Serialize};
use tracing::info;

/// Tells Orders to order these lines of this cart. Kind `PlaceOrder`, to the queue `orders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// Which cart.
    pub cart: String,
    /// What was in it when it was accepted.
    pub lines: BTreeSet<String>,
}

/// Tells the Storefront itself that a shopper wants this cart. To its own queue `submissions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartSubmitted {
    /// Which cart.
    pub cart: String,
    /// When she clicked.
    pub at: Time,
}

/// A cart, under its own id.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cart {
    state: State,
    lines: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Items come in.
    #[default]
    Open,
    /// Frozen: these lines will be ordered, and no others.
    Accepted,
    /// The bus has said yes to the order.
    Sent,
}

/// Puts an item into a cart; twice is once.
pub async fn add_item(cx: &Cx, id: &str, item: &str) -> Result<(), CartErr> {
    let (mut cart, when) = load(cx, id).await?;
    if cart.state != State::Open {
        return Err(CartErr::Closed);
    }
    cart.lines.insert(item.to_owned());
    cx.docs.put(id, &cart, when).await?;
    Ok(())
}

/// Takes the shopper's word. `Ok` is the answer 202: she may leave, and the cart will be ordered.
pub async fn submit(cx: &Cx, id: &str) -> Result<(), CartErr> {
    let submitted = CartSubmitted { cart: id.to_owned(), at: cx.now() };
    cx.bus.send("submissions", Msg::new(cx.fresh_id(), "CartSubmitted", &submitted)).await?;
    cx.docs.put(&submitted_key(id), &submitted, When::Always).await?;
    Ok(())
}

/// Handles the messages of the queue `submissions`.
#[derive(Default)]
pub struct Submissions;

impl Endpoint for Submissions {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let CartSubmitted { cart, at } = delivery.body()?;
        on_cart_submitted(cx, &cart, at).await
    }
}

/// Does the work that the shopper need not wait for.
async fn on_cart_submitted(cx: &Cx, id: &str, at: Time) -> Result<(), Retry> {
    let (mut cart, mut when) = load(cx, id).await?;
    if cart.state == State::Open {
        cart.state = State::Accepted;
        when = When::Is(cx.docs.put(id, &cart, when).await?);
        info!("{id} is accepted");
    }
    if cart.state == State::Accepted {
        cx.bus.send("orders", place_order(id, at, &cart)).await?;
        cart.state = State::Sent;
        cx.docs.put(id, &cart, when).await?;
    }
    Ok(())
}

/// The cart, and the condition that nobody has written it since (optimistic concurrency).
async fn load(cx: &Cx, id: &str) -> Result<(Cart, When), StoreErr> {
    Ok(match cx.docs.get(id).await? {
        Some((cart, version)) => (cart, When::Is(version)),
        None => (Cart::default(), When::Absent),
    })
}

/// The message about a cart. Every delivery of a submission gives it the same id.
fn place_order(id: &str, at: Time, cart: &Cart) -> Msg {
    let order = PlaceOrder { cart: id.to_owned(), lines: cart.lines.clone() };
    Msg::new(format!("place-order-{id}-{}", at.as_millis()), "PlaceOrder", &order)
}

/// The key of the document that says that a cart was submitted.
fn submitted_key(id: &str) -> String {
    format!("{id}/submitted")
}

/// What a GET shows of a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartView {
    /// How far it is.
    pub status: Status,
    /// What is in it; once it is accepted, what is ordered.
    pub lines: BTreeSet<String>,
}

/// How far a cart is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nobody has submitted it.
    Open,
    /// Somebody has submitted it; its lines may still change.
    Submitting,
    /// It is bound to be ordered, with these lines.
    Accepted,
}

/// What a GET of a cart shows, from the documents alone; an open and empty cart, if they know nothing of it.
pub fn view(docs: &Docs, id: &str) -> CartView {
    let cart: Cart = docs.get(id).unwrap_or_default();
    let submitted = docs.get::<CartSubmitted>(&submitted_key(id)).is_some();
    let status = match cart.state {
        State::Open if submitted => Status::Submitting,
        State::Open => Status::Open,
        State::Accepted | State::Sent => Status::Accepted,
    };
    CartView { status, lines: cart.lines }
}

/// Why a shopper hears no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CartErr {
    /// For good: the cart is not open any more.
    Closed,
    /// For now: something failed on the way. It is done, or it is not.
    TryAgain(Retry),
}

impl<E: Into<Retry>> From<E> for CartErr {
    fn from(error: E) -> Self {
        CartErr::TryAgain(error.into())
    }
}

impl fmt::Display for CartErr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CartErr::Closed => f.write_str("the cart is not open any more"),
            CartErr::TryAgain(reason) => write!(f, "try again: {reason}"),
        }
    }
}
