//! Dies by: when all is done, the entity is as small as before
//! Why: a refusal has said nothing, so its id need not move out: a number stays in the entity. Somebody is refused
//! every day.

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
    #[serde(default)]
    no: std::collections::BTreeSet<u64>,
}

impl<L: Logic> Endpoint for Inbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, mut when) = load::<L::State>(cx, &key).await?;
        if doc.no.contains(&hash(&msg.id)) {
            return Ok(());
        }
        if cx.seen.contains(&msg.id).await? {
            (doc, when) = load(cx, &key).await?;
        } else {
            if !doc.slots.contains_key(&msg.id) {
                let before = doc.state.clone();
                let wires = run(&self.logic, &mut doc.state, msg);
                if wires.is_empty() && before == doc.state {
                    doc.no.insert(hash(&msg.id));
                    commit(cx, &key, &doc, when).await?;
                    return Ok(());
                }
                doc.slots.insert(msg.id.clone(), wires);
                when = commit(cx, &key, &doc, when).await?;
            }
            publish(cx, &doc.slots[&msg.id]).await?;
            cx.seen.insert(&msg.id).await?;
        }
        if doc.slots.remove(&msg.id).is_some() {
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

fn hash(id: &str) -> u64 {
    let mut h: u64 = 0xcbf29ce484222325;
    for b in id.bytes() {
        h ^= b as u64;
        h = h.wrapping_mul(0x100000001b3);
    }
    h ^ (h >> 29)
}
