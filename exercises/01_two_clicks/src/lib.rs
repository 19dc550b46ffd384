//! Exercise 01 · Two clicks, one order
//!
//! Lecture  lectures/01_one_versioned_cell.md
//! Run      cargo test -p exercise-01
//! Hint     cargo workshop hint 01
//!
//! A shopper clicks "Place order" in two tabs, while a third tab adds a bow to the cart. Today each click
//! writes an order of its own, whatever happened since it read the cart, so the first story ends in
//!
//!     violated  "a cart is ordered at most once"
//!
//! Your task: one order for each cart, and the same answer to every click, although a write may be refused, its
//! answer may be lost, and the node may crash. What `add_item` has accepted is in that order. Write about fifteen
//! lines, at the three TODOs; `view` shows your documents to the stories, so keep it true.
//!
//! Source: Kung & Robinson, "On Optimistic Methods for Concurrency Control" (1981).

use std::collections::BTreeMap;
use std::fmt;

use kit::documents::{Docs, When};
use kit::{Cx, StoreErr};
use serde::{Deserialize, Serialize};

/// Names an order. No two orders have the same.
pub type OrderId = String;

/// A cart, as it is stored under `{customer}/{cart}`, such as `ada/cart-1`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cart {
    /// What is in it, each item once.
    pub lines: Vec<String>,
    // TODO(01): what else must a cart know?
}

/// An order, as it is stored under `{customer}/order-{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Its name.
    pub id: OrderId,
    /// Whose it is.
    pub customer: String,
    /// Which cart was ordered.
    pub cart: String,
    /// What was in the cart.
    pub lines: Vec<String>,
}

/// A cart with these lines, as it is stored before anybody clicks.
pub fn open_cart(lines: &[&str]) -> Cart {
    Cart { lines: lines.iter().map(|line| line.to_string()).collect() }
}

/// Orders what is in the cart. Ordering it again is the same order.
///
/// # Errors
/// [`CartErr`]; the shopper clicks again.
pub async fn submit(cx: &Cx, customer: &str, cart: &str) -> Result<OrderId, CartErr> {
    let cart_key = format!("{customer}/{cart}");
    let (found, _version) = cx.docs.get::<Cart>(&cart_key).await?.ok_or(CartErr::NoSuchCart)?;
    let id = cx.fresh_id().to_string();
    let order = Order { id: id.clone(), customer: customer.into(), cart: cart.into(), lines: found.lines };
    // TODO(01): what if another tab was here since the cart was read? What if this click is not the first?
    cx.docs.put(&format!("{customer}/order-{id}"), &order, When::Always).await?;
    Ok(id)
}

/// Puts an item into the cart. Adding what is there already is a success, and changes nothing.
///
/// # Errors
/// [`CartErr`]; the item is not accepted.
pub async fn add_item(cx: &Cx, customer: &str, cart: &str, item: &str) -> Result<(), CartErr> {
    let cart_key = format!("{customer}/{cart}");
    let (mut found, _version) = cx.docs.get::<Cart>(&cart_key).await?.ok_or(CartErr::NoSuchCart)?;
    if found.lines.iter().any(|line| line == item) {
        return Ok(());
    }
    found.lines.push(item.to_owned());
    // TODO(01): what if the cart is no longer the one that was read?
    cx.docs.put(&cart_key, &found, When::Always).await?;
    Ok(())
}

/// Why a call did not do what it was asked for.
#[derive(Debug)]
pub enum CartErr {
    /// There is no such cart.
    NoSuchCart,
    /// The cart was ordered, and takes no more items.
    Ordered,
    /// The store did not say yes.
    Store(StoreErr),
}

impl From<StoreErr> for CartErr {
    fn from(error: StoreErr) -> Self {
        CartErr::Store(error)
    }
}

impl fmt::Display for CartErr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CartErr::NoSuchCart => f.write_str("there is no such cart"),
            CartErr::Ordered => f.write_str("the cart was ordered already"),
            CartErr::Store(error) => error.fmt(f),
        }
    }
}

/// What the stories see of the documents.
#[derive(Debug, Default)]
pub struct View {
    /// Every order of every customer.
    pub orders: Vec<Order>,
    /// The lines of each cart that is not ordered yet, by `{customer}/{cart}`. Ordered ones may be here, or not.
    pub carts: BTreeMap<String, Vec<String>>,
}

/// Shows the documents to the stories.
pub fn view(docs: &Docs) -> View {
    let mut view = View::default();
    for (key, _) in docs.pairs() {
        if key.contains("/order-") {
            view.orders.extend(docs.get::<Order>(key));
        } else if key.contains("/cart-") {
            view.carts.extend(docs.get::<Cart>(key).map(|cart| (key.to_owned(), cart.lines)));
        }
    }
    view
}
