//! Dies by: no edit is lost, whoever else writes
//! Why: facts only grow, so the write needs no condition? The set grows, the document does not: two workers read
//! the same facts, and the second writes over what the first has added.

use std::collections::{BTreeMap, BTreeSet};

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

/// The key of the document.
const LIST: &str = "gift-list";

/// What is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct GiftList {
    added: BTreeMap<String, String>,
    removed: BTreeSet<String>,
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let mut list = load(cx).await?;
        match delivery.msg.kind.as_str() {
            "AddGift" => {
                let add: AddGift = delivery.body()?;
                list.added.insert(add.op, add.sku);
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                list.removed.insert(remove.removes);
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        cx.docs.put(LIST, &list, When::Always).await?;
        Ok(())
    }
}

/// The document.
async fn load(cx: &Cx) -> Result<GiftList, StoreErr> {
    Ok(cx.docs.get(LIST).await?.map(|(list, _)| list).unwrap_or_default())
}

/// What is on the list, from the documents alone: of each gift, how many.
pub fn view(docs: &Docs) -> BTreeMap<String, usize> {
    let list: GiftList = docs.get(LIST).unwrap_or_default();
    let mut gifts = BTreeMap::new();
    for (_, sku) in list.added.iter().filter(|(op, _)| !list.removed.contains(*op)) {
        *gifts.entry(sku.clone()).or_default() += 1;
    }
    gifts
}
