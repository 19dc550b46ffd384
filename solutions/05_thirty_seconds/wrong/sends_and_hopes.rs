//! Dies by: a placed order exists in the end
//! Why: after an error the message is sent to this queue once more, for later, and this copy is let go. The bus says no
//! to that, too; the answer is logged, and the message is gone.

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
        let PlaceOrder { cart, lines } = delivery.body()?;
        match cx.docs.put(&order_key(&cart), &Order { cart, lines, paid: false }, When::Absent).await {
            Ok(_) | Err(StoreErr::Conflict) => Ok(()),
            Err(later) => {
                info!("not now: {later}");
                if let Err(error) = cx.bus.send(&delivery.queue, delivery.msg.clone()).await {
                    info!("not sent: {error}");
                }
                Ok(())
            }
        }
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
