//! Also correct: the accepted lines go into a document of their own, and every write is a batch that stands on
//! both: an item goes in only while that document is absent, and it is created only while the cart is as it was
//! read. Never marked.

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
    lines: BTreeSet<String>,
}

/// Puts an item into a cart, unless it was accepted.
pub async fn add_item(cx: &Cx, id: &str, item: &str) -> Result<(), CartErr> {
    if cx.docs.get::<BTreeSet<String>>(&accepted(id)).await?.is_some() {
        return Err(CartErr::Closed);
    }
    let (mut cart, when) = load(cx, id).await?;
    cart.lines.insert(item.to_owned());
    // To delete what is absent changes nothing, and is a conflict where it is no longer absent.
    cx.docs.batch(id).put(id, &cart, when).delete(&accepted(id), When::Absent).commit().await?;
    Ok(())
}

/// The key of the lines that were accepted.
fn accepted(id: &str) -> String {
    format!("{id}/accepted")
}

/// Orders what is in the cart.
pub async fn submit(cx: &Cx, id: &str) -> Result<(), CartErr> {
    let lines = match cx.docs.get::<BTreeSet<String>>(&accepted(id)).await? {
        Some((lines, _)) => lines,
        None => {
            let (cart, when) = load(cx, id).await?;
            cx.docs.batch(id).put(&accepted(id), &cart.lines, When::Absent).put(id, &cart, when).commit().await?;
            cart.lines
        }
    };
    cx.bus.send("orders", place_order(cx, id, &lines)).await?;
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
fn place_order(cx: &Cx, id: &str, lines: &BTreeSet<String>) -> Msg {
    Msg::new(cx.fresh_id(), "PlaceOrder", &PlaceOrder { cart: id.to_owned(), lines: lines.clone() })
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
    match docs.get(&accepted(id)) {
        Some(lines) => CartView { accepted: true, lines },
        None => CartView { accepted: false, lines: docs.get::<Cart>(id).unwrap_or_default().lines },
    }
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
