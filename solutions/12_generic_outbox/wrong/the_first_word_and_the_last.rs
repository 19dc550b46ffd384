//! Dies by: every message has its effect, and says what it has to say
//! Why: a message has a first word, and perhaps one that ends it. What stands between them is never sent, and is
//! marked. It takes a logic that says three things.

use std::collections::BTreeMap;

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
    slots: BTreeMap<MsgId, Slot>,
}

/// What a message had to say when it was handled.
#[derive(Serialize, Deserialize)]
enum Slot {
    Pending(Vec<Wire>),
    Dispatched,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, mut when) = load::<L::State>(cx, &key).await?;
        if !doc.slots.contains_key(&msg.id) {
            let wires = run(&self.logic, &mut doc.state, msg);
            doc.slots.insert(msg.id.clone(), Slot::Pending(wires));
            when = commit(cx, &key, &doc, when).await?;
        }
        if let Some(Slot::Pending(wires)) = doc.slots.get(&msg.id) {
            if let Some(first) = wires.first() {
                publish(cx, std::slice::from_ref(first)).await?;
            }
            if wires.len() > 1 {
                publish(cx, &wires[wires.len() - 1..]).await?;
            }
            doc.slots.insert(msg.id.clone(), Slot::Dispatched);
            commit(cx, &key, &doc, when).await?;
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
