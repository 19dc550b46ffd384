//! Also correct: each attempt uploads to a place of its own; the winner is copied to the one url that everybody knows
//! Why: only what is committed is ever copied there, so whoever is late copies the same bytes. Then the place is empty, and
//! the order no longer names it.

use kit::{Cx, Delivery, Docs, Endpoint, Msg, Retry, SendErr, StoreErr, When};
use serde::{Deserialize, Serialize};
use tracing::info;

/// Tells Invoicing that an order is to be paid. Kind `OrderBilled`, in the queue `billing`; one message for each order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderBilled {
    /// Which order.
    pub order: String,
    /// How much.
    pub amount: u32,
}

/// Tells the world that there is an invoice. Kind `InvoiceReady`, in the queue `invoices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceReady {
    /// Of which order.
    pub order: String,
    /// Where it is.
    pub url: String,
    /// The [`digest`] of its bytes.
    pub digest: String,
}

/// The invoice of an order: the one that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Where it is.
    pub url: String,
    /// The [`digest`] of its bytes.
    pub digest: String,
}

/// Handles the messages of the queue `billing`.
#[derive(Default)]
pub struct Invoicing;

/// An order, under its key.
#[derive(Default, Serialize, Deserialize)]
struct Doc {
    /// Written down before they were made. None of them counts; any of them may be there.
    registered: Vec<Effect>,
    /// The effect of the attempt that committed.
    winner: Option<Effect>,
}

/// What an attempt makes outside of the documents: here, a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Effect {
    url: String,
    digest: String,
}

impl Endpoint for Invoicing {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let billed: OrderBilled = delivery.body()?;
        let key = order_key(&billed.order);
        let (mut doc, mut when) = load(cx, &key).await?;
        if doc.winner.is_none() {
            let bytes = print(cx, &billed);
            let prefix = format!("invoices/{}", billed.order);
            let (effect, registered) = create_blob(cx, &key, &mut doc, when, &prefix, &bytes).await?;
            // The winner moves out of the register, in the write that makes it the winner. It holds only if nobody has
            // registered or committed since: see `a_late_worker_leaves_nothing`.
            doc.registered.retain(|other| *other != effect);
            doc.winner = Some(effect.clone());
            when = match commit(cx, &key, &doc, registered).await {
                // This attempt can never win any more, and perhaps nobody else will ever hear of its blob: whoever won
                // may have swept before it was there. `Unknown` is something else: this may be the winner.
                Err(error) if error.is_definite() => {
                    effect.abort(cx).await?;
                    return Err(error.into());
                }
                committed => committed?,
            };
        }
        if let Some(winner) = doc.winner.clone() {
            let there = Effect { url: known(&billed.order), ..winner.clone() };
            if winner != there {
                // Who finds it gone comes after somebody who had copied it already.
                if let Some(bytes) = cx.blobs.read(&winner.url).await? {
                    there.create(cx, &bytes).await?;
                }
            }
            there.publish(cx, &billed.order).await?;
            if winner != there {
                winner.abort(cx).await?;
                doc.winner = Some(there);
                when = commit(cx, &key, &doc, when).await?;
            }
        }
        // Every delivery sweeps, also one that comes to a finished order: see `a_crash_leaves_nothing`. After the ack,
        // nobody comes any more.
        clean(cx, &key, doc, when).await
    }
}

/// Makes an effect: these bytes, as a blob under a url that begins with the prefix and is this attempt's alone, written
/// down in the order before it is made. Returns the condition that nobody has written the order since.
async fn create_blob(
    cx: &Cx,
    key: &str,
    doc: &mut Doc,
    when: When,
    prefix: &str,
    bytes: &[u8],
) -> Result<(Effect, When), StoreErr> {
    let effect = Effect { url: format!("{prefix}/{}.pdf", cx.fresh_id().simple()), digest: digest(bytes) };
    // First the address. If this node dies after the next line, whoever comes next knows where to look. It is also a
    // fence: those who registered before can commit no more, so nobody ever sweeps a blob that still can win.
    doc.registered.push(effect.clone());
    let registered = commit(cx, key, doc, when).await?;
    effect.create(cx, bytes).await?;
    Ok((effect, registered))
}

/// Takes away what others left behind, then forgets where it was: in this order, or a crash in between leaves blobs that
/// nobody knows of.
async fn clean(cx: &Cx, key: &str, mut doc: Doc, when: When) -> Result<(), Retry> {
    if !doc.registered.is_empty() {
        for loser in doc.registered.drain(..) {
            loser.abort(cx).await?;
        }
        commit(cx, key, &doc, when).await?;
    }
    Ok(())
}

impl Effect {
    /// Makes it. It is there, and nobody has heard of it.
    async fn create(&self, cx: &Cx, bytes: &[u8]) -> Result<(), StoreErr> {
        info!("{} has the digest {}", self.url, self.digest);
        cx.blobs.upload(&self.url, bytes).await
    }

    /// Lets everybody hear of it. Twice is once: the id is the same.
    async fn publish(&self, cx: &Cx, order: &str) -> Result<(), SendErr> {
        let Effect { url, digest } = self.clone();
        let ready = InvoiceReady { order: order.to_owned(), url, digest };
        cx.bus.send("invoices", Msg::new(format!("{order}/invoice"), "InvoiceReady", &ready)).await
    }

    /// Takes it away, if it is there. Twice is once.
    async fn abort(&self, cx: &Cx) -> Result<(), StoreErr> {
        info!("{} is taken away", self.url);
        cx.blobs.delete(&self.url).await
    }
}

/// Given: an order, and the condition that nobody has written it since.
async fn load(cx: &Cx, key: &str) -> Result<(Doc, When), StoreErr> {
    Ok(match cx.docs.get(key).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (Doc::default(), When::Absent),
    })
}

/// Given: writes an order, and returns the condition that nobody has written it since.
async fn commit(cx: &Cx, key: &str, doc: &Doc, when: When) -> Result<When, StoreErr> {
    Ok(When::Is(cx.docs.put(key, doc, when).await?))
}

/// Given: an invoice. It says when it was printed, and every attempt reads another time. A car's has all the terms.
fn print(cx: &Cx, OrderBilled { order, amount }: &OrderBilled) -> Vec<u8> {
    let terms = if *amount < 10_000 { String::new() } else { "; these terms are part of the sale".repeat(24) };
    format!("Invoice for {order}: {amount}, printed at {}{terms}", cx.now()).into_bytes()
}

/// Given: the digest of some bytes: FNV-1a with 64 bits, in hex. It finds mix-ups, and stops nobody who wants to cheat.
pub fn digest(bytes: &[u8]) -> String {
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, fnv))
}

/// Given: the invoice of an order, from the documents alone; `None` as long as no attempt has committed one.
pub fn view(docs: &Docs, order: &str) -> Option<Invoice> {
    let Effect { digest, .. } = docs.get::<Doc>(&order_key(order))?.winner?;
    Some(Invoice { url: known(order), digest })
}

/// Where everybody looks.
fn known(order: &str) -> String {
    format!("invoices/{order}.pdf")
}

/// Given: the key of the document of an order.
fn order_key(order: &str) -> String {
    format!("{order}/billing")
}
