//! Dies by: no two messages share a token
//! Why: each receiver sees to its own messages, so one token for each queue will do. The first of two letters deletes
//! it, and the second passes for a duplicate.

use std::collections::BTreeMap;

use kit::tokens::TOKEN;
use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, MsgId, Out, Retry, StoreErr, When, Wire};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::info;

/// Runs a logic on the messages of one queue.
#[derive(Default)]
pub struct Tokens<L> {
    logic: L,
}

/// An entity, under its key.
#[derive(Default, Serialize, Deserialize)]
struct Doc<S> {
    state: S,
    /// The messages in flight.
    slots: BTreeMap<MsgId, Slot>,
}

/// A message that had its effect, and what it has to say.
#[derive(Serialize, Deserialize)]
struct Slot {
    /// Once it is ready: with the tokens of the attempt that made it so, and with no others for ever.
    wires: Vec<Wire>,
    /// Whether these tokens exist, so that this may be sent.
    ready: bool,
}

impl<L: Logic> Endpoint for Tokens<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        // Nothing tells it from a duplicate: see `a_message_without_a_token_does_nothing`.
        let Some(token) = msg.headers.get(TOKEN) else {
            info!("{} has no token, and is rejected", msg.id);
            return Ok(());
        };
        let key = L::key(msg);
        let (mut doc, mut when) = load::<L::State>(cx, &key).await?;
        // The entity first: if its slot is missing and nobody has written since, then a token that is here belongs to a
        // message that nobody has handled. Asked the other way round, it is handled between the answer and the load.
        if cx.tokens.exists(token).await? {
            if !doc.slots.contains_key(&msg.id) {
                let wires = run(&self.logic, &mut doc.state, msg);
                doc.slots.insert(msg.id.clone(), Slot { wires, ready: false });
                when = commit(cx, &key, &doc, when).await?;
            }
            // They exist before `ready` says so, and before anybody can receive them. If two attempts come here, the
            // version lets one of them through: the other has sent nothing, and leaves its tokens behind.
            if let Some(slot) = doc.slots.get_mut(&msg.id).filter(|slot| !slot.ready) {
                stamp(cx, &mut slot.wires).await?;
                slot.ready = true;
                when = commit(cx, &key, &doc, when).await?;
            }
            if let Some(slot) = doc.slots.get(&msg.id) {
                publish(cx, &slot.wires).await?;
            }
            // All is sent, so nobody needs to come back; and the slot is still there. `Unknown` is no yes.
            cx.tokens.delete(token).await?;
        } else {
            // A duplicate. What was loaded may be older than the slot; from now on nobody can add one.
            (doc, when) = load::<L::State>(cx, &key).await?;
        }
        // Duplicates clean, too: the first attempt may have died before it did. Under the version: it may be old.
        if doc.slots.remove(&msg.id).is_some() {
            commit(cx, &key, &doc, when).await?;
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

/// Writes the entity, and returns the condition that nobody has written it since.
async fn commit<S: Serialize>(cx: &Cx, key: &str, doc: &Doc<S>, when: When) -> Result<When, StoreErr> {
    Ok(When::Is(cx.docs.put(key, doc, when).await?))
}

/// Gives each message a token that was never there before, and never will be again: see `a_credit_is_booked_once`.
async fn stamp(cx: &Cx, wires: &mut [Wire]) -> Result<(), StoreErr> {
    let mut tokens: BTreeMap<String, String> = BTreeMap::new();
    for wire in wires {
        if !tokens.contains_key(&wire.queue) {
            let token = cx.fresh_id().to_string();
            cx.tokens.create(&token).await?;
            tokens.insert(wire.queue.clone(), token);
        }
        wire.msg.headers.insert(TOKEN.to_owned(), tokens[&wire.queue].clone());
    }
    Ok(())
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
