//! Dies by: what was sent was committed
//! Why: state and field are two documents, and the field is read first: the state may be newer than what it says. Then
//! somebody else has finished, and cleared, in between.

use kit::outbox::Record;
use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, Out, Retry, StoreErr, Version, When, Wire};
use tracing::info;

/// Runs a logic on the messages of one queue.
#[derive(Default)]
pub struct Outbox<L> {
    logic: L,
}

fn pointer(key: &str) -> String {
    format!("{key}/tx")
}

struct Loaded<S> {
    state: S,
    when: When,
    tx: Option<(String, Version)>,
}

impl<L: Logic> Endpoint for Outbox<L> {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let msg = &delivery.msg;
        let key = L::key(msg);
        let mut loaded = load::<L::State>(cx, &key).await?;
        finish(cx, &key, &mut loaded).await?;
        if cx.seen.contains(&msg.id).await? {
            return Ok(());
        }
        let wires = run(&self.logic, &mut loaded.state, msg);
        let tx = cx.fresh_id().to_string();
        cx.outbox.put(&tx, &Record { owner: msg.id.clone(), msgs: wires }).await?;
        let batch =
            cx.docs.batch(&*key).put(&key, &loaded.state, loaded.when.clone()).put(&pointer(&key), &tx, When::Absent);
        let versions = batch.commit().await?;
        loaded.tx = Some((tx, versions[1].clone()));
        finish(cx, &key, &mut loaded).await
    }
}

async fn load<S: Default + serde::de::DeserializeOwned>(cx: &Cx, key: &str) -> Result<Loaded<S>, StoreErr> {
    let tx = cx.docs.get(&pointer(key)).await?;
    let (state, when) = match cx.docs.get(key).await? {
        Some((state, version)) => (state, When::Is(version)),
        None => (S::default(), When::Absent),
    };
    Ok(Loaded { state, when, tx })
}

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

async fn finish<S>(cx: &Cx, key: &str, loaded: &mut Loaded<S>) -> Result<(), Retry> {
    let Some((tx, version)) = loaded.tx.take() else { return Ok(()) };
    if let Some(record) = cx.outbox.get(&tx).await? {
        for wire in &record.msgs {
            cx.bus.send(&wire.queue, wire.msg.clone()).await?;
        }
        cx.seen.insert(&record.owner).await?;
        cx.outbox.delete(&tx).await?;
    }
    Ok(cx.docs.delete(&pointer(key), When::Is(version)).await?)
}

/// Stretch.
pub async fn reap<L: Logic>(cx: &Cx, key: &str, tx: &str) -> Result<(), Retry> {
    let loaded = load::<L::State>(cx, key).await?;
    if loaded.tx.as_ref().is_some_and(|(named, _)| named == tx) {
        return Ok(());
    }
    cx.docs.put(key, &loaded.state, loaded.when).await?;
    Ok(cx.outbox.delete(tx).await?)
}

/// The state.
pub fn view<L: Logic>(docs: &Docs, key: &str) -> L::State {
    docs.get::<L::State>(key).unwrap_or_default()
}
