//! The reference problem: an inline outbox, on which the explorer's counts and speed are compared with those of
//! model checkers.
//!
//! `cargo run --release -p explorer --example reference -- N D W F [--variant mark-before-send] [--no-reductions]`
//!
//! N messages, D copies of each, W workers, at most F faults. Prints one line of JSON: states, transitions,
//! seconds, verdict, steps.
//!
//! The handler gets the order; if the message's id is not in its outbox, it adds the item, remembers the event
//! under the id, and puts; if the event is still there, it sends it, clears it, and puts again. Get, put and send
//! may fail before the effect, put and send also after it; an ack may be lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use explorer::{Handler, Observation, Properties, Property, Reductions, Scenario, Verdict, explore};
use kit::{Cx, Delivery, Msg, Retry, When};
use serde::{Deserialize, Serialize};
use sim::{Fault, Faults};

const USAGE: &str =
    "usage: reference N D W F [--variant mark-before-send] [--no-reductions | --only copies,finished,...]
                 [--progress] [--tell]
  N messages, D copies of each, W workers, F faults: four whole numbers, such as 2 2 2 1";

#[derive(Default, Serialize, Deserialize)]
struct Order {
    items: Vec<String>,
    /// For each message: its event, or `None` once that was sent.
    outbox: BTreeMap<String, Option<String>>,
}

async fn handle(cx: &Cx, delivery: &Delivery, mark_before_send: bool) -> Result<(), Retry> {
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

fn scenario(messages: u8, copies: u8, workers: u8, faults: u8, mark_before_send: bool) -> Scenario {
    let handler: Handler =
        Arc::new(move |cx, delivery| Box::pin(async move { handle(&cx, &delivery, mark_before_send).await }));
    let kinds = [Fault::ReadRefused, Fault::WriteUnknown, Fault::SendUnknown, Fault::AckLost];
    let world = Scenario::new().handler("orders", "orders", workers, handler).faults(Faults::upto(faults).only(&kinds));
    (1..=messages).fold(world, |world, id| world.message("orders", Msg::new(format!("m{id}"), "Item", &id), copies))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let numbers: Vec<u8> = arguments.iter().map_while(|argument| argument.parse().ok()).collect();
    let [messages, copies, workers, faults] = numbers[..] else {
        eprintln!("{USAGE}\nbut the arguments were: {}", arguments.join(" "));
        std::process::exit(2);
    };
    let variant = arguments.iter().position(|argument| argument == "--variant").map(|at| arguments.get(at + 1));
    let mark_before_send = match variant {
        None => false,
        Some(Some(name)) if name == "mark-before-send" => true,
        Some(other) => {
            eprintln!("{USAGE}\nbut the variant was {other:?}");
            std::process::exit(2);
        }
    };
    let mut reductions = if has("--no-reductions") { Reductions::NONE } else { Reductions::ALL };
    if let Some(at) = arguments.iter().position(|argument| argument == "--only") {
        let names = arguments.get(at + 1).map_or("", String::as_str);
        let on = |name: &str| names.split(',').any(|other| other == name);
        reductions = Reductions {
            copies: on("copies"),
            finished: on("finished"),
            returns: on("returns"),
            workers: on("workers"),
            versions: on("versions"),
            budgets: on("budgets"),
        };
    }
    let judge = move |seen: &Observation<'_>| {
        let order = seen.docs().get::<Order>("order").unwrap_or_default();
        let sent = seen.facts(explorer::FactKind::Sent, "events").count();
        let all = usize::from(messages);
        if order.items.len() == all && sent == all {
            return Ok(());
        }
        Err(format!("the order has {} items, and {sent} events went out", order.items.len()))
    };
    let property = Property { claim: "at the end the order has N items and N events went out", why: "", judge: &judge };
    let mut properties = Properties { when_quiescent: vec![property], ..Properties::default() };
    if has("--progress") {
        properties.can_finish = Some(explorer::Progress { claim: "it can finish", why: "" });
    }
    let report =
        explore(&scenario(messages, copies, workers, faults, mark_before_send).reductions(reductions), &properties);
    let (verdict, steps) = match &report.verdict {
        Verdict::Holds => ("holds", 0),
        Verdict::Violated(violation) => ("violated", violation.trace.steps.len()),
        Verdict::Unrefuted { .. } => ("unrefuted", 0),
        Verdict::Vacuous { .. } => ("vacuous", 0),
        Verdict::NotWritten { .. } => ("not_written", 0),
    };
    let line = serde_json::json!({
        "states": report.counts.states,
        "transitions": report.counts.transitions,
        "runs": report.counts.runs,
        "seconds": (report.time.as_secs_f64() * 1e6).round() / 1e6,
        "verdict": verdict,
        "steps": steps,
    });
    println!("{line}");
    if has("--tell")
        && let Verdict::Violated(violation) = report.verdict
    {
        for step in violation.trace.steps {
            println!(
                "{}{}",
                step.line,
                if step.point_of_no_return { "   <-- from here on it cannot end well" } else { "" }
            );
        }
        println!("{}", violation.explanation);
    }
}
