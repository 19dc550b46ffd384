//! Dies by: no two orders have one name
//! Why: an order is named after what is in it. Two carts with the same in them are two wishes, and here their orders have
//! one name.

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
    /// The order that this cart became. A cart with an order is closed.
    pub order: Option<OrderId>,
}

/// An order, as it is stored under `{customer}/order-{cart}`.
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
    Cart { lines: lines.iter().map(|line| line.to_string()).collect(), order: None }
}

/// Orders what is in the cart. Ordering it again is the same order.
///
/// # Errors
/// [`CartErr`]; the shopper clicks again.
pub async fn submit(cx: &Cx, customer: &str, cart: &str) -> Result<OrderId, CartErr> {
    let cart_key = format!("{customer}/{cart}");
    loop {
        let (mut found, version) = cx.docs.get::<Cart>(&cart_key).await?.ok_or(CartErr::NoSuchCart)?;
        if let Some(id) = found.order {
            return Ok(id);
        }
        let id = format!("{customer}-{}", found.lines.join("-"));
        let lines = found.lines.clone();
        let order = Order { id: id.clone(), customer: customer.into(), cart: cart.into(), lines };
        found.order = Some(id.clone());
        let order_key = format!("{customer}/order-{cart}");
        let both =
            cx.docs.batch(customer).put(&cart_key, &found, When::Is(version)).put(&order_key, &order, When::Absent);
        match both.commit().await {
            Ok(_) => return Ok(id),
            Err(StoreErr::Conflict) => tracing::debug!("the cart has changed: read it again"),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Puts an item into the cart. Adding what is there already is a success, and changes nothing.
///
/// # Errors
/// [`CartErr`]; the item is not accepted.
pub async fn add_item(cx: &Cx, customer: &str, cart: &str, item: &str) -> Result<(), CartErr> {
    let cart_key = format!("{customer}/{cart}");
    loop {
        let (mut found, version) = cx.docs.get::<Cart>(&cart_key).await?.ok_or(CartErr::NoSuchCart)?;
        if found.order.is_some() {
            return Err(CartErr::Ordered);
        }
        if found.lines.iter().any(|line| line == item) {
            return Ok(());
        }
        found.lines.push(item.to_owned());
        match cx.docs.put(&cart_key, &found, When::Is(version)).await {
            Ok(_) => return Ok(()),
            Err(StoreErr::Conflict) => tracing::debug!("the cart has changed: read it again"),
            Err(error) => return Err(error.into()),
        }
    }
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
