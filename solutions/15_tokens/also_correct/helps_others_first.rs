//! Also correct: one slot at a time, as in exercise 14: whoever finds another's finishes that first
//! Why: the slot holds its message's token, too; so anybody can do all that is left to do.

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
    token: String,
}

impl<L: Logic> Endpoint for Tokens<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let Some(token) = msg.headers.get(TOKEN) else { return Ok(()) };
        let key = L::key(msg);
        let (mut doc, when) = load::<L::State>(cx, &key).await?;
        let when = help(cx, &key, &mut doc, when).await?;
        if !cx.tokens.exists(token).await? {
            return Ok(());
        }
        let wires = run(&self.logic, &mut doc.state, msg);
        doc.slots.insert(msg.id.clone(), Slot { wires, ready: false, token: token.clone() });
        let when = commit(cx, &key, &doc, when).await?;
        help(cx, &key, &mut doc, when).await?;
        Ok(())
    }
}

async fn help<S: Serialize>(cx: &Cx, key: &str, doc: &mut Doc<S>, mut when: When) -> Result<When, Retry> {
    let Some(slot) = doc.slots.values_mut().next() else { return Ok(when) };
    if !slot.ready {
        stamp(cx, &mut slot.wires).await?;
        slot.ready = true;
        when = commit(cx, key, doc, when).await?;
    }
    for slot in doc.slots.values() {
        publish(cx, &slot.wires).await?;
        cx.tokens.delete(&slot.token).await?;
    }
    doc.slots.clear();
    Ok(commit(cx, key, doc, when).await?)
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
    for wire in wires {
        let token = cx.fresh_id().to_string();
        cx.tokens.create(&token).await?;
        wire.msg.headers.insert(TOKEN.to_owned(), token);
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
