//! Dies by: what was sent was committed
//! Why: the entity names the record, and a weak read finds none; so all of it is done, and the field may be cleared.
//! The read was behind: the words are lost, and the message is handled once more.

use kit::outbox::Record;
use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, Out, Retry, StoreErr, When, Wire};
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
    // One short field, whatever a message has to say: see `a_catalogue_is_sent_once`, where nothing more has room.
    /// The record of the last commit, until somebody has finished it.
    tx: Option<String>,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let (mut doc, when) = load::<L::State>(cx, &key).await?;
        // Whatever is left to do, for whomever: our own commit would overwrite the field, and with it the only way to
        // the record. Before the check, because this may be our own earlier attempt, and then it inserts our own id.
        let when = finish(cx, &key, &mut doc, when).await?;
        if cx.seen.contains(&msg.id).await? {
            return Ok(());
        }
        let wires = run(&self.logic, &mut doc.state, msg);
        // A fresh id for each attempt: under the message's own, a late attempt would overwrite what was committed. And
        // before the commit, for afterwards it might not come to it.
        let tx = cx.fresh_id().to_string();
        cx.outbox.put(&tx, &Record { owner: msg.id.clone(), msgs: wires }).await?;
        doc.tx = Some(tx);
        // An error leaves the record where it is: after `Unknown`, it may be the one that the entity names.
        let when = commit(cx, &key, &doc, when).await?;
        finish(cx, &key, &mut doc, when).await?;
        Ok(())
    }
}

/// Given: the entity, and the condition that nobody has written it since.
async fn load<S: Default + serde::de::DeserializeOwned>(cx: &Cx, key: &str) -> Result<(Doc<S>, When), StoreErr> {
    Ok(match cx.docs.get(key).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (Doc { state: S::default(), tx: None }, When::Absent),
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

/// Does what the last commit has left to do, and returns the condition that nobody has written the entity since. Any
/// number of workers may be here with one record: every step may be done again, until the last one, which only the first
/// of them does.
async fn finish<S: Serialize>(cx: &Cx, key: &str, doc: &mut Doc<S>, when: When) -> Result<When, Retry> {
    let Some(tx) = doc.tx.take() else { return Ok(when) };
    // No record: somebody has done all of it, and did not come to the last step. A weak read would not prove that.
    if let Some(record) = cx.outbox.get(&tx).await? {
        publish(cx, &record.msgs).await?;
        // Not the message in our hands: the one that was committed.
        cx.seen.insert(&record.owner).await?;
        // Not earlier: whoever finds no record believes that all of this is done.
        cx.outbox.delete(&tx).await?;
    }
    Ok(commit(cx, key, doc, when).await?)
}

/// Stretch: deletes a record of the entity under this key that the entity does not name, and never will. A record that it
/// names stays, until it is finished.
pub async fn reap<L: Logic>(cx: &Cx, key: &str, tx: &str) -> Result<(), Retry> {
    let (doc, when) = load::<L::State>(cx, key).await?;
    if doc.tx.as_deref() == Some(tx) {
        if cx.outbox.get_stale(tx).await?.is_none() {
            commit(cx, key, &Doc { state: doc.state, tx: None }, when).await?;
        }
        return Ok(());
    }
    // A fence: the same document, under a new version. Whoever still holds this record has loaded an older one, and
    // cannot commit any more. Without it, an attempt may commit after our look, see `who_reaps_takes_nothing_away`.
    commit(cx, key, &doc, when).await?;
    Ok(cx.outbox.delete(tx).await?)
}

/// Given: the state of an entity, from the documents alone.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    docs.get::<Doc<L::State>>(key).map(|doc| doc.state).unwrap_or_default()
}
