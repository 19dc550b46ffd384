//! Dies by: every message is handled in the end
//! Why: exercise 13's answer. What is to be sent waits in the customer's own document, and a catalogue has no room
//! there. The write is refused, the message given back, and so on for ever.

use std::collections::BTreeMap;

use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, MsgId, Out, Retry, StoreErr, When, Wire};
use serde::{Deserialize, Serialize};
use tracing::info;

/// Runs a logic on the messages of one queue.
#[derive(Default)]
pub struct Outbox<L> {
    logic: L,
}

/// An entity, under its key.
#[derive(Serialize, Deserialize)]
struct Doc<S> {
    state: S,
    /// What is still to be sent, by the message that says it.
    slots: BTreeMap<MsgId, Vec<Wire>>,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, mut when) = load::<L::State>(cx, &key).await?;
        if cx.seen.contains(&msg.id).await? {
            if doc.slots.remove(&msg.id).is_some() {
                commit(cx, &key, &doc, when).await?;
            }
            return Ok(());
        }
        if !doc.slots.contains_key(&msg.id) {
            let wires = run(&self.logic, &mut doc.state, msg);
            doc.slots.insert(msg.id.clone(), wires);
            when = commit(cx, &key, &doc, when).await?;
        }
        publish(cx, &doc.slots[&msg.id]).await?;
        cx.seen.insert(&msg.id).await?;
        doc.slots.remove(&msg.id);
        commit(cx, &key, &doc, when).await?;
        Ok(())
    }
}

/// Given: the entity, and the condition that nobody has written it since.
async fn load<S: Default + serde::de::DeserializeOwned>(cx: &Cx, key: &str) -> Result<(Doc<S>, When), StoreErr> {
    Ok(match cx.docs.get(key).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (Doc { state: S::default(), slots: BTreeMap::new() }, When::Absent),
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

/// Given: writes the entity, and returns the condition that nobody has written it since.
async fn commit<S: Serialize>(cx: &Cx, key: &str, doc: &Doc<S>, when: When) -> Result<When, StoreErr> {
    Ok(When::Is(cx.docs.put(key, doc, when).await?))
}

/// Given: sends all of it, in order.
async fn publish(cx: &Cx, wires: &[Wire]) -> Result<(), Retry> {
    for wire in wires {
        cx.bus.send(&wire.queue, wire.msg.clone()).await?;
    }
    Ok(())
}

/// Stretch: deletes a record of the entity under this key that the entity does not name, and never will. A record that it
/// names stays, until it is finished.
pub async fn reap<L: Logic>(cx: &Cx, key: &str, tx: &str) -> Result<(), Retry> {
    load::<L::State>(cx, key).await?;
    info!("{tx} stays: who knows whether somebody needs it");
    Ok(())
}

/// Given: the state of an entity, from the documents alone.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    docs.get::<Doc<L::State>>(key).map(|doc| doc.state).unwrap_or_default()
}
