//! The reference problem's handler, its world and its property: an inline outbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use explorer::{FactKind, Handler, Observation, Progress, Properties, Property, Reductions, Report, Scenario, explore};
use kit::{Cx, Delivery, Msg, Retry, When};
use serde::{Deserialize, Serialize};
use sim::{Fault, Faults};

/// What must hold at the end.
pub(crate) const CLAIM: &str = "at the end the order has N items and N events went out";

/// The order, with its outbox inside.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) items: Vec<String>,
    /// For each message: its event, or `None` once that was sent.
    pub(crate) outbox: BTreeMap<String, Option<String>>,
}

/// Adds the message's item, then sends its event; each once, however often the message comes.
pub(crate) async fn handle(cx: &Cx, delivery: &Delivery, mark_before_send: bool) -> Result<(), Retry> {
    let id = delivery.id().to_string();
    let found = cx.docs.get::<Order>("order").await?;
    let (mut order, mut when) = match found {
        Some((order, version)) => (order, When::Is(version)),
        None => (Order::default(), When::Absent),
    };
    if !order.outbox.contains_key(&id) {
        order.items.push(id.clone());
        order.outbox.insert(id.clone(), Some(format!("event of {id}")));
        when = When::Is(cx.docs.put("order", &order, when).await?);
    }
    let Some(event) = order.outbox.get_mut(&id).and_then(Option::take) else { return Ok(()) };
    let event = Msg::new(format!("event-{id}"), "Event", &event);
    if mark_before_send {
        cx.docs.put("order", &order, when).await?;
        cx.bus.send("events", event).await?;
    } else {
        cx.bus.send("events", event).await?;
        cx.docs.put("order", &order, when).await?;
    }
    Ok(())
}

/// One size of the problem.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    pub(crate) messages: u8,
    /// Of each message.
    pub(crate) copies: u8,
    pub(crate) workers: u8,
    pub(crate) faults: u8,
    /// The wrong variant: it takes the event from the outbox before it sends it.
    pub(crate) mark_before_send: bool,
}

impl World {
    /// N messages, D copies of each, W workers, at most F faults.
    pub(crate) fn new([messages, copies, workers, faults]: [u8; 4]) -> Self {
        World { messages, copies, workers, faults, mark_before_send: false }
    }

    /// Explores it; with `progress`, also whether it can finish, for which the steps are recorded.
    pub(crate) fn explore(self, reductions: Reductions, progress: bool) -> Report {
        self.ask(progress, |properties| explore(&self.scenario().reductions(reductions), properties))
    }

    pub(crate) fn scenario(self) -> Scenario {
        let World { messages, copies, workers, faults, mark_before_send } = self;
        let handler: Handler =
            Arc::new(move |cx, delivery| Box::pin(async move { handle(&cx, &delivery, mark_before_send).await }));
        let kinds = [Fault::ReadRefused, Fault::WriteUnknown, Fault::SendUnknown, Fault::AckLost];
        let world =
            Scenario::new().handler("orders", "orders", workers, handler).faults(Faults::upto(faults).only(&kinds));
        (1..=messages).fold(world, |world, id| world.message("orders", Msg::new(format!("m{id}"), "Item", &id), copies))
    }

    /// What comes of asking for its property.
    pub(crate) fn ask<R>(self, progress: bool, with: impl FnOnce(&Properties<'_>) -> R) -> R {
        let judge = |seen: &Observation<'_>| {
            let order = seen.docs().get::<Order>("order").unwrap_or_default();
            let sent = seen.facts(FactKind::Sent, "events").count();
            let all = usize::from(self.messages);
            if order.items.len() == all && sent == all {
                return Ok(());
            }
            Err(format!("the order has {} items, and {sent} events went out", order.items.len()))
        };
        let property = Property { claim: CLAIM, why: "", judge: &judge };
        let can_finish = progress.then_some(Progress { claim: "it can finish", why: "" });
        with(&Properties { when_quiescent: vec![property], can_finish, ..Properties::default() })
    }
}
