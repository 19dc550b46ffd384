//! Exercise 14 · Out-of-document outbox
//!
//! Lecture  lectures/14_out_of_document_outbox.md
//! Spec     none: the whole algorithm is on this screen
//! Run      cargo test -p exercise-14
//! Hint     cargo workshop hint 14
//!
//! Tinsel & Torque sends catalogues. A catalogue fits into a document, and so does all that is known of a customer; both
//! together do not. The starting point is exercise 13's answer: until they are sent, the messages wait in the customer's
//! own document. The store says `TooLarge`, today, tomorrow, and every other time. So the story ends in
//!
//!     violated  can finish "every message is handled in the end"
//!
//! Your task: let what is to be sent wait in a document of its own (`cx.outbox`), and leave one short field in the
//! entity that says which. The two cannot be written at once: decide which comes first, and write `finish`, which ends
//! what somebody else has begun. `load`, `run`, `commit`, `publish` and `view` are given.
//!
//! Source: M. Herlihy, "Wait-free synchronization", ACM TOPLAS 13(1), 1991: whoever comes next helps to finish.

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
    // TODO(14): how large does this get? What would be enough to find it again, if it were somewhere else?
    /// What is still to be sent, by the message that says it.
    slots: BTreeMap<MsgId, Vec<Wire>>,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, mut when) = load::<L::State>(cx, &key).await?;
        // TODO(14): the one before us may have died after its commit. Who finishes its work, and when, and whose id goes
        // into `cx.seen` then?
        if cx.seen.contains(&msg.id).await? {
            if doc.slots.remove(&msg.id).is_some() {
                commit(cx, &key, &doc, when).await?;
            }
            return Ok(());
        }
        // TODO(14): `cx.outbox.put(tx, &Record { owner, msgs })` is one write, and this commit is another. Which first?
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
    // TODO(14), the stretch: an attempt that failed has left this record. Or is it one that is just about to commit?
    load::<L::State>(cx, key).await?;
    info!("{tx} stays: who knows whether somebody needs it");
    Ok(())
}

/// Given: the state of an entity, from the documents alone.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    docs.get::<Doc<L::State>>(key).map(|doc| doc.state).unwrap_or_default()
}
