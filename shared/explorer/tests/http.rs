//! Requests over HTTP: a test for each step, each fault, and each thing that a caller may rely on.

mod worlds;

use std::time::Duration;

use explorer::{Client, Event, Properties, Reductions, Scenario, Verdict, Witness, explore};
use kit::{Cx, HttpErr, Msg, Request, Response, Retry, Server, When};
use serde_json::json;
use sim::{Fault, Faults, Service};
use worlds::{World, handler};

/// Counts what it is asked to do, under the condition that nobody wrote in between.
#[derive(Default)]
struct Counter;

impl Server for Counter {
    async fn on_request(&self, cx: &Cx, request: &Request) -> Result<Response, Retry> {
        let found = cx.docs.get::<u32>(&request.path).await?;
        let (count, when) = found.map_or((0, When::Absent), |(count, version)| (count, When::Is(version)));
        cx.docs.put(&request.path, &(count + 1), when).await?;
        Ok(Response::with(200, &(count + 1)))
    }
}

/// The same in one step.
fn counting() -> Service {
    Service::over_http("bank", "0", |state, _| {
        let count: u32 = state.parse().expect("the state is a number");
        ((count + 1).to_string(), Response::with(200, &(count + 1)))
    })
}

async fn ask(cx: Cx) -> Result<String, HttpErr> {
    cx.http.post("http://bank/count", &()).await.map(|response| response.to_string())
}

fn asks_once() -> Client {
    Client::new("shopper", "shop").tries("count", ask)
}

fn with_server(faults: Faults) -> Scenario {
    Scenario::new().server::<Counter>("Bank", "bank", 1).client(asks_once()).faults(faults)
}

fn with_service(faults: Faults) -> Scenario {
    Scenario::new().http_service(counting()).client(asks_once()).faults(faults)
}

/// Every way in which a world ends: what the shopper heard, and how often was counted.
fn ends(scenario: Scenario) -> Vec<String> {
    let both = [Reductions::ALL, Reductions::NONE].map(|reductions| {
        let end = |seen: &explorer::Observation<'_>| {
            let heard: Vec<String> = seen
                .facts(explorer::FactKind::Answered, "shopper")
                .map(|fact| match fact {
                    sim::Fact::Answered { answer: Ok(answer), .. } => {
                        serde_json::from_str::<String>(answer).expect("a string")
                    }
                    sim::Fact::Answered { answer: Err(error), .. } => {
                        error.split(':').next().unwrap_or_default().to_owned()
                    }
                    other => format!("{other:?}"),
                })
                .collect();
            let counted = seen.service("bank").map(str::to_owned);
            let counted = counted.or_else(|| seen.docs().get::<u32>("/count").map(|count| count.to_string()));
            format!("{}, counted {}", heard.join(" then "), counted.unwrap_or_else(|| "0".to_owned()))
        };
        let ends = explorer::outcomes(&scenario.clone().reductions(reductions), &end).expect("the world is small");
        ends.into_iter().collect::<Vec<String>>()
    });
    let [reduced, full] = both;
    assert_eq!(reduced, full, "reductions change no ending");
    full
}

fn one(fault: Fault) -> Faults {
    Faults::upto(1).only(&[fault])
}

#[test]
fn where_nothing_fails_a_request_is_done_once_and_answered() {
    for scenario in [with_server(Faults::NONE), with_service(Faults::NONE)] {
        assert_eq!(ends(scenario), ["200 1, counted 1"]);
    }
}

#[test]
fn a_lost_request_is_not_done_and_not_answered() {
    for scenario in [with_server(one(Fault::RequestLost)), with_service(one(Fault::RequestLost))] {
        assert_eq!(ends(scenario), ["200 1, counted 1", "no answer, counted 0"]);
    }
}

#[test]
fn a_lost_response_is_done_and_not_answered() {
    for scenario in [with_server(one(Fault::ResponseLost)), with_service(one(Fault::ResponseLost))] {
        assert_eq!(ends(scenario), ["200 1, counted 1", "no answer, counted 1"]);
    }
}

/// The caller hears of one of them, which need not be the first that was done.
#[test]
fn a_duplicated_request_is_done_twice_and_answered_once() {
    for scenario in [with_server(one(Fault::RequestDuplicated)), with_service(one(Fault::RequestDuplicated))] {
        assert_eq!(ends(scenario), ["200 1, counted 1", "200 1, counted 2"]);
    }
}

#[test]
fn the_later_copy_may_answer_first_where_two_workers_serve() {
    let scenario =
        Scenario::new().server::<Counter>("Bank", "bank", 2).client(asks_once()).faults(one(Fault::RequestDuplicated));
    let ends = ends(scenario);
    assert!(ends.contains(&"200 2, counted 2".to_owned()), "{ends:?}");
    // Two at once meet a conflict, and whoever heard of that has no count.
    assert!(ends.iter().any(|end| end.starts_with("500 ")), "{ends:?}");
}

