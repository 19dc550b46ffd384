//! Also correct: all carts live in one document, and empty ones are not ordered. Everybody meets everybody's
//! conflicts; what shoppers may rely on is the same.

use std::collections::{BTreeMap, BTreeSet};
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

/// All carts, by id.
type Shop = BTreeMap<String, Cart>;

/// A cart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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

/// Puts an item into a cart.
pub async fn add_item(cx: &Cx, id: &str, item: &str) -> Result<(), CartErr> {
    let (mut shop, when) = load(cx).await?;
    let cart = shop.entry(id.to_owned()).or_default();
    if cart.state != State::Open {
        return Err(CartErr::Closed);
    }
    cart.lines.insert(item.to_owned());
    cx.docs.put("shop", &shop, when).await?;
    Ok(())
}

/// Orders what is in the cart.
pub async fn submit(cx: &Cx, id: &str) -> Result<(), CartErr> {
    let (mut shop, when) = load(cx).await?;
    let cart = shop.entry(id.to_owned()).or_default();
    if cart.lines.is_empty() {
        return Err(Retry::because("an empty cart is not ordered").into());
    }
    if cart.state == State::Open {
        cart.state = State::Accepted;
        cx.docs.put("shop", &shop, when).await?;
    }
    let cart = &shop[id];
    if cart.state == State::Accepted {
        cx.bus.send("orders", place_order(cx, id, cart)).await?;
        mark(cx, id).await?;
    }
    Ok(())
}

/// Others may have written the shop since the send.
async fn mark(cx: &Cx, id: &str) -> Result<(), CartErr> {
    let (mut shop, when) = load(cx).await?;
    shop.entry(id.to_owned()).or_default().state = State::Sent;
    cx.docs.put("shop", &shop, when).await?;
    Ok(())
}

/// The shop, and the condition that nobody has written it since.
async fn load(cx: &Cx) -> Result<(Shop, When), StoreErr> {
    Ok(match cx.docs.get("shop").await? {
        Some((shop, version)) => (shop, When::Is(version)),
        None => (Shop::default(), When::Absent),
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
    let cart = docs.get::<Shop>("shop").unwrap_or_default().remove(id).unwrap_or_default();
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
