//! Dies by: a removed gift stays off the list
//! Why: a tombstone is thrown away when three copies of its add have come, because "there never were more". The ack of
//! the third was lost.

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

/// The key of the document.
const LIST: &str = "gift-list";

/// What is on the list, and what was removed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Facts {
    gifts: BTreeMap<String, String>,
    /// The names that removes named, and how many copies of the add came since.
    removed: BTreeMap<String, u8>,
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
                match facts.removed.get_mut(&add.op) {
                    Some(copies) if *copies == 2 => drop(facts.removed.remove(&add.op)),
                    Some(copies) => *copies += 1,
                    None => drop(facts.gifts.insert(add.op, add.sku)),
                }
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                facts.gifts.remove(&remove.removes);
                facts.removed.entry(remove.removes).or_default();
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
