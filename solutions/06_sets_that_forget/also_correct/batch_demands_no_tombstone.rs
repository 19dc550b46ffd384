//! Also correct: an add is created in one batch with the demand that there is no tombstone; a remove writes the
//! tombstone and deletes the gift, in one batch, too
//! Why: to delete what is not there, under `Absent`, changes nothing; but it holds the whole batch to it.

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

/// The document of an add, which is there while its gift is on the list.
fn gift_key(op: &str) -> String {
    format!("list/gift-{op}")
}

/// The document that says that a remove named this add.
fn tombstone_key(op: &str) -> String {
    format!("list/removed-{op}")
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        match delivery.msg.kind.as_str() {
            "AddGift" => {
                let add: AddGift = delivery.body()?;
                let batch = cx.docs.batch("list").put(&gift_key(&add.op), &add.sku, When::Always);
                match batch.delete(&tombstone_key(&add.op), When::Absent).commit().await {
                    Ok(_) | Err(StoreErr::Conflict) => {}
                    Err(other) => return Err(other.into()),
                }
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                let batch = cx.docs.batch("list").put(&tombstone_key(&remove.removes), &true, When::Always);
                batch.delete(&gift_key(&remove.removes), When::Always).commit().await?;
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        Ok(())
    }
}

/// What is on the list, from the documents alone: of each gift, how many.
pub fn view(docs: &Docs) -> BTreeMap<String, usize> {
    let mut list = BTreeMap::new();
    for (_, sku) in docs.list::<String>(&gift_key("")) {
        *list.entry(sku).or_default() += 1;
    }
    list
}
