//! Dies by: a removed gift stays off the list
//! Why: the latest edit of a gift decides, by the clock of the node that handles it; of equal times, the later
//! arrival. The clocks are tied, so the order of arrival decides.

use std::collections::BTreeMap;

use kit::{Cx, Delivery, Docs, Endpoint, Retry, StoreErr, Time, When};
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

/// Of each gift: when it was last edited, and whether it is on the list since.
type Last = BTreeMap<String, (Time, bool)>;

/// The key of the document.
const LIST: &str = "gift-list";

/// What is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct GiftList {
    gifts: Last,
}

/// Handles the messages of the queue `edits`.
#[derive(Default)]
pub struct Edits;

impl Endpoint for Edits {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let (mut list, when) = load(cx).await?;
        let (sku, wanted) = match delivery.msg.kind.as_str() {
            "AddGift" => (delivery.body::<AddGift>()?.sku, true),
            "RemoveGift" => (delivery.body::<RemoveGift>()?.sku, false),
            other => return Err(Retry::because(format!("nobody knows what a {other} is"))),
        };
        let now = cx.now();
        let last = list.gifts.entry(sku).or_insert((now, wanted));
        if last.0 <= now {
            *last = (now, wanted);
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
    list.gifts.into_iter().filter(|(_, (_, wanted))| *wanted).map(|(sku, _)| (sku, 1)).collect()
}
