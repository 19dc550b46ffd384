//! Exercise 06 · Sets that forget
//!
//! Lecture  lectures/06_immutable_facts.md
//! Spec     none: the whole algorithm is on this screen
//! Run      cargo test -p exercise-06
//! Hint     cargo workshop hint 06
//!
//! A gift list is edited on phones that are offline most of the time. Their edits come through one queue, in any order
//! and more than once. The starting point keeps the set of gifts, and forgets everything else, so the story ends in
//!
//!     violated  when quiescent "a removed gift stays off the list"
//!
//! Your task: keep facts, and never take one back. Let `view` work out from them what is on the list: an add counts
//! unless some remove names it.
//!
//! Source: Shapiro, Preguiça, Baquero, Zawirski, "A comprehensive study of Convergent and Commutative Replicated Data
//! Types", INRIA research report 7506, 2011.

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

/// What is on the list.
#[derive(Debug, Default, Serialize, Deserialize)]
struct GiftList {
    gifts: BTreeSet<String>,
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let (mut list, when) = load(cx).await?;
        // TODO(06): do both twice, in any order. What does a set still know afterwards?
        match delivery.msg.kind.as_str() {
            "AddGift" => {
                let AddGift { sku, .. } = delivery.body()?;
                list.gifts.insert(sku);
            }
            "RemoveGift" => {
                let RemoveGift { sku, .. } = delivery.body()?;
                list.gifts.remove(&sku);
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        cx.docs.put(LIST, &list, when).await?;
        Ok(())
    }
}

/// The list, and the condition that nobody has written it since (optimistic concurrency).
async fn load(cx: &Cx) -> Result<(GiftList, When), StoreErr> {
    Ok(match cx.docs.get(LIST).await? {
        Some((list, version)) => (list, When::Is(version)),
        None => (GiftList::default(), When::Absent),
    })
}

/// What is on the list, from the documents alone: of each gift, how many.
pub fn view(docs: &Docs) -> BTreeMap<String, usize> {
    let list: GiftList = docs.get(LIST).unwrap_or_default();
    // TODO(06): how many? A set does not know.
    list.gifts.into_iter().map(|sku| (sku, 1)).collect()
}
