//! Also correct: everything of a customer in one ledger, `{customer}/ledger`: the items added to each cart as facts,
//! and its order. The cart that was there in the beginning is only read.

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
    loop {
        let (mut ledger, when) = load(cx, customer).await?;
        if let Some(order) = ledger.orders.iter().find(|order| order.cart == cart) {
            return Ok(order.id.clone());
        }
        let (found, _) = cx.docs.get::<Cart>(&format!("{customer}/{cart}")).await?.ok_or(CartErr::NoSuchCart)?;
        let mut lines = found.lines;
        lines.extend(ledger.added.get(cart).cloned().unwrap_or_default());
        let id = cx.fresh_id().to_string();
        ledger.orders.push(Order { id: id.clone(), customer: customer.into(), cart: cart.into(), lines });
        if save(cx, customer, &ledger, when).await? {
            return Ok(id);
        }
    }
}

/// What happened to a customer's carts since they were opened.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    added: BTreeMap<String, Vec<String>>,
    orders: Vec<Order>,
}

async fn load(cx: &Cx, customer: &str) -> Result<(Ledger, When), CartErr> {
    Ok(match cx.docs.get(&format!("{customer}/ledger")).await? {
        Some((ledger, version)) => (ledger, When::Is(version)),
        None => (Ledger::default(), When::Absent),
    })
}

/// False if somebody else has written meanwhile.
async fn save(cx: &Cx, customer: &str, ledger: &Ledger, when: When) -> Result<bool, CartErr> {
    match cx.docs.put(&format!("{customer}/ledger"), ledger, when).await {
        Ok(_) => Ok(true),
        Err(StoreErr::Conflict) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Puts an item into the cart. Adding what is there already is a success, and changes nothing.
///
/// # Errors
/// [`CartErr`]; the item is not accepted.
pub async fn add_item(cx: &Cx, customer: &str, cart: &str, item: &str) -> Result<(), CartErr> {
    loop {
        let (mut ledger, when) = load(cx, customer).await?;
        if ledger.orders.iter().any(|order| order.cart == cart) {
            return Err(CartErr::Ordered);
        }
        let added = ledger.added.entry(cart.to_owned()).or_default();
        if added.iter().any(|line| line == item) {
            return Ok(());
        }
        added.push(item.to_owned());
        if save(cx, customer, &ledger, when).await? {
            return Ok(());
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
        let Some((customer, name)) = key.split_once('/') else { continue };
        if name == "ledger" {
            view.orders.extend(docs.get::<Ledger>(key).unwrap_or_default().orders);
            continue;
        }
        let ledger: Ledger = docs.get(&format!("{customer}/ledger")).unwrap_or_default();
        let mut lines = docs.get::<Cart>(key).map_or_else(Vec::new, |cart| cart.lines);
        lines.extend(ledger.added.get(name).cloned().unwrap_or_default());
        view.carts.insert(key.to_owned(), lines);
    }
    view
}
