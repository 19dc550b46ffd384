//! Also correct: the cart is a list of what happened, only ever added to, and its state is read off the list. The
//! message's id is the cart's.

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

/// What happened to a cart, in order.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cart(Vec<Event>);

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Event {
    Added(String),
    Submitted,
    Sent,
}

impl Cart {
    fn was(&self, event: &Event) -> bool {
        self.0.contains(event)
    }

    fn lines(&self) -> BTreeSet<String> {
        let added = |event: &Event| match event {
            Event::Added(item) => Some(item.clone()),
            Event::Submitted | Event::Sent => None,
        };
        self.0.iter().filter_map(added).collect()
    }
}

/// Puts an item into a cart.
pub async fn add_item(cx: &Cx, id: &str, item: &str) -> Result<(), CartErr> {
    let (mut cart, when) = load(cx, id).await?;
    let added = Event::Added(item.to_owned());
    if cart.was(&added) {
        return Ok(());
    }
    if cart.was(&Event::Submitted) {
        return Err(CartErr::Closed);
    }
    cart.0.push(added);
    cx.docs.put(id, &cart, when).await?;
    Ok(())
}

/// Orders what is in the cart.
pub async fn submit(cx: &Cx, id: &str) -> Result<(), CartErr> {
    let (mut cart, mut when) = load(cx, id).await?;
    if !cart.was(&Event::Submitted) {
        cart.0.push(Event::Submitted);
        when = When::Is(cx.docs.put(id, &cart, when).await?);
    }
    if !cart.was(&Event::Sent) {
        cx.bus.send("orders", place_order(id, &cart)).await?;
        cart.0.push(Event::Sent);
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

/// The message about a cart.
fn place_order(id: &str, cart: &Cart) -> Msg {
    Msg::new(id, "PlaceOrder", &PlaceOrder { cart: id.to_owned(), lines: cart.lines() })
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
    CartView { accepted: cart.was(&Event::Submitted), lines: cart.lines() }
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
