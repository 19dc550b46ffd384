//! Dies by: a placed order exists in the end
//! Why: an order that is there may be half of one, so it is made anew; not if it is paid, and only under its version.
//! But it is nowhere between the delete and the create: this worker has lost its lock, another one has acked, and the
//! node dies.

use std::collections::BTreeSet;

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
    let order = Order { cart, lines, paid: false };
    let key = order_key(&order.cart);
    match cx.docs.get::<Order>(&key).await? {
        Some((there, _)) if there.paid => return Ok(()),
        Some((_, version)) => cx.docs.delete(&key, When::Is(version)).await?,
        None => {}
    }
    cx.docs.put(&key, &order, When::Absent).await?;
    Ok(())
}

/// Given: somebody pays for the order of a cart; twice is once. `Ok`: it is paid, and stays paid. No order yet, or any
/// error: she tries again.
pub async fn pay(cx: &Cx, cart: &str) -> Result<(), Retry> {
    let key = order_key(cart);
    let Some((mut order, version)) = cx.docs.get::<Order>(&key).await? else {
        return Err(Retry::because(format!("there is no {key} yet")));
    };
    if !order.paid {
        order.paid = true;
        cx.docs.put(&key, &order, When::Is(version)).await?;
    }
    Ok(())
}

/// Given: every order that there is, from the documents alone.
pub fn view(docs: &Docs) -> Vec<Order> {
    docs.list(&order_key("")).into_iter().map(|(_, order)| order).collect()
}

/// Given: the key of the document of an order.
fn order_key(name: &str) -> String {
    format!("order-{name}")
}
