//! Also correct: each gift has a document of its own, with its adds and what was removed of them
//! Why: a remove says which gift, so it finds the document, even before the add. Workers meet only at the same gift.

use std::collections::{BTreeMap, BTreeSet};

use kit::{Cx, Delivery, Docs, Endpoint, Retry, StoreErr, When};
use serde::de::DeserializeOwned;
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

/// The key of the document of a gift.
fn gift_key(sku: &str) -> String {
    format!("gift-{sku}")
}

/// What happened to a gift. It only grows.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Facts {
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        match delivery.msg.kind.as_str() {
            "AddGift" => {
                let add: AddGift = delivery.body()?;
                let (mut facts, when): (Facts, When) = load(cx, &gift_key(&add.sku)).await?;
                facts.added.insert(add.op);
                cx.docs.put(&gift_key(&add.sku), &facts, when).await?;
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                let (mut facts, when): (Facts, When) = load(cx, &gift_key(&remove.sku)).await?;
                facts.removed.insert(remove.removes);
                cx.docs.put(&gift_key(&remove.sku), &facts, when).await?;
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        Ok(())
    }
}

/// A document, and the condition that nobody has written it since (optimistic concurrency).
async fn load<T: DeserializeOwned + Default>(cx: &Cx, key: &str) -> Result<(T, When), StoreErr> {
    Ok(match cx.docs.get(key).await? {
        Some((found, version)) => (found, When::Is(version)),
        None => (T::default(), When::Absent),
    })
}

/// What is on the list, from the documents alone: of each gift, how many.
pub fn view(docs: &Docs) -> BTreeMap<String, usize> {
    let gifts = docs.list::<Facts>(&gift_key("")).into_iter();
    gifts
        .map(|(key, facts)| (key[gift_key("").len()..].to_owned(), facts.added.difference(&facts.removed).count()))
        .collect()
}
