//! Handler 2: "A time-out is no error. The store is slow, that is all."

use kit::{Cx, Delivery, Endpoint, Retry, StoreErr};

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
        match cx.docs.put(&add.customer, &account, when).await {
            Ok(_) | Err(StoreErr::Unknown) => {}
            Err(error) => return Err(error.into()),
        }
        cx.bus.send("letters", letter(delivery.id(), &add, account.points)).await?;
        Ok(())
    }
}
