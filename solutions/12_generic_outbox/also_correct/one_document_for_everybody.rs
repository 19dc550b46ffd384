//! Also correct: all entities are in one document
//! Why: right, and slow: everybody meets everybody. A store's limits come soon.

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

/// Every entity, by its key.
type All<S> = BTreeMap<String, Doc<S>>;

/// The key of the only document.
const ALL: &str = "all";

/// An entity.
#[derive(Default, Serialize, Deserialize)]
struct Doc<S> {
    state: S,
    /// What became of each message.
    slots: BTreeMap<MsgId, Slot>,
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
        let (mut all, mut when) = load::<L::State>(cx).await?;
        let doc = all.entry(key).or_default();
        if !doc.slots.contains_key(&msg.id) {
            let wires = run(&self.logic, &mut doc.state, msg);
            doc.slots.insert(msg.id.clone(), Slot::Pending(wires));
            when = commit(cx, &all, when).await?;
        }
        let slots = &mut all.entry(L::key(msg)).or_default().slots;
        if let Some(Slot::Pending(wires)) = slots.get(&msg.id) {
            publish(cx, wires).await?;
            slots.insert(msg.id.clone(), Slot::Dispatched);
            commit(cx, &all, when).await?;
        }
        Ok(())
    }
}

/// The entities, and the condition that nobody has written it since.
async fn load<S: DeserializeOwned>(cx: &Cx) -> Result<(All<S>, When), StoreErr> {
    Ok(match cx.docs.get(ALL).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (All::new(), When::Absent),
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

/// Writes the entities, and returns the condition that nobody has written it since.
async fn commit<S: Serialize>(cx: &Cx, all: &All<S>, when: When) -> Result<When, StoreErr> {
    Ok(When::Is(cx.docs.put(ALL, all, when).await?))
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
    let mut all: All<L::State> = docs.get(ALL).unwrap_or_default();
    all.remove(key).map(|doc| doc.state).unwrap_or_default()
}
