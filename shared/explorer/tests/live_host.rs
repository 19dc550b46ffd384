//! The handlers that the explorer checks run unchanged under tokio: N workers on several threads, real time, faults
//! at random. At the end an audit: each message was processed once, and nothing is lost.

#[path = "../examples/reference/outbox.rs"]
#[allow(dead_code, reason = "the world of the explorer is not needed here")]
mod outbox;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use explorer::Handler;
use host::{Host, Odds, Struck};
use kit::endpoint::handler;
use kit::{Cx, Delivery, Endpoint, Msg, Retry, StoreErr, When};
use outbox::Order;

const ODDS: Odds = Odds { refused: 4, unknown: 6, duplicate: 10, crash: 8, ack_lost: 8, slow: 3 };

/// The reference handler, as the explorer's example has it.
fn outbox_handler(mark_before_send: bool) -> Handler {
    Arc::new(move |cx, delivery| Box::pin(async move { outbox::handle(&cx, &delivery, mark_before_send).await }))
}

/// Charges each order once, then sends a receipt of it.
#[derive(Default)]
struct Billing;

impl Endpoint for Billing {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let key = format!("charge/{}", delivery.id());
        match cx.docs.put(&key, &delivery.body::<u64>()?, When::Absent).await {
            Ok(_) | Err(StoreErr::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        cx.bus.send("receipts", Msg::new(format!("receipt-{}", delivery.id()), "Receipt", &1)).await?;
        Ok(())
    }
}

/// Runs a handler on a live host until its queue is empty.
fn run_live(seed: u64, odds: Odds, messages: u64, workers: usize, handler: &Handler) -> (Arc<Host>, Struck) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .expect("threads can be started");
    let host = runtime.block_on(async {
        let host = Host::new(seed, odds);
        for number in 1..=messages {
            host.publish("orders", Msg::new(format!("m{number}"), "PlaceOrder", &number)).await;
        }
        for _ in 0..workers {
            tokio::spawn(host.clone().work("orders", handler.clone()));
        }
        // A host that never comes to its end is a failure, not a hang.
        let drained = tokio::time::timeout(Duration::from_secs(60), host.drained("orders")).await;
        assert!(drained.is_ok(), "seed {seed}: after a minute there are still messages; {:?}", host.struck());
        host
    });
    runtime.shutdown_background();
    let struck = host.struck();
    (host, struck)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

/// Whatever the handlers do, their futures may cross threads. Checked when this is compiled.
#[test]
fn the_futures_of_handlers_are_send() {
    fn is_send<T: Send>(_: impl FnOnce(Cx, Delivery) -> T) {}
    is_send(|cx, delivery| async move { outbox::handle(&cx, &delivery, false).await });
    is_send(|cx, delivery| async move { Billing.on_message(&cx, &delivery).await });
    is_send(|cx, _| async move { (cx.docs.get::<u64>("a").await, cx.docs.batch("a").commit().await) });
    is_send(|cx, delivery| async move { (delivery.ack(&cx).await, cx.sleep(Duration::ZERO).await) });
    is_send(|cx, _| async move { kit::services::call::<_, u64>(&cx, "bank", &1).await });
}

/// One order takes hundreds of messages, all of them under optimistic concurrency.
#[test]
fn the_reference_handler_processes_each_message_once() {
    let messages = 200;
    let (host, struck) = run_live(1, ODDS, messages, 6, &outbox_handler(false));
    let order: Order = block_on(host.docs()).get("order").expect("there is an order");
    let items: BTreeSet<&String> = order.items.iter().collect();
    assert_eq!((order.items.len(), items.len()), (200, 200), "each item is there once; {struck:?}");
    assert!(order.outbox.values().all(Option::is_none), "every event was sent; {struck:?}");
    let events = block_on(host.sent("events"));
    let ids: BTreeSet<String> = events.iter().map(|event| event.id.to_string()).collect();
    let expected: BTreeSet<String> = (1..=messages).map(|number| format!("event-m{number}")).collect();
    assert_eq!(ids, expected, "no event is lost, and none is made up; {struck:?}");
    for event in &events {
        let id = event.id.trim_start_matches("event-");
        assert_eq!(event.body, format!("\"event of {id}\""), "every copy says the same");
    }
    assert_everything_struck(struck);
}

/// An endpoint as exercises have it; each order is a document of its own.
#[test]
fn an_endpoint_charges_each_order_once_and_sends_its_receipt() {
    let (host, struck) = run_live(2, ODDS, 400, 8, &handler::<Billing>());
    let charges = block_on(host.docs()).list::<u64>("charge/");
    assert_eq!(charges.len(), 400, "{struck:?}");
    assert!(charges.iter().all(|(key, amount)| *key == format!("charge/m{amount}")), "with its own amount");
    let receipts = block_on(host.sent("receipts"));
    let ids: BTreeSet<String> = receipts.iter().map(|receipt| receipt.id.to_string()).collect();
    assert_eq!(ids.len(), 400, "{struck:?}");
    assert_everything_struck(struck);
}

/// The audit would notice: the variant that takes the event out before it sends it loses some.
#[test]
fn the_wrong_variant_loses_events() {
    let (host, struck) = run_live(3, Odds { refused: 20, ..ODDS }, 200, 4, &outbox_handler(true));
    let order: Order = block_on(host.docs()).get("order").expect("there is an order");
    assert_eq!(order.items.len(), 200, "{struck:?}");
    let ids: BTreeSet<String> = block_on(host.sent("events")).iter().map(|event| event.id.to_string()).collect();
    assert!(ids.len() < 200, "all events went out, although {struck:?}");
}

/// Without faults, nothing is done twice.
#[test]
fn without_faults_each_event_goes_out_once() {
    let odds = Odds { refused: 0, unknown: 0, duplicate: 0, crash: 0, ack_lost: 0, slow: 0 };
    let (host, _) = run_live(4, odds, 100, 1, &outbox_handler(false));
    assert_eq!(block_on(host.sent("events")).len(), 100);
}

fn assert_everything_struck(struck: Struck) {
    let Struck { refused, took_effect, had_no_effect, duplicates, crashes, acks_lost, expired } = struck;
    let each = [refused, took_effect, had_no_effect, duplicates, crashes, acks_lost, expired];
    assert!(each.iter().all(|times| *times > 0), "some fault never struck: {struck:?}");
}
