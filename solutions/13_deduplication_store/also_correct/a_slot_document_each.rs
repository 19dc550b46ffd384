//! Also correct: each message in flight has a document of its own, beside the entity, written with it in one
//! batch
//! Why: the entity is only its state, and the slot a document of the same partition. The read order is the
//! same: first the entity and its slot, then the ids. The put of the state is the fence.

use kit::documents::partition;
use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, Out, Retry, When, Wire};
use tracing::info;

/// Runs a logic on the messages of one queue.
#[derive(Default)]
pub struct Inbox<L> {
    logic: L,
}

impl<L: Logic> Endpoint for Inbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let slot = format!("{key}/slot/{}", msg.id);
        let (mut state, when) = match cx.docs.get::<L::State>(&key).await? {
            Some((state, version)) => (state, When::Is(version)),
            None => (L::State::default(), When::Absent),
        };
        let found = cx.docs.get::<Vec<Wire>>(&slot).await?;
        if !cx.seen.contains(&msg.id).await? {
            let wires = match found {
                Some((wires, _)) => wires,
                None => {
                    let wires = run(&self.logic, &mut state, msg);
                    let batch = cx.docs.batch(partition(&key)).put(&key, &state, when).put(&slot, &wires, When::Absent);
                    batch.commit().await?;
                    wires
                }
            };
            publish(cx, &wires).await?;
            cx.seen.insert(&msg.id).await?;
        }
        cx.docs.delete(&slot, When::Always).await?;
        Ok(())
    }
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

/// Sends all of it, in order.
async fn publish(cx: &Cx, wires: &[Wire]) -> Result<(), Retry> {
    for wire in wires {
        cx.bus.send(&wire.queue, wire.msg.clone()).await?;
    }
    Ok(())
}

/// Given: the state of an entity, from the documents alone.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    docs.get(key).unwrap_or_default()
}
