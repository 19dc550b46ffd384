//! Also correct: the incoming token's document says which outgoing tokens were made for it, written under its version;
//! no ready
//! Why: one document decides whose tokens are sent, and it goes away with the message.

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
        let Some(token) = msg.headers.get(TOKEN) else { return Ok(()) };
        let at = kit::tokens::key(token);
        let key = L::key(msg);
        let (mut doc, mut when) = load::<L::State>(cx, &key).await?;
        let held = cx.docs.get::<Claim>(&at).await?;
        if let Some((claim, version)) = held {
            if !doc.slots.contains_key(&msg.id) {
                let wires = run(&self.logic, &mut doc.state, msg);
                doc.slots.insert(msg.id.clone(), Slot { wires, ready: false });
                when = commit(cx, &key, &doc, when).await?;
            }
            let slot = doc.slots.get_mut(&msg.id).unwrap();
            let names = match claim {
                Claim::Names(names) => names,
                Claim::New(_) => {
                    let mut names = Vec::new();
                    for _ in &slot.wires {
                        let name = cx.fresh_id().to_string();
                        cx.tokens.create(&name).await?;
                        names.push(name);
                    }
                    cx.docs.put(&at, &Claim::Names(names.clone()), When::Is(version)).await?;
                    names
                }
            };
            for (wire, name) in slot.wires.iter_mut().zip(names) {
                wire.msg.headers.insert(TOKEN.to_owned(), name);
            }
            publish(cx, &slot.wires).await?;
            cx.tokens.delete(token).await?;
        } else {
            (doc, when) = load::<L::State>(cx, &key).await?;
        }
        if doc.slots.remove(&msg.id).is_some() {
            commit(cx, &key, &doc, when).await?;
        }
        Ok(())
    }
}

/// What a token says: nothing, or which tokens were made for it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Claim {
    New(bool),
    Names(Vec<String>),
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
