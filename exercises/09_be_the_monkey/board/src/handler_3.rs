//! Handler 3: "The list of handled messages only grows. It does not belong into the account."

use kit::{Cx, Delivery, Endpoint, Retry, When};
use serde::{Deserialize, Serialize};

use crate::{AddPoints, letter};

/// Handles the messages of the queue `points`.
#[derive(Default)]
pub struct Handler;

/// A customer's account, under her name.
#[derive(Default, Serialize, Deserialize)]
struct Account {
    points: i64,
}

impl Endpoint for Handler {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let add: AddPoints = delivery.body()?;
        let (mut account, when) = match cx.docs.get::<Account>(&add.customer).await? {
            Some((account, version)) => (account, When::Is(version)),
            None => (Account::default(), When::Absent),
        };
        let handled = format!("handled/{}", delivery.id());
        if cx.docs.get::<i64>(&handled).await?.is_some() {
            return Ok(());
        }
        account.points += add.points;
        cx.docs.put(&add.customer, &account, when).await?;
        cx.bus.send("letters", letter(delivery.id(), &add, account.points)).await?;
        cx.docs.put(&handled, &account.points, When::Always).await?;
        Ok(())
    }
}
