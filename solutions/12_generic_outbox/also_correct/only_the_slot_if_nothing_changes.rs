//! Also correct: each slot is a document; where the state does not change, only the slot is written
//! Why: the slot is created where there is none, so it says no to whoever is late. What it says was true when the
//! entity was read, and that is an order like any other.

use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, MsgId, Out, Retry, StoreErr, When, Wire};
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
    /// Sent. The words are gone: see `what_is_sent_is_not_kept`. That the message was handled must stay.
    Dispatched,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let place = format!("{key}/slots/{}", msg.id);
        let (mut doc, when) = load::<L::State>(cx, &key).await?;
        let slot = match cx.docs.get::<Slot>(&place).await? {
            Some((slot, _)) => slot,
            None => {
                let before = doc.state.clone();
                let slot = Slot::Pending(run(&self.logic, &mut doc.state, msg));
                if before == doc.state {
                    cx.docs.put(&place, &slot, When::Absent).await?;
                } else {
                    let batch = cx.docs.batch(key.as_str()).put(&key, &doc, when).put(&place, &slot, When::Absent);
                    batch.commit().await?;
                }
                slot
            }
        };
        if let Slot::Pending(wires) = slot {
            publish(cx, &wires).await?;
            cx.docs.put(&place, &Slot::Dispatched, When::Always).await?;
        }
        Ok(())
    }
}

/// Given: the entity, and the condition that nobody has written it since.
async fn load<S: Default + DeserializeOwned>(cx: &Cx, key: &str) -> Result<(Doc<S>, When), StoreErr> {
    Ok(match cx.docs.get(key).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (Doc::default(), When::Absent),
    })
}

/// Given: what a message does to the state, and what it has to say. A message that is refused does nothing.
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

/// Given: sends all of it, in order.
async fn publish(cx: &Cx, wires: &[Wire]) -> Result<(), Retry> {
    for wire in wires {
        cx.bus.send(&wire.queue, wire.msg.clone()).await?;
    }
    Ok(())
}

/// Given: the state of an entity, from the documents alone.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    docs.get::<Doc<L::State>>(key).map(|doc| doc.state).unwrap_or_default()
}
