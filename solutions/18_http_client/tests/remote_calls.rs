//! Ways to have a stranger's system do something once: what each loses, does twice, and keeps for ever. Every cell of the
//! lectures' table is explored, and where it is bad, the schedule that shows it is drawn below it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use explorer::{FactKind, Observation, Properties, Property, Report, Scenario, Verdict, diagram, explore};
use figures::fresh;
use kit::endpoint::{Handler, handler};
use kit::http::Method;
use kit::{Cx, Delivery, Endpoint, Msg, Request, Response, Retry, Server, StoreErr, When};
use serde::{Deserialize, Serialize};
use sim::{Fault, Faults, Service};
use solution_18::{FollowUps, PayOrder, Payments};
use story::bank::Bank;
use story::count::{many, thousands};

const FILE: &str = "lectures/figures/remote_calls.md";

/// What may go wrong on everybody's way, as often as `FAULTS_MAX` says: the network does its worst, nodes die, locks expire.
const FAULTS: &[Fault] = &[
    Fault::RequestLost,
    Fault::RequestDuplicated,
    Fault::ResponseLost,
    Fault::TimedOut,
    Fault::Crash,
    Fault::LockExpired,
];
const FAULTS_MAX: u8 = 2;

/// In the queue from the beginning: one order to be paid.
const QUEUE: &str = "payments";
const ORDER: &str = "order-1";
const CENTS: i64 = 40;

/// The books of a bank that charges whenever it is asked to, but for what it knows of.
#[derive(Default, Serialize, Deserialize)]
struct Books {
    charges: u32,
    /// What it knows of: orders, or keys.
    known: BTreeSet<String>,
}

/// What is sent to such a bank.
#[derive(Serialize, Deserialize)]
struct Charge {
    order: String,
    key: Option<String>,
}

