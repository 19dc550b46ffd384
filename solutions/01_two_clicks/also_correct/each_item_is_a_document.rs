//! Also correct: nobody ever meets a conflict that has to be tried again. Each item is a document of its own, written
//! together with the condition that the cart is not closed: deleting what must be absent does nothing, and checks it.
//! Closing writes the same bytes at every click, since the order is named after its cart; the order is what `view` reads.

use std::collections::BTreeMap;
use std::fmt;

use kit::documents::{Docs, When};
use kit::{Cx, StoreErr};
use serde::{Deserialize, Serialize};

/// Names an order. No two orders have the same.
pub type OrderId = String;

/// A cart, as it is stored under `{customer}/{cart}`. It never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cart {
    /// What was in it from the start.
    pub lines: Vec<String>,
}

/// An order: a closed cart, and the items that were added to it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its name, as it is stored under `{customer}/closed-{cart}`.
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
    let id = format!("{customer}-{cart}");
    cx.docs.put(&format!("{customer}/closed-{cart}"), &id, When::Always).await?;
    Ok(id)
}

/// Puts an item into the cart. Adding what was added already changes nothing.
///
/// # Errors
/// [`CartErr`]; the item is not accepted.
pub async fn add_item(cx: &Cx, customer: &str, cart: &str, item: &str) -> Result<(), CartErr> {
    let unless_closed = cx.docs.batch(customer).delete(&format!("{customer}/closed-{cart}"), When::Absent);
    let added = unless_closed.put(&format!("{customer}/added-{cart}-{item}"), item, When::Always).commit().await;
    match added {
        Ok(_) => Ok(()),
        Err(StoreErr::Conflict) => Err(CartErr::Ordered),
        Err(error) => Err(CartErr::Store(error)),
    }
}

/// Why a call did not do what it was asked for.
#[derive(Debug)]
pub enum CartErr {
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
    for (key, _) in docs.pairs().filter(|(key, _)| key.contains("/cart-")) {
        let Some((customer, cart)) = key.split_once('/') else { continue };
        let mut lines = docs.get::<Cart>(key).map_or(vec![], |cart| cart.lines);
        lines.extend(docs.list::<String>(&format!("{customer}/added-{cart}-")).into_iter().map(|(_, item)| item));
        match docs.get::<OrderId>(&format!("{customer}/closed-{cart}")) {
            None => drop(view.carts.insert(key.to_owned(), lines)),
            Some(id) => view.orders.push(Order { id, customer: customer.into(), cart: cart.into(), lines }),
        }
    }
    view
}
