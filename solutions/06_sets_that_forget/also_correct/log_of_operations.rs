//! Also correct: every arrival is appended to a log, copies too. Whoever reads it recognises a copy by its name.

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
    /// Kind, name of the add, gift.
    log: Vec<(String, String, String)>,
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let entry = match delivery.msg.kind.as_str() {
            "AddGift" => {
                let AddGift { op, sku } = delivery.body()?;
                ("add".to_owned(), op, sku)
            }
            "RemoveGift" => {
                let RemoveGift { removes, sku, .. } = delivery.body()?;
                ("remove".to_owned(), removes, sku)
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        };
        let (mut list, when) = load(cx).await?;
        list.log.push(entry);
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
    let mut live: BTreeMap<String, String> = BTreeMap::new();
    for (_, op, sku) in list.log.iter().filter(|(kind, ..)| kind == "add") {
        live.insert(op.clone(), sku.clone());
    }
    for (_, op, _) in list.log.iter().filter(|(kind, ..)| kind == "remove") {
        live.remove(op);
    }
    let mut gifts = BTreeMap::new();
    for sku in live.into_values() {
        *gifts.entry(sku).or_default() += 1;
    }
    gifts
}
