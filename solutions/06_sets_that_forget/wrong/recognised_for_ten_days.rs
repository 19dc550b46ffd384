//! Dies by: each edit counts once
//! Why: what was removed is kept for ever, but an add is recognised for ten days only, because "no queue keeps a message
//! longer". A phone was offline for a month, and its copy is a new wish.

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

/// How long an add is recognised, in milliseconds.
const TEN_DAYS: u64 = 10 * 24 * 3600 * 1000;

/// What happened.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Facts {
    /// The gift and the name of each add, and when it came.
    added: Vec<(String, String, u64)>,
    removed: BTreeSet<String>,
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
                let now = cx.now().as_millis();
                if facts.added.iter().any(|(_, op, at)| *op == add.op && now < at + TEN_DAYS) {
                    return Ok(());
                }
                facts.added.push((add.sku, add.op, now));
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                facts.removed.insert(remove.removes);
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
    let Facts { added, removed } = docs.get(LIST).unwrap_or_default();
    let mut gifts = BTreeMap::new();
    for (sku, ..) in added.into_iter().filter(|(_, op, _)| !removed.contains(op)) {
        *gifts.entry(sku).or_default() += 1;
    }
    gifts
}
