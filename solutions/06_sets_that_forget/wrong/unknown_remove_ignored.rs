//! Dies by: a removed gift stays off the list
//! Why: adds are kept for ever, under their names, and marked when they are removed; a remove of an add that is not
//! there has nothing to mark. Remove, Add: the gift stays.

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

/// What is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct GiftList {
    /// Of each add: the gift, and whether it was removed.
    gifts: BTreeMap<String, (String, bool)>,
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let (mut list, when) = load(cx).await?;
        match delivery.msg.kind.as_str() {
            "AddGift" => {
                let add: AddGift = delivery.body()?;
                list.gifts.entry(add.op).or_insert((add.sku, false));
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                if let Some((_, removed)) = list.gifts.get_mut(&remove.removes) {
                    *removed = true;
                }
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        cx.docs.put(LIST, &list, when).await?;
        Ok(())
    }
}

/// The document, and the condition that nobody has written it since (optimistic concurrency).
async fn load(cx: &Cx) -> Result<(GiftList, When), StoreErr> {
    Ok(match cx.docs.get(LIST).await? {
        Some((list, version)) => (list, When::Is(version)),
        None => (GiftList::default(), When::Absent),
    })
}

/// What is on the list, from the documents alone: of each gift, how many.
pub fn view(docs: &Docs) -> BTreeMap<String, usize> {
    let list: GiftList = docs.get(LIST).unwrap_or_default();
    let mut gifts = BTreeMap::new();
    for (sku, _) in list.gifts.into_values().filter(|(_, removed)| !removed) {
        *gifts.entry(sku).or_default() += 1;
    }
    gifts
}