/// Where a bank keeps its books that has documents, and how long it keeps a key.
const BOOKS: &str = "bank/books";
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One way.
struct Way {
    name: &'static str,
    world: Scenario,
    /// How often the bank has charged.
    charges: fn(&Observation<'_>) -> usize,
    /// What somebody keeps of the call, on either side.
    keeps: fn(&Observation<'_>) -> Option<String>,
}

fn ways() -> [Way; 6] {
    let stranger = |name, payments: Handler, bank: Scenario| Way {
        name,
        world: bank.handler("Payments", QUEUE, 2, payments),
        charges: |seen| books(seen).charges as usize,
        keeps: |seen| {
            let known = books(seen).known;
            (!known.is_empty()).then(|| format!("the bank still knows {}", Vec::from_iter(known).join(", ")))
        },
    };
    [
        stranger("POST, once", handler::<Once>(), bank(false)),
        stranger("POST until answered", handler::<UntilAnswered>(), bank(false)),
        stranger("GET before POST", handler::<GetBeforePost>(), bank(true)),
        stranger("POST with a key, kept for a day", handler::<WithKey>(), forgetful()),
        stranger("POST with a key, kept for ever", handler::<WithKey>(), bank(true)),
        Way {
            name: "PUT, POST, GET, DELETE",
            world: Scenario::new()
                .http_service(Bank::over_http(1_000))
                .endpoint::<Payments>("Payments", QUEUE, 2)
                .endpoint::<FollowUps>("FollowUps", "follow-ups", 1),
            charges: |seen| {
                let taken = -protocol(seen).balances.values().sum::<i64>();
                usize::try_from(taken / CENTS).expect("nobody was given anything")
            },
            keeps: |seen| {
                let kept: Vec<String> = protocol(seen).kept().map(str::to_owned).collect();
                let named =
                    |id: &&String| seen.docs().pairs().any(|(key, body)| key.contains(*id) || body.contains(*id));
                let named = protocol(seen).bookings.into_keys().collect::<Vec<_>>().iter().find(named).cloned();
                let kept = (!kept.is_empty()).then(|| format!("the bank still keeps {}", kept.join(", ")));
                kept.or_else(|| named.map(|id| format!("our documents still name {id}")))
            },
        },
    ]
}

fn books(seen: &Observation<'_>) -> Books {
    match seen.service("bank") {
        Some(books) => serde_json::from_str(books).expect("a bank has books"),
        None => seen.docs().get(BOOKS).unwrap_or_default(),
    }
}

fn protocol(seen: &Observation<'_>) -> Bank {
    serde_json::from_str(seen.service("bank").unwrap_or("null")).expect("a bank has books")
}

/// A bank that has, or has not, a memory: of the key, or else the order.
fn bank(remembers: bool) -> Scenario {
    let empty = serde_json::to_string(&Books::default()).expect("plain data");
    let bank = Service::over_http("bank", empty, move |state, request| {
        let mut books: Books = serde_json::from_str(state).expect("a bank has books");
        let response = match request.method {
            Method::Get => {
                let known = request.path.strip_prefix("/charges/").is_some_and(|order| books.known.contains(order));
                Response::status(if known { 200 } else { 404 })
            }
            _ => {
                let Charge { order, key } = request.body().expect("a charge");
                let known = key.as_ref().is_some_and(|key| books.known.contains(key));
                books.charges += u32::from(!known);
                if remembers {
                    books.known.insert(key.unwrap_or(order));
                }
                Response::status(200)
            }
        };
        (serde_json::to_string(&books).expect("plain data"), response)
    });
    Scenario::new().http_service(bank)
}

fn forgetful() -> Scenario {
    Scenario::new().server::<Forgetful>("Bank", "bank", 1).endpoint::<Forgets>("Expiry", "forget", 1)
}

/// The same bank, on its own documents, so that it can wait for a day: then it forgets the key.
#[derive(Default)]
struct Forgetful;

impl Server for Forgetful {
    async fn on_request(&self, cx: &Cx, request: &Request) -> Result<Response, Retry> {
        let key = request.body::<Charge>()?.key.ok_or_else(|| Retry::because("a charge has a key here"))?;
        let (mut books, when) = load(cx).await?;
        if !books.known.contains(&key) {
            cx.bus.send_later("forget", Msg::new(key.clone(), "Forget", &()), A_DAY).await?;
            books.charges += 1;
            books.known.insert(key);
            cx.docs.put(BOOKS, &books, when).await?;
        }
        Ok(Response::status(200))
    }
}

#[derive(Default)]
struct Forgets;

impl Endpoint for Forgets {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let (mut books, when) = load(cx).await?;
        if books.known.remove(&**delivery.id()) {
            cx.docs.put(BOOKS, &books, when).await?;
        }
        Ok(())
    }
}

async fn load(cx: &Cx) -> Result<(Books, When), StoreErr> {
    let found = cx.docs.get(BOOKS).await?;
    Ok(found.map_or((Books::default(), When::Absent), |(books, version)| (books, When::Is(version))))
}

/// Asks once, and believes in it.
#[derive(Default)]
struct Once;

impl Endpoint for Once {
    async fn on_message(&self, cx: &Cx, _: &Delivery) -> Result<(), Retry> {
        let _ = post(cx, None).await;
        Ok(())
    }
}

#[derive(Default)]
struct UntilAnswered;

impl Endpoint for UntilAnswered {
    async fn on_message(&self, cx: &Cx, _: &Delivery) -> Result<(), Retry> {
        post(cx, None).await
    }
}

#[derive(Default)]
struct GetBeforePost;

impl Endpoint for GetBeforePost {
    async fn on_message(&self, cx: &Cx, _: &Delivery) -> Result<(), Retry> {
        match cx.http.get(&format!("http://bank/charges/{ORDER}")).await?.status {
            200 => Ok(()),
            _ => post(cx, None).await,
        }
    }
}

#[derive(Default)]
struct WithKey;

impl Endpoint for WithKey {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        post(cx, Some(delivery.id().to_string())).await
    }
}

/// Without an answer, the message is given back.
async fn post(cx: &Cx, key: Option<String>) -> Result<(), Retry> {
    let charge = Charge { order: ORDER.to_owned(), key };
    cx.http.post("http://bank/charges", &charge).await?;
    Ok(())
}

