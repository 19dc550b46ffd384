//! Dies by: a cart has at most one order
//! Why: the cart's number is reserved under its key, `Absent`. After `Unknown` the order is created under this number
//! at once: "it is ours, or it will be". The reservation was never written, so the next copy makes another number.

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
    let number = match cx.docs.get::<String>(&number_key(&cart)).await? {
        Some((number, _)) => number,
        None => {
            let number = cx.fresh_id().to_string();
            match cx.docs.put(&number_key(&cart), &number, When::Absent).await {
                Ok(_) | Err(StoreErr::Unknown) => number,
                Err(other) => return Err(other.into()),
            }
        }
    };
    match cx.docs.put(&order_key(&number), &Order { cart, lines, paid: false }, When::Absent).await {
        Ok(_) | Err(StoreErr::Conflict) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// Given: somebody pays for the order of a cart; twice is once. `Ok`: it is paid, and stays paid. No order yet, or any
/// error: she tries again.
pub async fn pay(cx: &Cx, cart: &str) -> Result<(), Retry> {
    let Some((number, _)) = cx.docs.get::<String>(&number_key(cart)).await? else {
        return Err(Retry::because(format!("{cart} has no number yet")));
    };
    let key = order_key(&number);
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

/// The key under which a cart's number is reserved.
fn number_key(cart: &str) -> String {
    format!("number-of-{cart}")
}