/// Late: the caller has gone on, and the request is done all the same.
#[test]
fn a_caller_that_stops_waiting_knows_nothing() {
    for scenario in [with_server(one(Fault::TimedOut)), with_service(one(Fault::TimedOut))] {
        assert_eq!(ends(scenario), ["200 1, counted 1", "no answer, counted 1"]);
    }
}

/// The late one is done after a second one: the first response that the caller hears of may not be the first effect.
#[test]
fn a_request_may_overtake_an_earlier_one() {
    let put = |cx: Cx, path: &'static str| async move {
        let response = cx.http.put(&format!("http://bank{path}"), &()).await;
        response.map(|response| response.to_string())
    };
    let client = Client::new("shopper", "shop")
        .tries("first", move |cx| put(cx, "/first"))
        .tries("second", move |cx| put(cx, "/second"));
    let log = Service::over_http("bank", "", |state, request| {
        let state = format!("{state}{}", request.path);
        (state.clone(), Response::with(200, &state))
    });
    let scenario = Scenario::new().http_service(log).client(client).faults(one(Fault::TimedOut));
    let ends = ends(scenario);
    assert!(ends.iter().any(|end| end.ends_with("counted /second/first")), "{ends:?}");
}

#[test]
fn a_server_that_crashes_gives_no_answer_and_nobody_redelivers() {
    let ends = ends(with_server(one(Fault::Crash)));
    assert_eq!(ends, ["200 1, counted 1", "no answer, counted 0", "no answer, counted 1"]);
}

#[test]
fn a_handler_that_fails_answers_500() {
    #[derive(Default)]
    struct Broken;
    impl Server for Broken {
        async fn on_request(&self, _: &Cx, _: &Request) -> Result<Response, Retry> {
            Err(Retry::because("not today"))
        }
    }
    let scenario = Scenario::new().server::<Broken>("Bank", "bank", 1).client(asks_once());
    assert_eq!(ends(scenario), ["500 \"not today\", counted 0"]);
}

#[test]
fn a_caller_that_crashes_leaves_its_request_on_its_way() {
    let client = Client::new("shopper", "shop").calls("count", ask);
    let scenario = Scenario::new().http_service(counting()).client(client).faults(one(Fault::Crash));
    assert_eq!(ends(scenario), ["200 1, counted 1", "200 1, counted 2", "200 2, counted 2"]);
}

/// What a run drew may be on its way to others though the run has heard nothing yet: no later run gets it again.
#[test]
fn what_a_request_carries_is_never_drawn_again() {
    let names = Service::over_http("bank", "[]", |state, request| {
        let mut names: Vec<String> = serde_json::from_str(state).expect("a list");
        names.push(request.body.clone());
        (serde_json::to_string(&names).expect("a list"), Response::status(200))
    });
    let client = Client::new("shopper", "shop").calls("name", |cx: Cx| async move {
        let id = cx.fresh_id().to_string();
        cx.http.post("http://bank/names", &id).await.map(|response| response.status)
    });
    let twice = |seen: &explorer::Observation<'_>| {
        let names: Vec<String> = serde_json::from_str(seen.service("bank").unwrap_or("[]")).expect("a list");
        names.iter().enumerate().all(|(at, name)| !names[..at].contains(name))
    };
    let scenario = Scenario::new().http_service(names).client(client).faults(Faults::upto(2).only(&[Fault::Crash]));
    let world = World::new("names", scenario).always("no name comes twice", twice);
    for reductions in [Reductions::ALL, Reductions::NONE] {
        let report = world.explore(reductions);
        assert!(matches!(report.verdict, Verdict::Holds), "{:?}", report.verdict);
    }
}

/// A message handler that asks a server, whose lock expires meanwhile: both of its runs ask.
#[test]
fn a_message_handler_may_ask_too() {
    let asks = handler(|cx, _| async move {
        match cx.http.post("http://bank/count", &()).await {
            Ok(response) if response.status == 200 => Ok(()),
            Ok(response) => Err(Retry::because(response.to_string())),
            Err(error) => Err(error.into()),
        }
    });
    let scenario = Scenario::new()
        .server::<Counter>("Bank", "bank", 1)
        .handler("Orders", "orders", 2, asks)
        .message("orders", Msg::new("m1", "Order", &()), 1)
        .faults(Faults::upto(1));
    let ends = ends(scenario);
    assert_eq!(ends, [", counted 1", ", counted 2"]);
}

/// Nobody waits for a request that was dropped in flight; it is done, or it was never sent.
#[test]
fn a_request_may_be_dropped_in_flight() {
    let gives_up = |cx: Cx| async move {
        let asked = std::pin::pin!(ask(cx.clone()));
        let slept = std::pin::pin!(cx.sleep(Duration::from_secs(1)));
        let first = first_of(asked, slept).await;
        Ok::<String, HttpErr>(first.unwrap_or_else(|| "gave up".to_owned()))
    };
    let client = Client::new("shopper", "shop").tries("count", gives_up);
    let scenario = Scenario::new().http_service(counting()).client(client);
    assert_eq!(ends(scenario), ["200 1, counted 1", "gave up, counted 0", "gave up, counted 1"]);
}

