//! Also correct: the slots are a document beside the entity, and a batch under both versions writes them; the clean
//! writes only the slots
//! Why: no slot, and the version says that none came: so whoever asks after that may read the entity whenever it
//! likes.

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
        let skey = format!("{key}/slots");
        let (mut slots, mut swhen) = get_slots(cx, &skey).await?;
        let seen = cx.seen.contains(&msg.id).await?;
        let (mut doc, when) = load::<L::State>(cx, &key).await?;
        if seen {
            (slots, swhen) = get_slots(cx, &skey).await?;
        } else {
            if !slots.contains_key(&msg.id) {
                let wires = run(&self.logic, &mut doc.state, msg);
                slots.insert(msg.id.clone(), wires);
                let v = cx.docs.batch(&key).put(&key, &doc, when).put(&skey, &slots, swhen).commit().await?;
                swhen = When::Is(v[1].clone());
            }
            publish(cx, &slots[&msg.id]).await?;
            cx.seen.insert(&msg.id).await?;
        }
        if slots.remove(&msg.id).is_some() {
            cx.docs.put(&skey, &slots, swhen).await?;
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

async fn get_slots(cx: &Cx, k: &str) -> Result<(BTreeMap<MsgId, Vec<Wire>>, When), StoreErr> {
    Ok(match cx.docs.get(k).await? {
        Some((d, v)) => (d, When::Is(v)),
        None => (BTreeMap::new(), When::Absent),
    })
}
