//! Also correct: what is on the list, and the names of all adds that came; a remove is kept only until its add comes
//! Why: what must never be forgotten is one name for each add. Its gift may go, and the remove, when both have come.

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

/// What is on the list, and what copies are recognised by.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Facts {
    gifts: BTreeMap<String, String>,
    /// The names of all adds that came.
    came: BTreeSet<String>,
    /// The names that removes named before the add came.
    awaited: BTreeSet<String>,
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let (mut facts, when) = load(cx).await?;
        match delivery.msg.kind.as_str() {
            "AddGift" => {
                let add: AddGift = delivery.body()?;
                if facts.came.insert(add.op.clone()) && !facts.awaited.remove(&add.op) {
                    facts.gifts.insert(add.op, add.sku);
                }
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                if facts.came.contains(&remove.removes) {
                    facts.gifts.remove(&remove.removes);
                } else {
                    facts.awaited.insert(remove.removes);
                }
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        cx.docs.put(LIST, &facts, when).await?;
        Ok(())
    }
}

/// The document, and the condition that nobody has written it since (optimistic concurrency).
async fn load(cx: &Cx) -> Result<(Facts, When), StoreErr> {
    Ok(match cx.docs.get(LIST).await? {
        Some((found, version)) => (found, When::Is(version)),
        None => (Facts::default(), When::Absent),
    })
}

/// What is on the list, from the documents alone: of each gift, how many.
pub fn view(docs: &Docs) -> BTreeMap<String, usize> {
    let Facts { gifts: live, .. } = docs.get(LIST).unwrap_or_default();
    let mut gifts = BTreeMap::new();
    for (_, sku) in live {
        *gifts.entry(sku).or_default() += 1;
    }
    gifts
}
