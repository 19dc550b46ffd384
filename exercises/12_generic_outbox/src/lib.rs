//! Exercise 12 · Generic outbox
//!
//! Lecture  lectures/12_outbox.md
//! Spec     none: the whole algorithm is on this screen
//! Run      cargo test -p exercise-12
//! Hint     cargo workshop hint 12
//!
//! Five handlers of the shop are copies of each other, but for a few lines of business code: a logic. Here is the rest,
//! once, for any logic. The starting point marks the messages (exercise 07), and for a repetition it runs the logic again,
//! to know what to say. A logic that you do not know may say something else then. So the story ends in
//!
//!     violated  always "whatever is sent again is the same, under the same id"
//!
//! Your task: give each message a slot, with what it has to say, in the same put as the change (exercise 08). Send what
//! the slot holds; then mark it, and keep no words. What is marked `Given` may stay as it is.
//!
//! Source: Chris Richardson, "Pattern: Transactional outbox", microservices.io/patterns/data/transactional-outbox.html.

use std::collections::BTreeSet;

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
    /// The messages that are in the state (exercise 07).
    processed: BTreeSet<MsgId>,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, when) = load::<L::State>(cx, &key).await?;
        let is_new = doc.processed.insert(msg.id.clone());
        // TODO(12): what does the logic say to a repetition? Which state did it see the first time?
        let wires = run(&self.logic, &mut doc.state, msg);
        if is_new {
            commit(cx, &key, &doc, when).await?;
        }
        publish(cx, &wires).await
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

/// Given: the state of an entity, from the documents alone.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    docs.get::<Doc<L::State>>(key).map(|doc| doc.state).unwrap_or_default()
}
