//! Dies by: a removed gift stays off the list
//! Why: exercise 05's algorithm: a document for each add, created under its name if absent. The key says no to a
//! second copy only as long as the document is there, and a remove deletes it.

use std::collections::BTreeMap;

use kit::{Cx, Delivery, Docs, Endpoint, Retry, StoreErr, When};
use serde::{Deserialize, Serialize};

/// Somebody wishes for a gift. Kind `AddGift`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AddGift {
    /// What names this edit: no other edit has the same name, and every copy has it. It is the message's id, too.
    pub op: String,
    /// Which gift. Whoever wishes for it twice wants two.
    pub sku: String,
}

/// Somebody takes a gift off the list: what one `AddGift` put there. Kind `RemoveGift`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RemoveGift {
    /// What names this edit.
    pub op: String,
    /// The `op` of the `AddGift` that is taken back. It may not have arrived yet.
    pub removes: String,
    /// Which gift that was.
    pub sku: String,
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        match delivery.msg.kind.as_str() {
            "AddGift" => {
                let add: AddGift = delivery.body()?;
                match cx.docs.put(&format!("gift/{}", add.op), &add, When::Absent).await {
                    Ok(_) | Err(StoreErr::Conflict) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                cx.docs.delete(&format!("gift/{}", remove.removes), When::Always).await?;
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        Ok(())
    }
}

/// What is on the list, from the documents alone: of each gift, how many.
pub fn view(docs: &Docs) -> BTreeMap<String, usize> {
    let mut gifts = BTreeMap::new();
    for (_, add) in docs.list::<AddGift>("gift/") {
        *gifts.entry(add.sku).or_default() += 1;
    }
    gifts
}
