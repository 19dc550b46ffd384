//! Dies by: no edit is lost, whoever else writes
//! Why: counts and names are written in one batch, under the version of the names; but the counts are read first.
//! Another worker writes both in between: the names are new, the condition holds, and the counts are old.

use std::collections::BTreeMap;

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

/// The key of the document with the count of each gift.
const COUNTS: &str = "list/counts";

/// The key of the document with the edits that were counted: of each add, whether it is on the list.
const COUNTED: &str = "list/counted";

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let (mut counts, _): (BTreeMap<String, usize>, When) = load(cx, COUNTS).await?;
        let (mut counted, when): (BTreeMap<String, bool>, When) = load(cx, COUNTED).await?;
        match delivery.msg.kind.as_str() {
            "AddGift" => {
                let add: AddGift = delivery.body()?;
                if counted.contains_key(&add.op) {
                    return Ok(());
                }
                counted.insert(add.op, true);
                *counts.entry(add.sku).or_default() += 1;
            }
            "RemoveGift" => {
                let remove: RemoveGift = delivery.body()?;
                if counted.insert(remove.removes, false) == Some(true) {
                    let count = counts.entry(remove.sku).or_default();
                    *count = count.saturating_sub(1);
                }
            }
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        }
        // One condition for both: whoever writes the counts has written the names.
        let batch = cx.docs.batch("list").put(COUNTED, &counted, when);
        batch.put(COUNTS, &counts, When::Always).commit().await?;
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
    docs.get(COUNTS).unwrap_or_default()
}
