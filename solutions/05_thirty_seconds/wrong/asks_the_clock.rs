//! Dies by: an order that was paid stays paid
//! Why: just before it writes, the worker asks the clock whether its thirty seconds are over. They are not; then comes
//! a pause, and the write. Whoever looks at a clock knows what time it was.

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
    let began = cx.now();
    let key = order_key(&cart);
    if cx.docs.get::<Order>(&key).await?.is_some() {
        return Ok(());
    }
    if cx.now().as_millis() - began.as_millis() > 25_000 {
        return Err(Retry::because("the lock may have run out"));
    }
    cx.docs.put(&key, &Order { cart, lines, paid: false }, When::Always).await?;
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
