//! Dies by: each message has its effect at most once
//! Why: each slot is a document, deleted without a write of the entity. It is read last: the answer of the ids is
//! older, and the message was remembered and its slot dropped in between.

use std::collections::BTreeMap;

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
    slots: BTreeMap<MsgId, Vec<Wire>>,
}

impl<L: Logic> Endpoint for Inbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let skey = format!("{key}/{}", msg.id);
        let (mut doc, when) = load::<L::State>(cx, &key).await?;
        let seen = cx.seen.contains(&msg.id).await?;
        let slot = cx.docs.get::<Vec<Wire>>(&skey).await?;
        if seen {
            if slot.is_some() {
                cx.docs.delete(&skey, When::Always).await?;
            }
            return Ok(());
        }
        let wires = match slot {
            Some((w, _)) => w,
            None => {
                let wires = run(&self.logic, &mut doc.state, msg);
                cx.docs.batch(&key).put(&key, &doc, when).put(&skey, &wires, When::Absent).commit().await?;
                wires
            }
        };
        publish(cx, &wires).await?;
        cx.seen.insert(&msg.id).await?;
        cx.docs.delete(&skey, When::Always).await?;
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

/// Writes the entity, and returns the condition that nobody has written it since.
async fn commit<S: Serialize>(cx: &Cx, key: &str, doc: &Doc<S>, when: When) -> Result<When, StoreErr> {
    Ok(When::Is(cx.docs.put(key, doc, when).await?))
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
