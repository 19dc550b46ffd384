//! Also correct: whatever the store says that is not yes, the cart is read again and all is decided again. While its node
//! lives, a click never ends with an error of the store, and nobody has to click again.

use std::collections::BTreeMap;
use std::fmt;

use kit::Cx;
use kit::documents::{Docs, When};
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
    Cart { lines: lines.iter().map(|line| line.to_string()).collect(), order: None }
}

/// Orders what is in the cart. Ordering it again is the same order.
///
/// # Errors
/// [`CartErr`]; the shopper clicks again.
pub async fn submit(cx: &Cx, customer: &str, cart: &str) -> Result<OrderId, CartErr> {
    let cart_key = format!("{customer}/{cart}");
    loop {
        let found = match cx.docs.get::<Cart>(&cart_key).await {
            Ok(found) => found,
            Err(_) => continue,
        };
        let (mut found, version) = found.ok_or(CartErr::NoSuchCart)?;
        if let Some(id) = found.order {
            return Ok(id);
        }
        let id = cx.fresh_id().to_string();
        let lines = found.lines.clone();
        let order = Order { id: id.clone(), customer: customer.into(), cart: cart.into(), lines };
        found.order = Some(id.clone());
        let order_key = format!("{customer}/order-{id}");
        let both =
            cx.docs.batch(customer).put(&cart_key, &found, When::Is(version)).put(&order_key, &order, When::Absent);
        match both.commit().await {
            Ok(_) => return Ok(id),
            Err(error) => tracing::debug!(%error, "read it again"),
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
        let found = match cx.docs.get::<Cart>(&cart_key).await {
            Ok(found) => found,
            Err(_) => continue,
        };
        let (mut found, version) = found.ok_or(CartErr::NoSuchCart)?;
        if found.order.is_some() {
            return Err(CartErr::Ordered);
        }
        if found.lines.iter().any(|line| line == item) {
            return Ok(());
        }
        found.lines.push(item.to_owned());
        match cx.docs.put(&cart_key, &found, When::Is(version)).await {
            Ok(_) => return Ok(()),
            Err(error) => tracing::debug!(%error, "read it again"),
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
}

impl fmt::Display for CartErr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CartErr::NoSuchCart => f.write_str("there is no such cart"),
            CartErr::Ordered => f.write_str("the cart was ordered already"),
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
