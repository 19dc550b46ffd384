//! Dies by: a removed gift stays off the list
//! Why: each writes before it looks, so one of the two sees the other; if the look is a strong one. A weak read does not
//! see the remove that was handled just now.

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

/// The key of the document with the gifts: the name of each add, its gift, and whether it was taken back.
const LIST: &str = "gift-list";

/// The key of the document with the names that removes named.
const REMOVED: &str = "removed";

type Gifts = BTreeMap<String, (String, bool)>;

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        match delivery.msg.kind.as_str() {
            "AddGift" => {
                let add: AddGift = delivery.body()?;
                insert(cx, &add).await?;
                if noted(cx, &add.op).await? {
                    mark(cx, &add.op).await?;
                }
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                note(cx, &remove.removes).await?;
                mark(cx, &remove.removes).await?;
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        Ok(())
    }
}

/// Puts a gift on the list; `false` if it is there already.
async fn insert(cx: &Cx, AddGift { op, sku }: &AddGift) -> Result<bool, Retry> {
    let (mut gifts, when): (Gifts, When) = load(cx, LIST).await?;
    if gifts.contains_key(op) {
        return Ok(false);
    }
    gifts.insert(op.clone(), (sku.clone(), false));
    cx.docs.put(LIST, &gifts, when).await?;
    Ok(true)
}

/// Marks a gift as taken back; `false` if it is not there.
async fn mark(cx: &Cx, op: &str) -> Result<bool, Retry> {
    let (mut gifts, when): (Gifts, When) = load(cx, LIST).await?;
    let Some((_, taken_back)) = gifts.get_mut(op) else { return Ok(false) };
    if !*taken_back {
        *taken_back = true;
        cx.docs.put(LIST, &gifts, when).await?;
    }
    Ok(true)
}

/// Notes that a remove named this add.
async fn note(cx: &Cx, op: &str) -> Result<(), Retry> {
    let (mut removed, when): (BTreeSet<String>, When) = load(cx, REMOVED).await?;
    if removed.insert(op.to_owned()) {
        cx.docs.put(REMOVED, &removed, when).await?;
    }
    Ok(())
}

/// Has a remove named this add?
async fn noted(cx: &Cx, op: &str) -> Result<bool, Retry> {
    let removed = cx.docs.get_stale::<BTreeSet<String>>(REMOVED).await?;
    Ok(removed.is_some_and(|(removed, _)| removed.contains(op)))
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
    let gifts: Gifts = docs.get(LIST).unwrap_or_default();
    let mut list = BTreeMap::new();
    for (sku, _) in gifts.into_values().filter(|(_, taken_back)| !taken_back) {
        *list.entry(sku).or_default() += 1;
    }
    list
}
