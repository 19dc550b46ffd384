//! Dies by: nothing is announced that is not committed
//! Why: an event for each step, each under the next number, if nobody has taken it. The sweep deletes what it has swept:
//! the number is free again, and whoever is late wins under it.

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

/// What has happened to an order, one document for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Happened {
    Registered(Effect),
    Won(Effect),
    Nothing,
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
        let mut events = history(cx, &billed.order).await?;
        if winner(&events).is_none() {
            let bytes = print(cx, &billed);
            let url = format!("invoices/{}/{}.pdf", billed.order, cx.fresh_id().simple());
            let effect = Effect { url, digest: digest(&bytes) };
            add(cx, &billed.order, &mut events, Happened::Registered(effect.clone())).await?;
            effect.create(cx, &bytes).await?;
            match add(cx, &billed.order, &mut events, Happened::Won(effect.clone())).await {
                Err(error) if error.is_definite() => {
                    effect.abort(cx).await?;
                    return Err(error.into());
                }
                added => added?,
            }
        }
        if let Some(winner) = winner(&events) {
            winner.publish(cx, &billed.order).await?;
            for (number, event) in events.iter().enumerate() {
                if let Happened::Registered(loser) = event {
                    if *loser != winner {
                        loser.abort(cx).await?;
                        cx.docs.delete(&event_key(&billed.order, number), When::Always).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn winner(events: &[Happened]) -> Option<Effect> {
    events.iter().find_map(|event| match event {
        Happened::Won(effect) => Some(effect.clone()),
        _ => None,
    })
}

async fn history(cx: &Cx, order: &str) -> Result<Vec<Happened>, StoreErr> {
    let mut events = Vec::new();
    while let Some((event, _)) = cx.docs.get(&event_key(order, events.len())).await? {
        events.push(event);
    }
    Ok(events)
}

async fn add(cx: &Cx, order: &str, events: &mut Vec<Happened>, event: Happened) -> Result<(), StoreErr> {
    cx.docs.put(&event_key(order, events.len()), &event, When::Absent).await?;
    events.push(event);
    Ok(())
}

fn event_key(order: &str, number: usize) -> String {
    format!("{order}/event-{number}")
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
    let events = docs.list::<Happened>(&format!("{order}/event-"));
    let events: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
    let Effect { url, digest } = winner(&events)?;
    Some(Invoice { url, digest })
}
