//! The reference: exercise 08's outbox. It has passed every review.

use std::collections::BTreeMap;

use kit::{Cx, Delivery, Endpoint, Msg, MsgId, Retry, When};
use serde::{Deserialize, Serialize};

use crate::{AddPoints, letter};

/// Handles the messages of the queue `points`.
#[derive(Default)]
pub struct Handler;

/// A customer's account, under her name.
#[derive(Default, Serialize, Deserialize)]
struct Account {
    points: i64,
    slots: BTreeMap<MsgId, Slot>,
}

/// What became of a message.
#[derive(Serialize, Deserialize)]
enum Slot {
    /// It is handled, and this is still to be sent.
    Pending(Msg),
    /// All is done.
    Dispatched,
}

impl Endpoint for Handler {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let add: AddPoints = delivery.body()?;
        let (mut account, mut when) = match cx.docs.get::<Account>(&add.customer).await? {
            Some((account, version)) => (account, When::Is(version)),
            None => (Account::default(), When::Absent),
        };
        if !account.slots.contains_key(delivery.id()) {
            account.points += add.points;
            let letter = letter(delivery.id(), &add, account.points);
            account.slots.insert(delivery.id().clone(), Slot::Pending(letter));
            when = When::Is(cx.docs.put(&add.customer, &account, when).await?);
        }
        if let Some(Slot::Pending(letter)) = account.slots.get(delivery.id()) {
            cx.bus.send("letters", letter.clone()).await?;
            account.slots.insert(delivery.id().clone(), Slot::Dispatched);
            cx.docs.put(&add.customer, &account, when).await?;
        }
        Ok(())
    }
}
