//! Dies by: a cart is ordered at most once
//! Why: a lock in memory guards a cart against other clicks on the same node. But there are two nodes behind the
//! load balancer, each with a lock of its own: tab 1 reads on node A, tab 2 reads on node B, both write.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;

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
    let node = Node::default(); // the load balancer chooses one for each click
    let cart_key = format!("{customer}/{cart}");
    node.lock(&cart_key)?;
    let placed = place(cx, customer, cart).await;
    node.unlock(&cart_key);
    placed
}

async fn place(cx: &Cx, customer: &str, cart: &str) -> Result<OrderId, CartErr> {
    let cart_key = format!("{customer}/{cart}");
    let (mut found, _version) = cx.docs.get::<Cart>(&cart_key).await?.ok_or(CartErr::NoSuchCart)?;
    if let Some(id) = found.order {
        return Ok(id);
    }
    let id = cx.fresh_id().to_string();
    let order = Order { id: id.clone(), customer: customer.into(), cart: cart.into(), lines: found.lines.clone() };
    found.order = Some(id.clone());
    let both = cx.docs.batch(customer).put(&cart_key, &found, When::Always).put(
        &format!("{customer}/order-{id}"),
        &order,
        When::Always,
    );
    both.commit().await?;
    Ok(id)
}

/// What one node of the Storefront keeps in its memory.
#[derive(Default)]
struct Node {
    locked: Mutex<BTreeSet<String>>,
}

impl Node {
    fn lock(&self, cart: &str) -> Result<(), CartErr> {
        let is_new = self.locked.lock().expect("nobody panics").insert(cart.to_owned());
        if is_new { Ok(()) } else { Err(CartErr::Busy) }
    }

    fn unlock(&self, cart: &str) {
        self.locked.lock().expect("nobody panics").remove(cart);
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
        if found.lines.iter().any(|line| line == item) {
            return Ok(());
        }
        if found.order.is_some() {
            return Err(CartErr::Ordered);
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
    /// Another click is at work on the cart.
    Busy,
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
            CartErr::Busy => f.write_str("another click is at work on the cart"),
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
