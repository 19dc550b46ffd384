//! Also correct: a batch closes the cart and creates a document with the order, message id included. Whoever comes
//! next sends what that document says, until it says that it was sent.

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
    closed: bool,
    lines: BTreeSet<String>,
}

/// An order that is due, or was sent.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    msg: Msg,
    sent: bool,
}

/// Puts an item into a cart.
pub async fn add_item(cx: &Cx, id: &str, item: &str) -> Result<(), CartErr> {
    let (mut cart, when) = load(cx, id).await?;
    if cart.closed {
        return Err(CartErr::Closed);
    }
    cart.lines.insert(item.to_owned());
    cx.docs.put(id, &cart, when).await?;
    Ok(())
}

/// The key of a cart's order, in the cart's partition.
fn order_key(id: &str) -> String {
    format!("{id}/order")
}

/// Orders what is in the cart.
pub async fn submit(cx: &Cx, id: &str) -> Result<(), CartErr> {
    let mut order: Option<Order> = cx.docs.get(&order_key(id)).await?.map(|(order, _)| order);
    if order.is_none() {
        let (mut cart, when) = load(cx, id).await?;
        cart.closed = true;
        let new = Order { msg: place_order(cx, id, &cart), sent: false };
        cx.docs.batch(id).put(id, &cart, when).put(&order_key(id), &new, When::Absent).commit().await?;
        order = Some(new);
    }
    if let Some(mut order) = order.filter(|order| !order.sent) {
        cx.bus.send("orders", order.msg.clone()).await?;
        order.sent = true;
        // Nothing but this mark ever changes in that document.
        cx.docs.put(&order_key(id), &order, When::Always).await?;
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
    CartView { accepted: cart.closed, lines: cart.lines }
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
