//! The brute-force search itself against TLC and stateright: the reference problem of `shared/design/reference`.

use std::collections::BTreeMap;

use kit::{Cx, Delivery, Msg, Retry, When};
use sim::Fault;

use crate::brute;
use crate::spec::short::message;
use crate::spec::{Coded, EndpointSpec, Kept, OUT, Program, Spec};

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Order {
    items: Vec<String>,
    /// By message: is its event still to be sent?
    outbox: BTreeMap<String, bool>,
}

fn add_and_send(cx: Cx, delivery: Option<Delivery>) -> Coded {
    Box::pin(async move {
        let id = delivery.ok_or_else(|| Retry::because("it handles messages"))?.id().to_string();
        let (mut order, mut when) = match cx.docs.get::<Order>("order").await? {
            Some((order, version)) => (order, When::Is(version)),
            None => (Order::default(), When::Absent),
        };
        if !order.outbox.contains_key(&id) {
            order.items.push(id.clone());
            order.outbox.insert(id.clone(), true);
            when = When::Is(cx.docs.put("order", &order, when).await?);
        }
        if order.outbox[&id] {
            cx.bus.send(OUT, Msg::new(&id, "event", "b")).await?;
            order.outbox.insert(id, false);
            cx.docs.put("order", &order, when).await?;
        }
        Ok(String::new())
    })
}

/// 2 messages with 2 copies each, 2 workers, 1 fault: TLC, stateright and a prototype count 54,024 states.
#[test]
fn brute_counts_as_model_checkers_do() {
    let faults = [Fault::ReadRefused, Fault::WriteUnknown, Fault::SendUnknown, Fault::AckLost];
    let spec = Spec {
        messages: vec![message("in", "m1", 2), message("in", "m2", 2)],
        endpoints: vec![EndpointSpec { name: "Orders", queue: "in", workers: 2, program: Program::Code(add_and_send) }],
        total: 1,
        faults: faults.map(|fault| (fault, 1)).to_vec(),
        kept: [(Kept::Sent, OUT)].into(),
        ..Spec::default()
    };
    let space = brute::explore(&spec, 100_000).expect("it is small enough");
    assert_eq!(space.nodes.len(), 54_024);
}
