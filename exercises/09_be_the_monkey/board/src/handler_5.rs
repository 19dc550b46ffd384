//! Handler 5: "A duplicate may be an unfinished first try, so I send the letter again. Its id stays the same."

use kit::{Cx, Delivery, Endpoint, Retry};

use crate::{AddPoints, letter, load};

/// Handles the messages of the queue `points`.
#[derive(Default)]
pub struct Handler;

impl Endpoint for Handler {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let add: AddPoints = delivery.body()?;
        let (mut account, when) = load(cx, &add.customer).await?;
        if account.handled.insert(delivery.id().clone()) {
            account.points += add.points;
            cx.docs.put(&add.customer, &account, when).await?;
        }
        cx.bus.send("letters", letter(delivery.id(), &add, account.points)).await?;
        Ok(())
    }
}
