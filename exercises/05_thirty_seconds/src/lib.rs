//! Exercise 05 · Thirty seconds is not enough
//!
//! Lecture  lectures/05_at_least_once.md
//! Spec     none: the whole algorithm is on this screen
//! Run      cargo test -p exercise-05
//! Hint     cargo workshop hint 05
//!
//! Black Friday: the database is slow, locks run out after thirty seconds, and two workers hold one message. The
//! starting point acks first, so that nobody else gets the message, and creates the order under a fresh id. So the
//! story ends in
//!
//!     violated  when quiescent "a placed order exists in the end"
//!
//! Your task: let the key be made of the cart, so that the store can say no to a second order. Create only where there
//! is none, decide for each error what it proves, and ack last. `pay` and `view` are given, and may stay as they are.
//!
//! Source: Amazon SQS Developer Guide, "Amazon SQS visibility timeout", docs.aws.amazon.com/AWSSimpleQueueService.

use std::collections::BTreeSet;

use kit::{Cx, Delivery, Docs, Endpoint, Retry, When};
use serde::{Deserialize, Serialize};
use tracing::info;

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
        // TODO(05): what is left of the message if this node dies after the next line? Returning `Ok` acks, too.
        delivery.ack(cx).await?;
        place_order(cx, delivery.body()?).await
    }
}

/// Creates the order of a cart.
async fn place_order(cx: &Cx, PlaceOrder { cart, lines }: PlaceOrder) -> Result<(), Retry> {
    // TODO(05): which key would make two workers meet? Under which condition? What does each error prove?
    let key = order_key(&cx.fresh_id().to_string());
    info!("{cart} becomes {key}");
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
