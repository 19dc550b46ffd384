//! Exercise 15 · Tokens
//!
//! Lecture  lectures/15_tokens.md
//! Spec     none: the whole algorithm is on this screen
//! Run      cargo test -p exercise-15
//! Hint     cargo workshop hint 15
//!
//! The auditor asks when the ids of handled messages may be deleted. The starting point is exercise 13's answer, which
//! keeps them for ever, because nobody can say when the last copy comes. So the story ends in
//!
//!     violated  when quiescent "when all is done, nothing speaks of a handled message"
//!
//! Your task: turn it round. Do not remember what was handled; keep a token for what is still to be handled. A message
//! carries its token in the header `TOKEN`, and has an effect only while the token exists. What you send needs tokens
//! of its own, which exist before it is sent, and are never created twice. `load`, `run` and `view` are given.
//!
//! Source: Masternak & Pobiega, "Token-based deduplication", exactly-once.github.io.

use std::collections::BTreeMap;

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
    wires: Vec<Wire>,
}

impl<L: Logic> Endpoint for Tokens<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, mut when) = load::<L::State>(cx, &key).await?;
        // TODO(15): this answers "was it handled?", and so it must be kept for ever. Which question can be answered by
        // something that goes away when the message is done? `kit::tokens::TOKEN` is the name of the header.
        if !cx.seen.contains(&msg.id).await? {
            if !doc.slots.contains_key(&msg.id) {
                let wires = run(&self.logic, &mut doc.state, msg);
                doc.slots.insert(msg.id.clone(), Slot { wires });
                when = commit(cx, &key, &doc, when).await?;
            }
            if let Some(slot) = doc.slots.get(&msg.id) {
                // TODO(15): whoever receives these wants to see a token in each. Where does an attempt get tokens from
                // that no other attempt has? How do all attempts come to send the same? `Slot` has room for it.
                publish(cx, &slot.wires).await?;
            }
            cx.seen.insert(&msg.id).await?;
        }
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
