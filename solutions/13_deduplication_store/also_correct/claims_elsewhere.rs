//! Also correct: a claim in a partition of its own: its number stands in the slot first, and then in a note that is created where there
//! is none; whoever finds its own number there runs the message
//! Why: the note decides, not a read: a weak one would do. A duplicate makes a slot with a new number, meets
//! the old note, and drops its slot again.

use std::collections::BTreeMap;

use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, MsgId, Out, Retry, StoreErr, Uuid, When, Wire};
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
    slots: BTreeMap<MsgId, Slot>,
}

/// A message in flight: who may run it, and, once it ran, what it has to say.
#[derive(Serialize, Deserialize)]
struct Slot {
    claim: Uuid,
    wires: Option<Vec<Wire>>,
}

impl<L: Logic> Endpoint for Inbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, mut when) = load::<L::State>(cx, &key).await?;
        let claim = match doc.slots.get(&msg.id) {
            Some(slot) => slot.claim,
            None => {
                let claim = cx.fresh_id();
                doc.slots.insert(msg.id.clone(), Slot { claim, wires: None });
                when = commit(cx, &key, &doc, when).await?;
                claim
            }
        };
        let note = format!("claims/{}", msg.id);
        let ours = match cx.docs.put(&note, &claim, When::Absent).await {
            Ok(_) => true,
            Err(StoreErr::Conflict) => cx.docs.get::<Uuid>(&note).await?.is_some_and(|(other, _)| other == claim),
            Err(error) => return Err(error.into()),
        };
        if ours {
            if doc.slots[&msg.id].wires.is_none() {
                let wires = run(&self.logic, &mut doc.state, msg);
                doc.slots.insert(msg.id.clone(), Slot { claim, wires: Some(wires) });
                when = commit(cx, &key, &doc, when).await?;
            }
            publish(cx, doc.slots[&msg.id].wires.as_deref().unwrap_or_default()).await?;
        }
        doc.slots.remove(&msg.id);
        commit(cx, &key, &doc, when).await?;
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

/// Given: the state of an entity, from the documents alone.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    docs.get::<Doc<L::State>>(key).map(|doc| doc.state).unwrap_or_default()
}
