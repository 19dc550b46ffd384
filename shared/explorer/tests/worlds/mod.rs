//! Small worlds written by hand, right ones and wrong ones, each with what is to be found in it.

#![allow(dead_code, reason = "each test binary needs a part of it")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use explorer::schedule::Schedule;
use explorer::{
    Client, FactKind, Handler, Observation, Progress, Properties, Property, Reductions, Replayed, Report, Scenario,
    Verdict, Violation, Walks, at_random, explore, outcomes, replay,
};
use kit::services::call;
use kit::{Cx, Delivery, Msg, Retry, StoreErr, When};
use sim::{Fact, Fault, Faults, Service};

type Judge = Box<dyn Fn(&Observation<'_>) -> Result<(), String> + Sync>;

/// A world with its properties.
pub(crate) struct World {
    pub(crate) name: &'static str,
    pub(crate) scenario: Scenario,
    always: Vec<(&'static str, Judge)>,
    when_quiescent: Vec<(&'static str, Judge)>,
    can_finish: bool,
    /// The property that is violated and the least faults that it takes; `None` if all hold.
    pub(crate) violated: Option<(&'static str, u8)>,
}

pub(crate) const CAN_FINISH: &str = "it can finish";

impl World {
    pub(crate) fn new(name: &'static str, scenario: Scenario) -> Self {
        World { name, scenario, always: Vec::new(), when_quiescent: Vec::new(), can_finish: true, violated: None }
    }

    pub(crate) fn always(
        mut self,
        claim: &'static str,
        holds: impl Fn(&Observation<'_>) -> bool + Sync + 'static,
    ) -> Self {
        self.always.push((claim, judge(holds)));
        self
    }

    pub(crate) fn at_the_end(
        mut self,
        claim: &'static str,
        holds: impl Fn(&Observation<'_>) -> bool + Sync + 'static,
    ) -> Self {
        self.when_quiescent.push((claim, judge(holds)));
        self
    }

    /// Says what is violated in it, and with how many faults.
    pub(crate) fn violates(mut self, claim: &'static str, faults: u8) -> Self {
        self.violated = Some((claim, faults));
        self
    }

    pub(crate) fn explore(&self, reductions: Reductions) -> Report {
        self.with_properties(|properties| explore(&self.scenario.clone().reductions(reductions), properties))
    }

    pub(crate) fn replay(&self, reductions: Reductions, schedule: &Schedule) -> Result<Replayed, String> {
        self.with_properties(|properties| replay(&self.scenario.clone().reductions(reductions), properties, schedule))
    }

    pub(crate) fn at_random(&self, walks: &Walks) -> Report {
        self.with_properties(|properties| at_random(&self.scenario, properties, walks))
    }

    /// Its violation.
    ///
    /// # Panics
    /// If nothing is violated.
    pub(crate) fn violation(&self, reductions: Reductions) -> Violation {
        match self.explore(reductions).verdict {
            Verdict::Violated(violation) => *violation,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    /// Every way in which it can end: documents and what went out. Nothing is judged.
    pub(crate) fn ends(&self, reductions: Reductions) -> Vec<String> {
        let queues = ["events", "orders", "billing", "reminders", "receipts"];
        let end = |seen: &Observation<'_>| {
            let docs: Vec<(&str, &str)> = seen.docs().pairs().collect();
            let sent: Vec<&Fact> = queues.iter().flat_map(|queue| seen.facts(FactKind::Sent, queue)).collect();
            format!("{docs:?} {sent:?} {:?}", seen.service("bank"))
        };
        match outcomes(&self.scenario.clone().reductions(reductions), &end) {
            Ok(ends) => ends.into_iter().collect(),
            Err(report) => vec![format!("{:?}", report.verdict)],
        }
    }

    fn with_properties<R>(&self, with: impl FnOnce(&Properties<'_>) -> R) -> R {
        let can_finish = self.can_finish.then_some(Progress { claim: CAN_FINISH, why: "" });
        with(&Properties {
            always: properties(&self.always),
            when_quiescent: properties(&self.when_quiescent),
            can_finish,
            sometimes: Vec::new(),
        })
    }
}

fn properties<'a>(list: &'a [(&'static str, Judge)]) -> Vec<Property<'a>> {
    list.iter().map(|(claim, judge)| Property { claim, why: "", judge: &**judge }).collect()
}

fn judge(holds: impl Fn(&Observation<'_>) -> bool + Sync + 'static) -> Judge {
    Box::new(move |seen| if holds(seen) { Ok(()) } else { Err("it is not so".to_owned()) })
}

/// A handler from an async function.
pub(crate) fn handler<F, Fut>(code: F) -> Handler
where
    F: Fn(Cx, Delivery) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Retry>> + Send + 'static,
{
    Arc::new(move |cx, delivery| Box::pin(code(cx, delivery)))
}

pub(crate) fn msg(id: &str) -> Msg {
    Msg::new(id, "PlaceOrder", &id)
}

/// Adds one to a counter, under optimistic concurrency or not.
pub(crate) async fn add_one(cx: &Cx, key: &str, careful: bool) -> Result<(), StoreErr> {
    let (count, when) = match cx.docs.get::<u64>(key).await? {
        Some((count, version)) => (count, When::Is(version)),
        None => (0, When::Absent),
    };
    cx.docs.put(key, &(count + 1), if careful { when } else { When::Always }).await?;
    Ok(())
}

fn number(seen: &Observation<'_>, key: &str) -> u64 {
    seen.docs().get(key).unwrap_or_default()
}

fn sent(seen: &Observation<'_>, queue: &str) -> usize {
    seen.facts(FactKind::Sent, queue).count()
}

/// Orders are billed by a second endpoint: first what is to be done, then the message; billing charges once.
fn two_endpoints(right: bool) -> World {
    let orders = handler(move |cx, delivery| async move {
        let mark = format!("accepted-{}", delivery.id());
        if right {
            cx.bus.send("billing", msg(delivery.id())).await?;
            cx.docs.put(&mark, &1, When::Always).await?;
        } else if cx.docs.put(&mark, &1, When::Absent).await != Err(StoreErr::Conflict) {
            cx.bus.send("billing", msg(delivery.id())).await?;
        }
        Ok(())
    });
    let billing = handler(|cx, delivery| async move {
        match cx.docs.put(&format!("charged-{}", delivery.id()), &1, When::Absent).await {
            Ok(_) | Err(StoreErr::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    });
    let kinds = [Fault::SendRefused, Fault::WriteUnknown, Fault::Crash, Fault::AckLost];
    let scenario = Scenario::new()
        .handler("Orders", "orders", 2, orders)
        .handler("Billing", "billing", 2, billing)
        .message("orders", msg("m1"), 1)
        .message("orders", msg("m2"), 1)
        .faults(Faults::upto(1).only(&kinds));
    let claim = "what is accepted is charged";
    let world = World::new("two endpoints", scenario).at_the_end(claim, |seen| {
        seen.docs().list::<u64>("accepted").len() == seen.docs().list::<u64>("charged").len()
    });
    if right { world } else { world.violates(claim, 1) }
}

/// Two clients add one each, until they are told that it is done.
fn clients(right: bool) -> World {
    let client = |name: &'static str| {
        Client::new(name, "Counter").calls("add", move |cx: Cx| async move {
            let key = format!("done-{name}");
            loop {
                let count = cx.docs.get::<u64>("counter/sum").await?;
                if cx.docs.get::<u64>(&format!("counter/{key}")).await?.is_some() {
                    return Ok::<u64, StoreErr>(0);
                }
                let (sum, when) = count.map_or((0, When::Absent), |(sum, version)| (sum, When::Is(version)));
                let when = if right { when } else { When::Always };
                let batch = cx.docs.batch("counter").put("counter/sum", &(sum + 1), when);
                match batch.put(&format!("counter/{key}"), &1, When::Absent).commit().await {
                    Err(StoreErr::Conflict) => {}
                    Err(error) => return Err(error),
                    Ok(_) => return Ok(1),
                }
            }
        })
    };
    let scenario = Scenario::new().client(client("anna")).client(client("ben")).faults(if right {
        Faults::upto(1).only(&[Fault::WriteUnknown, Fault::Crash, Fault::ReadRefused])
    } else {
        Faults::NONE
    });
    let claim = "both count";
    let world = World::new("clients", scenario).at_the_end(claim, |seen| number(seen, "counter/sum") == 2);
    if right { world } else { world.violates(claim, 0) }
}

/// A copy that failed twice is given up.
fn dead_letters(deliveries_max: u8) -> World {
    let orders = handler(|cx, delivery| async move {
        cx.docs.put(&format!("done-{}", delivery.id()), &1, When::Always).await?;
        Ok(())
    });
    let kinds = [Fault::WriteRefused, Fault::Crash, Fault::LockExpired];
    let scenario = Scenario::new()
        .handler("Orders", "orders", 2, orders)
        .message("orders", msg("m1"), 1)
        .deliveries_max("orders", deliveries_max)
        .faults(Faults::upto(2).only(&kinds).crashes(1));
    let world = World::new("dead letters", scenario);
    if deliveries_max > 2 { world } else { world.violates(CAN_FINISH, deliveries_max) }
}

/// A sum kept by weak reads: safe where the write is conditional.
fn stale_reads(right: bool) -> World {
    let orders = handler(move |cx, _| async move {
        let found = cx.docs.get_stale::<u64>("sum").await?;
        let (sum, when) = found.map_or((0, When::Absent), |(sum, version)| (sum, When::Is(version)));
        cx.docs.put("sum", &(sum + 1), if right { when } else { When::Always }).await?;
        Ok(())
    });
    let scenario = Scenario::new()
        .handler("Orders", "orders", 1, orders)
        .message("orders", msg("m1"), 1)
        .message("orders", msg("m2"), 1)
        .faults(Faults::upto(2).only(&[Fault::StaleRead]));
    let claim = "both count";
    let world = World::new("stale reads", scenario).at_the_end(claim, |seen| number(seen, "sum") == 2);
    if right { world } else { world.violates(claim, 1) }
}

/// A bank that settles what it was told, when it likes. Without a payment's id it takes every call for another.
fn service_with_timer(right: bool) -> World {
    let bank = Service::new("bank", "[[],0]", |state, request| {
        let (mut paid, settled): (Vec<String>, u64) = serde_json::from_str(state).unwrap_or_default();
        let id: String = serde_json::from_str(request).unwrap_or_default();
        if id.is_empty() || !paid.contains(&id) {
            paid.push(id);
        }
        (serde_json::to_string(&(paid, settled)).unwrap_or_default(), "\"ok\"".to_owned())
    });
    let bank = bank.with_timer(|state| {
        let (paid, settled): (Vec<String>, u64) = serde_json::from_str(state).ok()?;
        ((settled as usize) < paid.len()).then(|| serde_json::to_string(&(paid, settled + 1)).unwrap_or_default())
    });
    let pay = move |cx: Cx| async move { call::<_, String>(&cx, "bank", if right { "p1" } else { "" }).await };
    let client = Client::new("shopper", "Shop").calls("pay", pay);
    let kinds = [Fault::CallUnknown, Fault::CallRefused, Fault::Crash, Fault::Outage];
    let scenario = Scenario::new().service(bank).client(client).faults(Faults::upto(2).only(&kinds));
    let claim = "one payment is settled once";
    let world = World::new("service with timer", scenario)
        .at_the_end(claim, |seen| seen.service("bank").is_some_and(|state| state.ends_with("],1]")));
    if right { world } else { world.violates(claim, 1) }
}

/// A reminder goes out after a minute, unless it is paid by then. Whoever looks first and writes a second later
/// writes over what was paid in between.
fn time(right: bool) -> World {
    let orders = handler(|cx, delivery| async move {
        cx.bus.send_later("reminders", msg(delivery.id()), Duration::from_secs(60)).await?;
        cx.sleep(Duration::from_secs(30)).await;
        cx.docs.put("order", "paid", When::Always).await?;
        Ok(())
    });
    let reminders = handler(move |cx, _| async move {
        if cx.docs.get::<String>("order").await?.is_none() {
            cx.sleep(Duration::from_secs(1)).await;
            match cx.docs.put("order", "reminded", if right { When::Absent } else { When::Always }).await {
                Ok(_) | Err(StoreErr::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    });
    let scenario = Scenario::new()
        .handler("Orders", "orders", 1, orders)
        .handler("Reminders", "reminders", 1, reminders)
        .message("orders", msg("m1"), 1)
        .faults(Faults::upto(1).only(&[Fault::LockExpired, Fault::AckLost, Fault::WriteRefused]));
    let claim = "at the end it is paid";
    let world = World::new("time", scenario)
        .at_the_end(claim, |seen| seen.docs().get::<String>("order").is_some_and(|order| order == "paid"));
    if right { world } else { world.violates(claim, 0) }
}

/// Measurements on a queue that delivers at most once.
fn lossy_queue(may_lose: bool) -> World {
    let measure = handler(|cx, delivery| async move {
        cx.docs.put(&format!("seen-{}", delivery.id()), &1, When::Always).await?;
        Ok(())
    });
    let kinds: &[Fault] = if may_lose { &[Fault::Duplicate, Fault::Loss] } else { &[Fault::Duplicate] };
    let scenario = Scenario::new()
        .lossy_queue("events")
        .handler("Metrics", "events", 2, measure)
        .message("events", msg("m1"), 1)
        .message("events", msg("m2"), 2)
        .faults(Faults::upto(2).only(kinds));
    let claim = "both are seen";
    let world =
        World::new("lossy queue", scenario).at_the_end(claim, |seen| seen.docs().list::<u64>("seen-").len() == 2);
    if may_lose { world.violates(claim, 1) } else { world }
}

/// Acks first, so that nobody waits: whoever crashes then has lost the message.
fn early_ack(right: bool) -> World {
    let orders = handler(move |cx, delivery| async move {
        if !right {
            delivery.ack(&cx).await?;
        }
        cx.docs.put(&format!("done-{}", delivery.id()), &1, When::Always).await?;
        if right {
            delivery.ack(&cx).await?;
        }
        Ok(())
    });
    let kinds = [Fault::Crash, Fault::AckLost, Fault::LockExpired, Fault::WriteRefused];
    let scenario = Scenario::new()
        .handler("Orders", "orders", 2, orders)
        .message("orders", msg("m1"), 2)
        .message("orders", msg("m2"), 1)
        .faults(Faults::upto(2).only(&kinds).crashes(1));
    let claim = "both are done";
    let world = World::new("early ack", scenario).at_the_end(claim, |seen| seen.docs().list::<u64>("done-").len() == 2);
    if right { world } else { world.violates(claim, 1) }
}

/// Two sends at once, of which the second is given up when the first is refused.
fn in_flight(right: bool) -> World {
    let orders = handler(move |cx, delivery| async move {
        let receipt = cx.bus.send("receipts", Msg::new(format!("r-{}", delivery.id()), "Receipt", &1));
        let mark = cx.docs.put("mark", &1, When::Always);
        if right {
            let (receipt, mark) = futures::join!(receipt, mark);
            receipt?;
            mark?;
        } else {
            futures::future::select(Box::pin(receipt), Box::pin(mark)).await;
        }
        Ok(())
    });
    let scenario = Scenario::new()
        .handler("Orders", "orders", 1, orders)
        .message("orders", msg("m1"), 2)
        .faults(Faults::upto(1).only(&[Fault::SendRefused, Fault::WriteUnknown]));
    let claim = "the mark is set, and the receipt went out";
    let world = World::new("in flight", scenario)
        .at_the_end(claim, |seen| number(seen, "mark") == 1 && sent(seen, "receipts") == 1);
    if right { world } else { world.violates(claim, 0) }
}

/// All of them.
pub(crate) fn all() -> Vec<World> {
    vec![
        two_endpoints(true),
        two_endpoints(false),
        clients(true),
        clients(false),
        dead_letters(1),
        dead_letters(2),
        dead_letters(3),
        stale_reads(true),
        stale_reads(false),
        service_with_timer(true),
        service_with_timer(false),
        time(true),
        time(false),
        lossy_queue(false),
        lossy_queue(true),
        early_ack(true),
        early_ack(false),
        in_flight(true),
        in_flight(false),
    ]
}
