//! Handler 1: "A message that I have handled, I need not handle again."

use kit::{Cx, Delivery, Endpoint, Retry};

use crate::{AddPoints, letter, load};

/// Handles the messages of the queue `points`.
#[derive(Default)]
pub struct Handler;

impl Endpoint for Handler {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let add: AddPoints = delivery.body()?;
        let (mut account, when) = load(cx, &add.customer).await?;
        if !account.handled.insert(delivery.id().clone()) {
            return Ok(()); // handled already
        }
        account.points += add.points;
        cx.docs.put(&add.customer, &account, when).await?;
        cx.bus.send("letters", letter(delivery.id(), &add, account.points)).await?;
        Ok(())
    }
}
