//! Dies by: both orders exist in the end
//! Why: all orders are in one document. The handler writes it under the version that it has read; `pay`, under
//! `Always`: "an order is only ever paid once". It writes the neighbour's order away, which came in between.

use std::collections::{BTreeMap, BTreeSet};

use kit::{Cx, Delivery, Docs, Endpoint, Retry, When};
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
    let (mut orders, when) = match cx.docs.get::<BTreeMap<String, Order>>(ORDERS).await? {
        Some((orders, version)) => (orders, When::Is(version)),
        None => (BTreeMap::new(), When::Absent),
    };
    if !orders.contains_key(&cart) {
        orders.insert(cart.clone(), Order { cart, lines, paid: false });
        cx.docs.put(ORDERS, &orders, when).await?;
    }
    Ok(())
}

/// Somebody pays for the order of a cart; twice is once. `Ok`: it is paid, and stays paid. No order yet, or any error:
/// she tries again.
pub async fn pay(cx: &Cx, cart: &str) -> Result<(), Retry> {
    let mut orders =
        cx.docs.get::<BTreeMap<String, Order>>(ORDERS).await?.map_or(BTreeMap::new(), |(orders, _)| orders);
    let Some(order) = orders.get_mut(cart) else {
        return Err(Retry::because(format!("there is no order of {cart} yet")));
    };
    if !order.paid {
        order.paid = true;
        cx.docs.put(ORDERS, &orders, When::Always).await?;
    }
    Ok(())
}

/// Every order that there is, from the documents alone.
pub fn view(docs: &Docs) -> Vec<Order> {
    docs.get::<BTreeMap<String, Order>>(ORDERS).unwrap_or_default().into_values().collect()
}

/// The key of the document with all orders.
const ORDERS: &str = "orders";
