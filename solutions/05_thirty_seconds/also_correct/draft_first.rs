//! Also correct: the order is a draft first, which nobody sees, and then placed; whoever finds a draft places it
//! Why: a conflict on the draft proves that there is one, not that it is placed. So nobody stops there.

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

/// What the document of an order says.
#[derive(Serialize, Deserialize)]
struct Draft {
    placed: bool,
    order: Order,
}

/// Creates the order of a cart.
async fn place_order(cx: &Cx, PlaceOrder { cart, lines }: PlaceOrder) -> Result<(), Retry> {
    let key = order_key(&cart);
    let draft = Draft { placed: false, order: Order { cart, lines, paid: false } };
    match cx.docs.put(&key, &draft, When::Absent).await {
        Ok(_) | Err(StoreErr::Conflict) => {}
        Err(other) => return Err(other.into()),
    }
    match cx.docs.get::<Draft>(&key).await? {
        Some((Draft { placed: false, order }, version)) => {
            cx.docs.put(&key, &Draft { placed: true, order }, When::Is(version)).await?;
            Ok(())
        }
        Some(_) => Ok(()),
        None => Err(Retry::because(format!("{key} is gone"))),
    }
}

/// Somebody pays for the order of a cart; twice is once. `Ok`: it is paid, and stays paid. No order yet, or any error:
/// she tries again.
pub async fn pay(cx: &Cx, cart: &str) -> Result<(), Retry> {
    let key = order_key(cart);
    let Some((mut draft, version)) = cx.docs.get::<Draft>(&key).await?.filter(|(draft, _)| draft.placed) else {
        return Err(Retry::because(format!("there is no {key} yet")));
    };
    if !draft.order.paid {
        draft.order.paid = true;
        cx.docs.put(&key, &draft, When::Is(version)).await?;
    }
    Ok(())
}

/// Every order that there is, from the documents alone.
pub fn view(docs: &Docs) -> Vec<Order> {
    let drafts = docs.list::<Draft>(&order_key("")).into_iter().map(|(_, draft)| draft);
    drafts.filter(|draft| draft.placed).map(|draft| draft.order).collect()
}

/// Given: the key of the document of an order.
fn order_key(name: &str) -> String {
    format!("order-{name}")
}
