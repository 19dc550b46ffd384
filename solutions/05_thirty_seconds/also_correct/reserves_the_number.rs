//! Also correct: the order keeps its fresh number as its key, but the cart decides which number: it is reserved
//! under the cart's key, `Absent`, and whoever comes later uses the same
//! Why: shape, not luck: the natural key is still the cart, one document further away. Here `pay` looks the number
//! up.

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
            cx.docs.put(&number_key(&cart), &number, When::Absent).await?;
            number
        }
    };
    match cx.docs.put(&order_key(&number), &Order { cart, lines, paid: false }, When::Absent).await {
        Ok(_) | Err(StoreErr::Conflict) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// The key of the number that is reserved for a cart.
fn number_key(cart: &str) -> String {
    format!("number-{cart}")
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
