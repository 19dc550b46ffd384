//! Also correct: each message is a document with a number, and with the state after it; the next number can be
//! created once
//! Why: `Absent` is the version. Whoever comes reads the chain from the beginning, and finds its own message, or the
//! end.

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
    id: String,
    words: Vec<Wire>,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let mut at = 0;
        let mut last = Doc::<L::State>::default();
        let (mut doc, mut when);
        loop {
            at += 1;
            (doc, when) = load::<L::State>(cx, &format!("{key}/{at:05}")).await?;
            if when == When::Absent {
                doc.state = last.state.clone();
                doc.words = run(&self.logic, &mut doc.state, msg);
                doc.id = msg.id.to_string();
                when = commit(cx, &format!("{key}/{at:05}"), &doc, when).await?;
            }
            if doc.id == *msg.id {
                break;
            }
            last = doc;
        }
        if !doc.words.is_empty() {
            publish(cx, &doc.words).await?;
            doc.words.clear();
            commit(cx, &format!("{key}/{at:05}"), &doc, when).await?;
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
    docs.list::<Doc<L::State>>(&format!("{key}/")).pop().map(|(_, doc)| doc.state).unwrap_or_default()
}
