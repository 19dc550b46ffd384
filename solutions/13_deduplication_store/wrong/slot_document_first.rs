//! Dies by: each message has its effect at most once
//! Why: each slot is a document of its own, and is read first; then the entity, then the ids, as things travel. But
//! a slot begins as well as ends: it may come between the first read and the second, with the entity.

use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, MsgId, Out, Retry, StoreErr, When, Wire};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::info;

/// Runs a logic on the messages of one queue.
#[derive(Default)]
pub struct Inbox<L> {
    logic: L,
}

/// An entity, under its key.
#[derive(Default, Serialize, Deserialize)]
struct Doc<S> {
    state: S,
}

impl<L: Logic> Endpoint for Inbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let slot = format!("{key}/slot/{}", msg.id);
        let wires = cx.docs.get::<Vec<Wire>>(&slot).await?;
        let (mut doc, when) = load::<L::State>(cx, &key).await?;
        let seen = cx.seen.contains(&msg.id).await?;

        if !seen {
            let wires = match wires {
                Some((wires, _)) => wires,
                None => {
                    let wires = run(&self.logic, &mut doc.state, msg);
                    let batch = cx.docs.batch(key.as_str()).put(&key, &doc, when);
                    batch.put(&slot, &wires, When::Always).commit().await?;
                    wires
                }
            };
            publish(cx, &wires).await?;
            cx.seen.insert(&msg.id).await?;
        }
        cx.docs.delete(&slot, When::Always).await?;
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

/// Sends all of it, in order.
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
