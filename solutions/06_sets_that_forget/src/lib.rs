//! Exercise 06 · Sets that forget: a solution.
//!
//! Lecture  lectures/06_immutable_facts.md
//! Notes    NOTES.md: why it is right, and what usually goes wrong
//! Run      cargo test -p solution-06
//!
//! Every edit is a fact, and is kept for ever. The list is worked out when somebody looks at it.

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

/// What happened. It only grows: no fact is ever taken back.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Facts {
    facts: BTreeSet<Fact>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Fact {
    Added(AddGift),
    Removed(RemoveGift),
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let fact = match delivery.msg.kind.as_str() {
            "AddGift" => Fact::Added(delivery.body()?),
            "RemoveGift" => Fact::Removed(delivery.body()?),
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        };
        let (mut facts, when) = load(cx).await?;
        // A set, so a copy changes nothing. Nothing is looked up: a remove may come before its add.
        if facts.facts.insert(fact) {
            // Under the version that was read: another worker's fact is kept. See `nobody_writes_over_anybody`.
            cx.docs.put(LIST, &facts, when).await?;
        }
        Ok(())
    }
}

/// The facts, and the condition that nobody has written it since (optimistic concurrency).
async fn load(cx: &Cx) -> Result<(Facts, When), StoreErr> {
    Ok(match cx.docs.get(LIST).await? {
        Some((facts, version)) => (facts, When::Is(version)),
        None => (Facts::default(), When::Absent),
    })
}

/// What is on the list, from the documents alone: of each gift, how many. It depends on which facts there are, and on
/// nothing else.
pub fn view(docs: &Docs) -> BTreeMap<String, usize> {
    let Facts { facts } = docs.get(LIST).unwrap_or_default();
    let removed: BTreeSet<&String> = facts.iter().filter_map(Fact::removes).collect();
    let mut gifts = BTreeMap::new();
    for fact in &facts {
        if let Fact::Added(AddGift { op, sku }) = fact
            && !removed.contains(op)
        {
            *gifts.entry(sku.clone()).or_default() += 1;
        }
    }
    gifts
}

impl Fact {
    /// The add that it takes back, if it is a remove.
    fn removes(&self) -> Option<&String> {
        match self {
            Fact::Removed(remove) => Some(&remove.removes),
            Fact::Added(_) => None,
        }
    }
}