/// The first of two to be ready; `None` for the second.
async fn first_of<T, E>(
    mut first: std::pin::Pin<&mut impl Future<Output = Result<T, E>>>,
    mut second: std::pin::Pin<&mut impl Future<Output = ()>>,
) -> Option<T> {
    std::future::poll_fn(|cx| {
        if let std::task::Poll::Ready(first) = first.as_mut().poll(cx) {
            return std::task::Poll::Ready(first.ok());
        }
        second.as_mut().poll(cx).map(|()| None)
    })
    .await
}

// ---- time

/// The clock waits for requests that are on their way: what is due after the longest flight comes after them.
#[test]
fn no_request_is_later_than_the_longest_flight() {
    let sweeps = |delay: Duration| {
        let asks = |cx: Cx| async move { ask(cx).await };
        let remind = move |cx: Cx| async move {
            let msg = Msg::new("sweep", "Sweep", &());
            cx.bus.send_later("sweeps", msg, delay).await.map(|()| "later")
        };
        let sweep = handler(|cx, _| async move {
            cx.docs.put("swept", &json!(true), When::Always).await?;
            Ok(())
        });
        let log = Service::over_http("bank", "", |_, _| ("done".to_owned(), Response::status(200)));
        let client = Client::new("shopper", "shop").tries("count", asks).calls("remind", remind);
        let scenario = Scenario::new()
            .http_service(log)
            .handler("Sweeper", "sweeps", 1, sweep)
            .client(client)
            .max_flight(Duration::from_secs(120))
            .faults(one(Fault::TimedOut));
        let overtaken = |seen: &explorer::Observation<'_>| {
            seen.docs().get::<bool>("swept").is_none() || seen.service("bank") == Some("done")
        };
        let world = World::new("sweeps", scenario).always("swept after the request", overtaken);
        matches!(world.explore(Reductions::ALL).verdict, Verdict::Holds)
    };
    assert!(!sweeps(Duration::from_millis(119_999)), "a request may be on its way for two minutes");
    assert!(sweeps(Duration::from_secs(120)), "but not for more: at its deadline, it has been handled");
}

// ---- outages, witnesses

#[test]
fn a_host_that_is_out_answers_when_it_is_back() {
    let client = Client::new("shopper", "shop").calls("count", ask);
    let scenario = Scenario::new().http_service(counting()).client(client).faults(one(Fault::Outage));
    assert_eq!(ends(scenario), ["200 1, counted 1"]);
}

#[test]
fn every_fault_of_the_network_is_a_witness() {
    for fault in Fault::NETWORK {
        for scenario in [with_server(one(fault)), with_service(one(fault))] {
            let sometimes = vec![Witness { claim: "it strikes", met: explorer::Met::Event(Event::Struck(fault)) }];
            let report = explore(&scenario, &Properties { sometimes, ..Properties::default() });
            assert_eq!(report.met, [true], "{fault}");
        }
    }
}

/// In a serial world a server answers while its caller waits, and nobody else runs.
#[test]
fn a_serial_world_has_requests() {
    assert_eq!(ends(with_server(Faults::upto(2)).serial()), ["200 1, counted 1"]);
}

/// A server whose only worker asks its own host waits for itself. Another worker would answer.
#[test]
fn whoever_waits_for_itself_makes_no_progress() {
    #[derive(Default)]
    struct AsksItself;
    impl Server for AsksItself {
        async fn on_request(&self, cx: &Cx, request: &Request) -> Result<Response, Retry> {
            match request.path.as_str() {
                "/count" => Ok(cx.http.post("http://bank/inside", &()).await?),
                _ => Ok(Response::with(200, &1)),
            }
        }
    }
    let progress = |workers: u8| {
        let scenario = Scenario::new().server::<AsksItself>("Bank", "bank", workers).client(asks_once());
        let can_finish = Some(explorer::Progress { claim: "everybody is answered", why: "" });
        explore(&scenario, &Properties { can_finish, ..Properties::default() }).verdict
    };
    assert!(matches!(progress(2), Verdict::Holds));
    let Verdict::Violated(violation) = progress(1) else { panic!("it waits for ever") };
    assert!(violation.explanation.contains("waits for an answer that never comes"), "{}", violation.explanation);
}

/// In a picture, a request goes from the left to the right: whoever calls, the wire, whoever answers.
#[test]
fn a_request_goes_from_the_left_to_the_right() {
    let counted = |seen: &explorer::Observation<'_>| seen.docs().get::<u32>("/count").is_none();
    let verdict = World::new("counts", with_server(Faults::NONE)).always("nothing is counted", counted);
    let Verdict::Violated(violation) = verdict.explore(Reductions::ALL).verdict else { panic!("it is counted") };
    let names: Vec<&str> = violation.trace.participants.iter().map(|who| &*who.name).collect();
    assert_eq!(names, ["shopper", "shop", "http://bank", "Bank", "documents"]);
}
