//! Also correct: keeps the messages in the order in which they were handled, and no words at all; works out the
//! state, and what each had to say, by running the logic from the beginning
//! Why: a logic is a function of state and message, and the log has both, for ever. Slow, and as long as the log:
//! and wrong on the day on which the logic is changed.

use std::collections::BTreeSet;

use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, MsgId, Out, Retry, StoreErr, When, Wire};
use serde::{Deserialize, Serialize};

/// Runs a logic on the messages of one queue.
#[derive(Default)]
pub struct Outbox<L> {
    logic: L,
}

/// An entity, under its key.
#[derive(Default, Serialize, Deserialize)]
struct Doc {
    /// The messages that were handled, in this order.
    log: Vec<Msg>,
    /// Those of them whose words are sent.
    dispatched: BTreeSet<MsgId>,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, mut when) = load(cx, &key).await?;
        if !doc.log.iter().any(|known| known.id == msg.id) {
            doc.log.push(msg.clone());
            when = When::Is(cx.docs.put(&key, &doc, when).await?);
        }
        if doc.dispatched.insert(msg.id.clone()) {
            let place = doc.log.iter().position(|known| known.id == msg.id).unwrap_or_default();
            let (_, wires) = replay(&self.logic, &doc.log[..=place]);
            for wire in wires {
                cx.bus.send(&wire.queue, wire.msg).await?;
            }
            cx.docs.put(&key, &doc, when).await?;
        }
        Ok(())
    }
}

/// The entity, and the condition that nobody has written it since.
async fn load(cx: &Cx, key: &str) -> Result<(Doc, When), StoreErr> {
    Ok(match cx.docs.get(key).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (Doc::default(), When::Absent),
    })
}

/// The state after these messages, and what the last one had to say.
fn replay<L: Logic>(logic: &L, log: &[Msg]) -> (L::State, Vec<Wire>) {
    log.iter().fold((L::State::default(), Vec::new()), |(state, _), msg| {
        let (mut after, mut out) = (state.clone(), Out::of(&msg.id));
        match logic.handle(&mut after, msg, &mut out) {
            Ok(()) => (after, out.into_wires()),
            Err(_) => (state, Vec::new()),
        }
    })
}

/// The state of an entity, from the documents alone.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    let doc: Doc = docs.get(key).unwrap_or_default();
    replay(&L::default(), &doc.log).0
}
