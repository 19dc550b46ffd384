//! Also correct: each slot is a document of its own, in the entity's partition; a batch writes it together with
//! the state
//! Why: one write is one batch. The mark may be unconditional: what it overwrites is the same slot. The entity
//! stays small, and the partition grows instead.

use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, Out, Retry, StoreErr, When, Wire};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::info;

/// Runs a logic on the messages of one queue.
#[derive(Default)]
pub struct Outbox<L> {
    logic: L,
}

/// An entity, under its key.
#[derive(Default, Serialize, Deserialize)]
struct Doc<S> {
    state: S,
}

/// What a message had to say when it was handled.
#[derive(Serialize, Deserialize)]
enum Slot {
    /// To be sent, as it stands here.
    Pending(Vec<Wire>),
    /// Sent.
    Dispatched,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let slot = format!("{key}/slots/{}", msg.id);
        let (mut doc, when) = load::<L::State>(cx, &key).await?;
        let known = cx.docs.get::<Slot>(&slot).await?.map(|(slot, _)| slot);
        let known = match known {
            Some(known) => known,
            None => {
                let known = Slot::Pending(run(&self.logic, &mut doc.state, msg));
                // One batch: the state, under its version, and the slot.
                let batch = cx.docs.batch(&key).put(&key, &doc, when).put(&slot, &known, When::Absent);
                batch.commit().await?;
                known
            }
        };
        if let Slot::Pending(wires) = known {
            publish(cx, &wires).await?;
            cx.docs.put(&slot, &Slot::Dispatched, When::Always).await?;
        }
        Ok(())
    }
}

/// The entity, and the condition that nobody has written it since.
async fn load<S: Default + DeserializeOwned>(cx: &Cx, key: &str) -> Result<(Doc<S>, When), StoreErr> {
    Ok(match cx.docs.get(key).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (Doc::default(), When::Absent),
    })
}

/// What a message does to the state, and what it has to say. A message that is refused does nothing.
fn run<L: Logic>(logic: &L, state: &mut L::State, msg: &Msg) -> Vec<Wire> {
    let (mut after, mut out) = (state.clone(), Out::of(&msg.id));
    match logic.handle(&mut after, msg, &mut out) {
        Ok(()) => {
            *state = after;
            out.into_wires()
        }
        Err(reject) => {
            info!("{} is refused: {reject}", msg.id);
            Vec::new()
        }
    }
}

/// Sends all of it, in order.
async fn publish(cx: &Cx, wires: &[Wire]) -> Result<(), Retry> {
    for wire in wires {
        cx.bus.send(&wire.queue, wire.msg.clone()).await?;
    }
    Ok(())
}

/// The state of an entity, from the documents alone.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    docs.get::<Doc<L::State>>(key).map(|doc| doc.state).unwrap_or_default()
}
