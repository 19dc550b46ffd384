//! Dies by: every message has its effect, and says what it has to say
//! Why: whoever meets a conflict when it writes down a refusal has been overtaken, and has nothing to lose. It was
//! another message that came in between, and with it the same one would be accepted.

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
    /// What became of each message. One that says nothing, changes nothing, or is refused, has its place here, too: see
    /// `a_silent_logic_is_run_once_for_each_message` and `who_asks_again_gets_the_same_answer`.
    slots: BTreeMap<MsgId, Slot>,
}

/// What a message had to say when it was handled.
#[derive(Serialize, Deserialize)]
enum Slot {
    /// To be sent, as it stands here.
    Pending(Vec<Wire>),
    /// Sent. The words are gone: see `what_is_sent_is_not_kept`. That the message was handled must stay.
    Dispatched,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, mut when) = load::<L::State>(cx, &key).await?;
        if !doc.slots.contains_key(&msg.id) {
            let (mut after, mut out) = (doc.state.clone(), Out::of(&msg.id));
            if self.logic.handle(&mut after, msg, &mut out).is_err() {
                doc.slots.insert(msg.id.clone(), Slot::Dispatched);
                match commit(cx, &key, &doc, when).await {
                    Ok(_) | Err(StoreErr::Conflict) => {}
                    Err(error) => return Err(error.into()),
                }
                return Ok(());
            }
            let wires = run(&self.logic, &mut doc.state, msg);
            doc.slots.insert(msg.id.clone(), Slot::Pending(wires));
            when = commit(cx, &key, &doc, when).await?;
        }
        if let Some(Slot::Pending(wires)) = doc.slots.get(&msg.id) {
            publish(cx, wires).await?;
            doc.slots.insert(msg.id.clone(), Slot::Dispatched);
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
