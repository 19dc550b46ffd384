//! Also correct: each edit is a document under its own name, written blindly. Nobody reads before writing, so
//! nobody can meet a conflict.

use std::collections::{BTreeMap, BTreeSet};

use kit::{Cx, Delivery, Docs, Endpoint, Retry, When};
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
                cx.docs.put(&format!("added/{}", add.op), &add, When::Always).await?;
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                cx.docs.put(&format!("removed/{}", remove.removes), &remove, When::Always).await?;
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        Ok(())
    }
}

/// What is on the list, from the documents alone: of each gift, how many.
pub fn view(docs: &Docs) -> BTreeMap<String, usize> {
    let removed: BTreeSet<String> =
        docs.list::<RemoveGift>("removed/").into_iter().map(|(_, remove)| remove.removes).collect();
    let mut gifts = BTreeMap::new();
    for (_, add) in docs.list::<AddGift>("added/") {
        if !removed.contains(&add.op) {
            *gifts.entry(add.sku).or_default() += 1;
        }
    }
    gifts
}