/// What is asked of each way.
struct Question {
    words: &'static str,
    at_the_end: bool,
    judge: fn(&Way, &Observation<'_>) -> Result<(), String>,
}

const QUESTIONS: [Question; 3] = [
    Question {
        words: "lost",
        at_the_end: true,
        judge: |way, seen| {
            let acked = seen.facts(FactKind::Acked, QUEUE).next().is_some();
            let lost = acked && (way.charges)(seen) == 0;
            if lost { Err("the message is acked, and nobody has charged, or ever will".to_owned()) } else { Ok(()) }
        },
    },
    Question {
        words: "charged twice",
        at_the_end: false,
        judge: |way, seen| {
            let charges = (way.charges)(seen);
            if charges > 1 { Err(format!("the bank has charged {charges} times")) } else { Ok(()) }
        },
    },
    Question {
        words: "kept for ever",
        at_the_end: true,
        judge: |way, seen| (way.keeps)(seen).map_or(Ok(()), |what| Err(format!("all is done, and {what}"))),
    },
];

fn asked(way: &Way, question: &Question) -> Report {
    let pay = PayOrder { order: ORDER.to_owned(), account: "ada".to_owned(), cents: CENTS };
    let world = way.world.clone().message(QUEUE, Msg::new("pay-order-1", "PayOrder", &pay), 1);
    let judge = |seen: &Observation<'_>| (question.judge)(way, seen);
    let property = vec![Property { claim: question.words, why: "", judge: &judge }];
    let (always, when_quiescent) = if question.at_the_end { (Vec::new(), property) } else { (property, Vec::new()) };
    let properties = Properties { always, when_quiescent, ..Properties::default() };
    explore(&world.faults(Faults::upto(FAULTS_MAX).only(FAULTS)), &properties)
}

#[test]
fn the_table_says_what_each_way_loses_doubles_and_keeps() {
    let columns = QUESTIONS.map(|question| question.words);
    let mut table = format!("| way | {} |\n|---|---|---|---|\n", columns.join(" | "));
    let mut stories = String::new();
    let mut told = 0;
    for way in ways() {
        let cells = QUESTIONS.map(|question| {
            let Report { verdict, counts, .. } = asked(&way, &question);
            let states = thousands(counts.states);
            match verdict {
                Verdict::Holds => format!("no, in all {states} states"),
                Verdict::Violated(violation) => {
                    told += 1;
                    let faults = if violation.faults == 0 {
                        "always".to_owned()
                    } else {
                        many(u64::from(violation.faults), "fault")
                    };
                    let drawn = diagram::draw(&violation.trace);
                    let (name, words, why) = (way.name, question.words, &violation.explanation);
                    write!(stories, "\n## {told}. {name}: {words}\n\n```text\n{drawn}\n  {why}\n```\n")
                        .expect("a string grows");
                    format!("**yes** ({faults}: [{told}](#{}))", anchor(&format!("{told}. {name}: {words}")))
                }
                other => panic!("{}, {}: {other:?}", way.name, question.words),
            }
        });
        writeln!(table, "| {} | {} |", way.name, cells.join(" | ")).expect("a string grows");
    }
    fresh::file(FILE, &format!("{HEAD}\n{table}{FOOT}{stories}"));
}

/// As a reader of Markdown makes it from a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
}

const HEAD: &str = "<!-- written by `cargo workshop verify --refresh`: solutions/18_http_client/tests/remote_calls.rs -->
# Six ways to charge once

One message says that an order is to be paid, and a bank behind HTTP is to charge for it, once. Two workers have the message in turn, or at
once. Up to two faults: a request is lost, doubled, or so late that its caller stops waiting; a response is lost; a node dies; a lock on the
message expires. Every schedule was explored, and each **yes** is the shortest one that shows it. Whatever the bank does, it does in one step;
only the one that forgets after a day has documents and a clock.
";

const FOOT: &str = "
*POST with a key* is the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-06, 24 February 2025): the bank stores the key with
the response, and whoever comes with the same key gets the stored response. The draft leaves to the bank how long it keeps a key; Stripe's API v1
may forget it after 24 hours, and then takes the same key for a new request (Stripe API reference, \"Idempotent requests\"). A day passes when a
message waits in a dead-letter queue over a weekend. *PUT, POST, GET, DELETE* is what exercises 17 and 18 build; it keeps a tombstone for as long as
a request can be late, two minutes, and nothing after that. Nobody else can forget safely, because nobody else is told when the caller is done.
";
