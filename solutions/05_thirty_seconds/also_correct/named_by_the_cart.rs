//! Also correct: everybody writes a proposal under a fresh number; the one that the cart names is its order
//! Why: a proposal is nobody's order until the cart's document, created under `Absent`, says so. The others are
//! rubbish, and `view` does not count them.

use std::collections::BTreeSet;

use kit::{Cx, Delivery, Docs, Endpoint, Retry, StoreErr, When};
use serde::{Deserialize, Serialize};

/// Tells Orders to order these lines of this cart. Kind `PlaceOrder`, in the queue `orders`. The cart is frozen: every
/// copy has the same id and the same body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// Which cart.
    pub cart: String,
    /// What is ordered.
    pub lines: BTreeSet<String>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The cart that it comes from.
    pub cart: String,
    /// What is ordered.
    pub lines: BTreeSet<String>,
    /// Has somebody paid for it?
    pub paid: bool,
}

/// Handles the messages of the queue `orders`.
#[derive(Default)]
pub struct Orders;

impl Endpoint for Orders {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        place_order(cx, delivery.body()?).await
    }
}

/// Creates the order of a cart.
async fn place_order(cx: &Cx, PlaceOrder { cart, lines }: PlaceOrder) -> Result<(), Retry> {
    let named_by = named_by(&cart);
    if cx.docs.get::<String>(&named_by).await?.is_some() {
        return Ok(());
    }
    let key = order_key(&cx.fresh_id().to_string());
    cx.docs.put(&key, &Order { cart, lines, paid: false }, When::Absent).await?;
    match cx.docs.put(&named_by, &key, When::Absent).await {
        Ok(_) | Err(StoreErr::Conflict) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// Somebody pays for the order of a cart; twice is once. `Ok`: it is paid, and stays paid. No order yet, or any
/// error: she tries again.
pub async fn pay(cx: &Cx, cart: &str) -> Result<(), Retry> {
    let Some((key, _)) = cx.docs.get::<String>(&named_by(cart)).await? else {
        return Err(Retry::because(format!("{cart} has no order yet")));
    };
    let Some((mut order, version)) = cx.docs.get::<Order>(&key).await? else {
        return Err(Retry::because(format!("there is no {key} yet")));
    };
    if !order.paid {
        order.paid = true;
        cx.docs.put(&key, &order, When::Is(version)).await?;
    }
    Ok(())
}

/// Every order that there is, from the documents alone: what the carts name.
pub fn view(docs: &Docs) -> Vec<Order> {
    docs.list::<String>(&named_by("")).into_iter().filter_map(|(_, key)| docs.get(&key)).collect()
}

/// Given: the key of the document of an order.
fn order_key(name: &str) -> String {
    format!("order-{name}")
}

/// The key of the document that names a cart's order.
fn named_by(cart: &str) -> String {
    format!("named-by-{cart}")
}
