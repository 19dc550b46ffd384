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

use kit::{Cx, Delivery, Docs, Endpoint, Retry, StoreErr, When};
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
        // No ack before this has returned: until then, the message is all that would bring anybody back.
        place_order(cx, delivery.body()?).await
    }
}

/// Creates the order of a cart. Two workers may be here at once, and neither knows: the key makes them meet, see
/// `a_cart_is_ordered_once`, and the condition keeps what was written since, see `a_payment_stays`.
async fn place_order(cx: &Cx, PlaceOrder { cart, lines }: PlaceOrder) -> Result<(), Retry> {
    let order = Order { cart, lines, paid: false };
    let key = order_key(&order.cart);
    match cx.docs.put(&key, &order, When::Absent).await {
        Ok(_) => {
            info!("{key} is created");
            Ok(())
        }
        // The only error that proves anything: there is an order. Whoever created it, and whatever became of it since,
        // nothing is left to do. Given back, the message would come for ever: "every message is handled in the end".
        Err(StoreErr::Conflict) => {
            info!("{key} is there already");
            Ok(())
        }
        // Written, or not: see `a_placed_order_is_not_lost`. The next try finds out, by a conflict.
        Err(StoreErr::Unknown) => Err(StoreErr::Unknown.into()),
        // Nothing was written.
        Err(nothing @ (StoreErr::Throttled | StoreErr::TooLarge | StoreErr::CrossPartition)) => Err(nothing.into()),
    }
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
