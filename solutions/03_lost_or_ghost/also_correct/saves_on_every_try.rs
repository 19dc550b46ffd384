//! Also correct: every try saves the cart as accepted once more, also when it is already. Two tabs then get in each
//! other's way more often, because each save is a conflict for the other; but one that keeps asking comes through as
//! soon as the other stops.

use std::collections::BTreeSet;
use std::fmt;

use kit::{Cx, Docs, Msg, Retry, StoreErr, When};
use serde::{Deserialize, Serialize};

/// Tells Orders to order these lines of this cart. Kind `PlaceOrder`, to the queue `orders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// Which cart.
    pub cart: String,
    /// What was in it when it was accepted.
    pub lines: BTreeSet<String>,
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
    // Frozen means frozen. Without this, an item goes in too late, and orders differ: see
    // `every_order_says_what_is_in_the_accepted_cart`.
    if cart.state != State::Open {
        return Err(CartErr::Closed);
    }
    cart.lines.insert(item.to_owned());
    cx.docs.put(id, &cart, when).await?;
    Ok(())
}

/// Orders what is in the cart. `Ok` is a promise: Orders will hear of it.
pub async fn submit(cx: &Cx, id: &str) -> Result<(), CartErr> {
    let (mut cart, when) = load(cx, id).await?;
    if cart.state == State::Sent {
        return Ok(());
    }
    cart.state = State::Accepted;
    let saved = cx.docs.put(id, &cart, when).await?;
    cx.bus.send("orders", place_order(cx, id, &cart)).await?;
    cart.state = State::Sent;
    cx.docs.put(id, &cart, When::Is(saved)).await?;
    Ok(())
}

/// The cart, and the condition that nobody has written it since (optimistic concurrency).
async fn load(cx: &Cx, id: &str) -> Result<(Cart, When), StoreErr> {
    Ok(match cx.docs.get(id).await? {
        Some((cart, version)) => (cart, When::Is(version)),
        None => (Cart::default(), When::Absent),
    })
}

/// The message about a cart. Every try takes a fresh id: to Orders, a repeated message is a new one.
fn place_order(cx: &Cx, id: &str, cart: &Cart) -> Msg {
    Msg::new(cx.fresh_id(), "PlaceOrder", &PlaceOrder { cart: id.to_owned(), lines: cart.lines.clone() })
}

/// What a story sees of a cart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CartView {
    /// True from the moment at which the cart is bound to be ordered.
    pub accepted: bool,
    /// What is in the cart; once it is accepted, what is ordered.
    pub lines: BTreeSet<String>,
}

/// How the documents show a cart; an open and empty one, if they know nothing of it.
pub fn view(docs: &Docs, id: &str) -> CartView {
    let cart: Cart = docs.get(id).unwrap_or_default();
    CartView { accepted: cart.state != State::Open, lines: cart.lines }
}

/// Why a shopper hears no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CartErr {
    /// For good: the cart is not open any more.
    Closed,
    /// For now: something failed on the way. It is done, or it is not: ask again.
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
