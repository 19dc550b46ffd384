//! Handler 4: "We looked just now, so we may write. Conflicts only make trouble on Black Friday."

use kit::{Cx, Delivery, Endpoint, Retry, When};

use crate::{AddPoints, letter, load};

/// Handles the messages of the queue `points`.
#[derive(Default)]
pub struct Handler;

impl Endpoint for Handler {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let add: AddPoints = delivery.body()?;
        let (mut account, _) = load(cx, &add.customer).await?;
        if account.handled.insert(delivery.id().clone()) {
            account.points += add.points;
            cx.docs.put(&add.customer, &account, When::Always).await?;
        }
        cx.bus.send("letters", letter(delivery.id(), &add, account.points)).await?;
        Ok(())
    }
}
