//! What the Bank's callers may rely on, and its bookkeepers.
//!
//! A caller asks one thing after the other. Where it asks until it is answered, a request may come several times, and
//! late; where it tries once, it may come after all that the caller asks later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_server::{Bank, Booking, OPENING, Receipt, Sweeper, view};
use kit::http::MAX_FLIGHT;
use kit::paths::Verdict;
use kit::{HttpErr, Response};
use story::{
    BOUNDED_DEDUPLICATION, CONSISTENT_OUTPUT, Client, Cx, Docs, Event, Failed, Fault, Faults, NO_DUPLICATE_PROCESSING,
    NO_GARBAGE, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, Passed, Prepare, SERIAL_EQUIVALENCE, Scenario, Seen, Size, Story,
    Trial, expect,
};

// Who asks for what.

/// A booking that somebody asks for: its id, whose account, how many cents. No two sets of them have one sum, and no set
/// has the sum of one that is run twice.
type Wanted = (&'static str, &'static str, i64);

const GIFT: Wanted = ("gift-7f3a", "ada", -30);
const WRAP: Wanted = ("wrap-91c2", "ada", -80);
const WAGE: Wanted = ("wage-d04e", "ada", 250);
const CAR: Wanted = ("car-5b88", "ada", -180);
const TIP: Wanted = ("tip-2e61", "bob", 5);
/// As much as another gift, from the same account.
const TWIN: Wanted = ("twin-a4d8", "ada", -30);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// PUT, POST, GET and DELETE of a booking.
    Put,
    Post,
    Get,
    Delete,
    /// GET of the account.
    Balance,
    /// Nothing: it waits until no request that was sent before can be on its way.
    Wait,
}

/// One step of a caller.
#[derive(Clone, Copy, Debug)]
struct Step {
    ask: Ask,
    of: Wanted,
    /// It asks again until it is answered; otherwise it asks once.
    patient: bool,
}

fn put(of: Wanted) -> Step {
    Step { ask: Ask::Put, of, patient: true }
}

fn post(of: Wanted) -> Step {
    Step { ask: Ask::Post, of, patient: true }
}

fn get(of: Wanted) -> Step {
    Step { ask: Ask::Get, of, patient: true }
}

fn delete(of: Wanted) -> Step {
    Step { ask: Ask::Delete, of, patient: true }
}

fn balance(of: Wanted) -> Step {
    Step { ask: Ask::Balance, of, patient: true }
}

fn wait(of: Wanted) -> Step {
    Step { ask: Ask::Wait, of, patient: true }
}

fn once(step: Step) -> Step {
    Step { patient: false, ..step }
}

/// Everybody who asks, and what.
type Plan = Vec<(&'static str, Vec<Step>)>;

/// A response as it is read in one line; `Err` where there is none, or where the server failed.
async fn ask(cx: Cx, Step { ask, of: (id, account, cents), .. }: Step) -> Result<String, String> {
    let booking = format!("http://bank/bookings/{id}");
    let response = match ask {
        Ask::Put => cx.http.put(&booking, &Booking { account: account.to_owned(), cents }).await,
        Ask::Post => cx.http.post(&booking, &()).await,
        Ask::Get => cx.http.get(&booking).await,
        Ask::Delete => cx.http.delete(&booking).await,
        Ask::Balance => cx.http.get(&format!("http://bank/accounts/{account}")).await,
        Ask::Wait => {
            cx.sleep(MAX_FLIGHT + Duration::from_secs(1)).await;
            return Ok("waited".to_owned());
        }
    };
    read(response)
}

fn read(response: Result<Response, HttpErr>) -> Result<String, String> {
    match response {
        Ok(response) if response.status < 500 => Ok(response.to_string()),
        Ok(response) => Err(response.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

// The worlds.

/// The network loses, doubles and delays requests, and loses responses; a node dies between any two operations; store and
/// bus refuse, or do not say what became of it; a weak read is behind; a write is told of a conflict that was not there.
/// A message comes twice, or its ack gets lost.
const WHAT_FAILS: &[Fault] = &[
    Fault::RequestLost,
    Fault::RequestDuplicated,
    Fault::ResponseLost,
    Fault::TimedOut,
    Fault::Crash,
    Fault::ReadRefused,
    Fault::StaleRead,
    Fault::WriteRefused,
    Fault::WriteUnknown,
    Fault::SpuriousConflict,
    Fault::SendRefused,
    Fault::SendUnknown,
    Fault::Duplicate,
    Fault::AckLost,
];

/// After these, two requests are at it at once, or somebody else has to go on.
const THE_WORST: &[Fault] = &[Fault::TimedOut, Fault::Crash, Fault::WriteUnknown];

/// A write is refused, or nobody knows what became of it.
const WRITES_FAIL: &[Fault] = &[Fault::WriteRefused, Fault::WriteUnknown];

/// The Bank, with as many workers as the size says, and the first callers of the plan.
fn world(plan: &Plan, size: Size) -> Scenario {
    let deletes = plan.iter().flat_map(|(_, steps)| steps).any(|step| step.ask == Ask::Delete);
    let kinds = match size {
        // In large worlds, fewer kinds.
        Size { faults: 2.., .. } => THE_WORST.to_vec(),
        _ if deletes && size.clients * size.workers == 4 => WRITES_FAIL.to_vec(),
        // While something is out, there is no end of tries; and each try of a DELETE may send another message.
        _ if deletes => WHAT_FAILS.to_vec(),
        _ => [WHAT_FAILS, &[Fault::Outage]].concat(),
    };
    let world = Scenario::new()
        .server::<Bank>("Bank", "bank", size.workers)
        .endpoint::<Sweeper>("Sweeper", "tombstones", 1)
        .faults(Faults::upto(size.faults).only(&kinds));
    plan.iter().take(size.clients.into()).fold(world, |world, (name, steps)| {
        let client = steps.iter().fold(Client::new(name, "Shop"), |client, step| {
            let (step, words) = (*step, words(step));
            let run = move |cx: Cx| ask(cx, step);
            if step.patient { client.calls(&words, run) } else { client.tries(&words, run) }
        });
        world.client(client)
    })
}

fn words(Step { ask, of: (id, account, _), .. }: &Step) -> String {
    match ask {
        Ask::Balance => format!("GET {account}"),
        Ask::Wait => "wait".to_owned(),
        _ => format!("{} {id}", format!("{ask:?}").to_uppercase()),
    }
}

const ONE_CALLER: &[Size] = &[
    Size::ONE,
    Size::ONE.faults(1),
    Size::ONE.workers(2).faults(1),
    Size::ONE.faults(2),
    Size::ONE.workers(2).faults(2),
];

/// One caller PUTs a booking, and POSTs it until it is answered. It has written the answer down on a slip, loses that, and
/// asks again.
#[test]
fn a_booking_moves_the_money_once() {
    let plan = || vec![("shop", vec![put(GIFT), post(GIFT), post(GIFT)])];
    story("a booking moves the money once", ONE_CALLER, plan).keeps_the_table(plan()).check();
}

const LARGER: &[Size] = &[Size::ONE.workers(2).faults(2), Size::ONE.faults(3)];

const DELETES: &[Size] = &[Size::ONE, Size::ONE.faults(1), Size::ONE.workers(2).faults(1), Size::ONE.faults(2)];

const TWO_CALLERS: &[Size] = &[
    Size::ONE.clients(2),
    Size::ONE.clients(2).workers(2),
    Size::ONE.clients(2).faults(1),
    Size::ONE.clients(2).workers(2).faults(1),
];

/// Two nodes of the shop ask for the same booking, at the same time.
#[test]
fn two_callers_ask_at_once() {
    let plan = || vec![("shop", vec![put(GIFT), post(GIFT)]), ("till", vec![put(GIFT), post(GIFT)])];
    story("two callers ask at once", TWO_CALLERS, plan).keeps_the_table(plan()).check();
}

const SOME_BOOKINGS: &[Size] = &[
    Size::ONE.clients(2),
    Size::ONE.clients(2).workers(2),
    Size::ONE.clients(2).faults(1),
    Size::ONE.clients(3),
    Size::ONE.clients(3).workers(2),
];

/// Bookings of one account at the same time: a gift, and a wage; then also one that the account can pay only after the wage.
#[test]
fn some_bookings_share_an_account() {
    let plan = || {
        vec![
            ("shop", vec![put(GIFT), post(GIFT)]),
            ("payroll", vec![put(WAGE), post(WAGE)]),
            ("till", vec![put(WRAP), post(WRAP)]),
        ]
    };
    story("some bookings share an account", SOME_BOOKINGS, plan).keeps_the_table(plan()).check();
}

/// Two gifts of one price, for one account: they differ by their ids alone.
#[test]
fn two_bookings_look_alike() {
    let plan = || vec![("shop", vec![put(GIFT), post(GIFT)]), ("till", vec![put(TWIN), post(TWIN)])];
    let sizes = &[Size::ONE.clients(2), Size::ONE.clients(2).workers(2), Size::ONE.clients(2).faults(1)];
    let answered = |seen: &Seen<'_, Books>| -> Vec<i64> {
        let answers = ["shop", "till"].into_iter().filter_map(|name| seen.answer::<String>(name, 1)?.ok());
        answers.filter_map(|answer| held(&answer)).collect()
    };
    Story::new("two bookings look alike")
        .worlds(sizes, move |size| world(&plan(), size))
        .deep(&[])
        .view(books_of_ada)
        .sometimes(Event::CrashAfterEffect)
        .always(NO_DUPLICATE_PROCESSING, "a booking moves the money once", |seen| {
            let balance = seen.view().balance;
            expect([100, 70, 40].contains(&balance), || format!("ada holds {balance} cents after two gifts of 30"))
        })
        .always(NO_LOST_MESSAGE, "what was answered as done is done", move |seen| {
            let (done, balance) = (answered(seen).len(), seen.view().balance);
            expect([100, 70, 40][done] >= balance, || {
                format!("somebody heard of {done} gifts of 30 cents that they are done; ada holds {balance}")
            })
        })
        .always(CONSISTENT_OUTPUT, "each booking has a receipt of its own", move |seen| {
            let mut receipts = answered(seen);
            receipts.sort_unstable();
            expect(receipts != [40, 40] && receipts != [70, 70], || format!("both heard of {} cents", receipts[0]))
        })
        .can_finish("every caller is answered in the end")
        .check();
}

/// A request for more than there is, late or twice, meets a wage. Whatever it is answered with, it is answered once.
#[test]
fn a_refusal_meets_a_wage() {
    let plan = || vec![("shop", vec![put(CAR), post(CAR)]), ("payroll", vec![put(WAGE), post(WAGE)])];
    Story::new("a refusal meets a wage")
        .worlds(&[Size::ONE.clients(2).workers(2).faults(1)], move |size| {
            world(&plan(), size).faults(Faults::upto(size.faults).only(&[Fault::TimedOut, Fault::WriteUnknown]))
        })
        .deep(&[])
        .view(books_of_ada)
        .sometimes(Event::Struck(Fault::TimedOut))
        .keeps_the_table(plan())
        .check();
}

/// One booking is deleted while another one of the same account is run, and asked for again.
#[test]
fn a_delete_leaves_the_others_alone() {
    let plan = || {
        vec![("shop", vec![put(GIFT), post(GIFT), delete(GIFT)]), ("payroll", vec![put(WAGE), post(WAGE), post(WAGE)])]
    };
    let sizes = &[Size::ONE.clients(2), Size::ONE.clients(2).workers(2), Size::ONE.clients(2).faults(1)];
    Story::new("a delete leaves the others alone")
        .worlds(sizes, move |size| {
            world(&plan(), size).faults(Faults::upto(size.faults).only(&[Fault::Crash, Fault::WriteUnknown]))
        })
        .deep(&[])
        .view(books_of_ada)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect)
        .keeps_the_table(plan())
        .check();
}

/// What was refused once stays refused, also when there is money again.
#[test]
fn a_refusal_stays() {
    let plan = || vec![("shop", vec![put(CAR), post(CAR), put(WAGE), post(WAGE), post(CAR), get(CAR)])];
    story("a refusal stays", ONE_CALLER, plan).keeps_the_table(plan()).check();
}

/// A booking is stored, perhaps run, and deleted. From then on the account stays as it is.
#[test]
fn what_is_deleted_runs_no_more() {
    let plan = || vec![("shop", vec![put(GIFT), once(post(GIFT)), delete(GIFT), balance(GIFT), post(GIFT)])];
    story("what is deleted runs no more", DELETES, plan).keeps_the_table(plan()).check();
}

const OVERTAKES: &[Size] =
    &[Size::ONE.clients(2).workers(2), Size::ONE.clients(2).faults(1), Size::ONE.clients(2).workers(2).faults(1)];

/// One node runs the booking while another deletes it.
#[test]
fn a_delete_overtakes_a_slow_post() {
    let plan = || vec![("shop", vec![put(GIFT), delete(GIFT), balance(GIFT)]), ("till", vec![once(post(GIFT))])];
    story("a delete overtakes a slow post", OVERTAKES, plan).keeps_the_table(plan()).check();
}

/// The same, of an account that was written before: then a DELETE may be told of a conflict, though nobody wrote.
#[test]
fn a_delete_is_told_of_a_conflict() {
    let plan = || {
        let shop = vec![put(WAGE), post(WAGE), put(GIFT), delete(GIFT), balance(GIFT)];
        vec![("shop", shop), ("till", vec![once(post(GIFT))])]
    };
    Story::new("a DELETE is told of a conflict")
        .worlds(&[Size::ONE.clients(2).workers(2).faults(1)], move |size| {
            world(&plan(), size).faults(Faults::upto(size.faults).only(&[Fault::SpuriousConflict]))
        })
        .deep(&[])
        .view(books_of_ada)
        .sometimes(Event::Struck(Fault::SpuriousConflict))
        .keeps_the_table(plan())
        .check();
}

/// A PUT has no answer. Whoever sent it changes its mind, and DELETEs; then everybody asks, at once and later.
#[test]
fn a_slow_put_stays_away() {
    let plan =
        || vec![("shop", vec![once(put(GIFT)), delete(GIFT), post(GIFT), wait(GIFT), post(GIFT), balance(GIFT)])];
    story("a slow put stays away", DELETES, plan).keeps_the_table(plan()).check();
}

/// Nobody waits for the PUT: it comes before, while or after its own DELETE is handled; and somebody else POSTs.
#[test]
fn a_slow_put_meets_its_delete() {
    let plan = || vec![("shop", vec![once(put(GIFT)), delete(GIFT)]), ("till", vec![once(post(GIFT))])];
    Story::new("a slow PUT meets its DELETE")
        .worlds(&[Size::ONE.clients(2).workers(2).faults(1)], move |size| {
            world(&plan(), size).faults(Faults::upto(size.faults).only(&[Fault::TimedOut]))
        })
        .deep(&[])
        .view(books_of_ada)
        .sometimes(Event::Struck(Fault::TimedOut))
        .keeps_the_table(plan())
        .check();
}

/// A DELETE is tried once, and its caller changes its mind, or has forgotten that it tried.
#[test]
fn a_delete_may_be_given_up() {
    let plan = || vec![("shop", vec![put(GIFT), once(post(GIFT)), once(delete(GIFT)), post(GIFT)])];
    story("a DELETE may be given up", DELETES, plan).keeps_the_table(plan()).check();
}

/// What happens to most bookings.
#[test]
fn nothing_is_left_of_a_deleted_booking() {
    let plan = || vec![("shop", vec![put(GIFT), post(GIFT), delete(GIFT)])];
    story("nothing is left of a deleted booking", DELETES, plan).keeps_the_table(plan()).check();
}

/// Every verb, in every state that one caller can bring about; no request is ever late.
#[test]
fn the_bank_answers_as_its_table_says() {
    let asks = |cx: Cx| async move {
        let (other, elsewhere) = ((GIFT.0, GIFT.1, GIFT.2 - 1), (GIFT.0, TIP.1, GIFT.2));
        let unknown = [get(WRAP), post(WRAP), get(GIFT), post(GIFT)];
        let stored = [put(GIFT), put(GIFT), put(other), put(elsewhere), get(GIFT), balance(GIFT)];
        let run = [post(GIFT), post(GIFT), get(GIFT), put(GIFT), put(other), balance(GIFT)];
        let refused = [put(WRAP), post(WRAP), get(WRAP), put(WRAP), balance(WRAP)];
        let of_another = [put(TIP), post(TIP), balance(TIP), balance(GIFT)];
        let gone = [delete(GIFT), delete(WRAP), delete(CAR), balance(GIFT)];
        let mut heard = Vec::new();
        for step in [&unknown[..], &stored, &run, &refused, &of_another, &gone].concat() {
            heard.push(format!("{}: {}", words(&step), until_answered(|| ask(cx.clone(), step)).await?));
        }
        let no_booking = || async { read(cx.http.put("http://bank/bookings/none-1", "what?").await) };
        heard.push(format!("a PUT of no booking: {}", until_answered(no_booking).await?));
        let nowhere = || async { read(cx.http.get("http://bank/vaults/1").await) };
        heard.push(format!("a GET of what nobody knows: {}", until_answered(nowhere).await?));
        Ok::<Vec<String>, String>(heard)
    };
    hears("the Bank answers as its table says", asks, TABLE).check();
}

/// Every verb, of what was run and deleted, and of what was deleted before anybody knew it.
#[test]
fn what_is_deleted_is_gone() {
    let asks = |cx: Cx| async move {
        let begun = cx.now();
        let mut heard = Vec::new();
        for step in [put(GIFT), post(GIFT), delete(GIFT), delete(CAR)] {
            heard.push(format!("{}: {}", words(&step), until_answered(|| ask(cx.clone(), step)).await?));
        }
        for step in [get(GIFT), post(GIFT), get(CAR), post(CAR), delete(GIFT), get(GIFT)] {
            let answer = until_answered(|| ask(cx.clone(), step)).await?;
            // As long as a request may be late, everybody hears that it is gone; half of that leaves room for the clocks.
            let early = cx.now() < begun + MAX_FLIGHT / 2;
            let told = if early || answer != "404" { &*answer } else { "410" };
            heard.push(format!("{}: {told}", words(&step)));
        }
        Ok::<Vec<String>, String>(heard)
    };
    let table = &["201", r#"200 {"balance":70}"#, "204", "204", "410", "410", "410", "410", "204", "410"];
    hears("what is deleted is gone", asks, table).check();
}

/// One caller, who asks one thing after the other, and hears what stands there.
fn hears<F>(claim: &str, asks: fn(Cx) -> F, table: &'static [&'static str]) -> Story<()>
where
    F: Future<Output = Result<Vec<String>, String>> + Send + 'static,
{
    Story::new(claim)
        .worlds(&[Size::ONE], move |_| {
            let world =
                Scenario::new().server::<Bank>("Bank", "bank", 1).endpoint::<Sweeper>("Sweeper", "tombstones", 1);
            world.client(Client::new("shop", "Shop").calls("everything", asks))
        })
        .deep(&[])
        .sometimes_seen("the caller is answered", |seen| seen.answered_ok("shop", 0))
        .always(CONSISTENT_OUTPUT, "each answer is the one of the table", move |seen| {
            let Some(Ok(heard)) = seen.answer::<Vec<String>>("shop", 0) else { return Ok(()) };
            heard.iter().zip(table).try_for_each(|(heard, table)| {
                let (what, answer) = heard.split_once(": ").unwrap_or_default();
                expect(answer == *table, || format!("{what} was answered with {answer}, not with {table}"))
            })
        })
        .can_finish("every caller is answered in the end")
}

/// Asks again where the server has failed: its sweeper may have been at the same document.
async fn until_answered<F: Future<Output = Result<String, String>>>(ask: impl Fn() -> F) -> Result<String, String> {
    for _ in 0..TRIES {
        if let Ok(answer) = ask().await {
            return Ok(answer);
        }
    }
    ask().await
}

/// More than there are messages of which one could be in the way.
const TRIES: usize = 4;

/// What the caller of that story hears.
const TABLE: &[&str] = &[
    // Nobody has PUT them.
    "404",
    "404",
    "404",
    "404",
    // One is stored.
    "201",
    "200",
    "409",
    "409",
    "409",
    r#"200 {"balance":100}"#,
    // It is run.
    r#"200 {"balance":70}"#,
    r#"200 {"balance":70}"#,
    r#"200 {"balance":70}"#,
    "200",
    "409",
    r#"200 {"balance":70}"#,
    // Another is refused.
    "201",
    r#"402 {"balance":70}"#,
    r#"402 {"balance":70}"#,
    "200",
    r#"200 {"balance":70}"#,
    // Another account has money of its own.
    "201",
    r#"200 {"balance":105}"#,
    r#"200 {"balance":105}"#,
    r#"200 {"balance":70}"#,
    // All are deleted, also one that was never there.
    "204",
    "204",
    "204",
    r#"200 {"balance":70}"#,
    // And what is no booking.
    "400",
    "404",
];

/// How many bookings, one after the other.
const MANY: u16 = 40;

/// What many bookings may leave more than one does: the balance has more digits. Unit: bytes of all keys and documents.
const MORE_MAX: usize = 16;

/// Each booking is PUT, POSTed and DELETEd; then the next. When all is done, one schedule without faults is enough to tell
/// whether anything has grown.
#[test]
fn many_bookings_leave_what_one_leaves() {
    Trial::new("many bookings leave what one leaves", |prepare| {
        let (one, many) = (left_by(1, prepare)?, left_by(MANY, prepare)?);
        let message = format!("{one} bytes are left by one booking, {many} by {MANY}");
        if many > one + MORE_MAX {
            let standard = Some(BOUNDED_DEDUPLICATION);
            return Err(Box::new(Failed {
                standard,
                ..Failed::new("many bookings leave no more than one does", message)
            }));
        }
        Ok(Passed { message, ..Passed::default() })
    })
    .check();
}

/// What so many bookings leave. Unit: bytes of all keys and documents.
fn left_by(bookings: u16, prepare: Prepare<'_>) -> Result<usize, Box<Failed>> {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let noted = left.clone();
    let story = Story::new("bookings come and go")
        .worlds(&[Size::ONE], move |_| {
            let shop = (0..bookings).fold(Client::new("shop", "Shop"), |shop, number| {
                shop.calls(&format!("book {number}"), move |cx: Cx| books(cx, number))
            });
            let world =
                Scenario::new().server::<Bank>("Bank", "bank", 1).endpoint::<Sweeper>("Sweeper", "tombstones", 1);
            world.client(shop)
        })
        .view(books_of_ada)
        .when_quiescent(NO_DUPLICATE_PROCESSING, "a booking moves the money once", move |seen| {
            let bytes = seen.view().docs.pairs().map(|(key, text)| key.len() + text.len()).sum();
            noted.store(bytes, Ordering::Relaxed);
            let came = seen.view().balance - OPENING;
            expect(came == i64::from(bookings), || {
                format!("{bookings} bookings of 1 cent are done; {came} cents have come")
            })
        });
    let ran = story.paths(prepare, &mut |paths| paths.run(&[], &mut |_| false, usize::from(bookings) * 500));
    if let Verdict::Violated(why) = ran.run.verdict {
        return Err(Box::new(Failed::new("a booking moves the money once", why)));
    }
    match left.load(Ordering::Relaxed) {
        usize::MAX => {
            Err(Box::new(Failed::new("every caller is answered in the end", "it went on for ever".to_owned())))
        }
        bytes => Ok(bytes),
    }
}

/// PUTs, POSTs, and DELETEs the booking of this number.
async fn books(cx: Cx, number: u16) -> Result<(), String> {
    let url = format!("http://bank/bookings/cent-{number}");
    read(cx.http.put(&url, &Booking { account: "ada".to_owned(), cents: 1 }).await)?;
    read(cx.http.post(&url, &()).await)?;
    read(cx.http.delete(&url).await)?;
    Ok(())
}

// What must hold.

/// What is to be seen of the Bank.
struct Books {
    /// What ada holds.
    balance: i64,
    docs: Docs,
}

fn story(claim: &str, sizes: &[Size], plan: fn() -> Plan) -> Story<Books> {
    // With several callers, larger worlds grow too fast.
    let deep = if sizes.iter().any(|size| size.clients > 1) { &[][..] } else { LARGER };
    Story::new(claim)
        .worlds(sizes, move |size| world(&plan(), size))
        .deep(deep)
        .view(books_of_ada)
        .sometimes(Event::CrashBeforeEffect)
        .sometimes(Event::CrashAfterEffect)
        .sometimes(Event::Struck(Fault::TimedOut))
}

fn books_of_ada(docs: &Docs) -> Books {
    Books { balance: view(docs, "ada"), docs: docs.clone() }
}

/// A step of a caller, and what it has heard.
struct Heard {
    caller: usize,
    at: usize,
    step: Step,
    /// Has it asked? It may have, if it has heard of its step before.
    asked: bool,
    answer: Option<String>,
}

/// All steps of all callers.
struct Log(Vec<Heard>);

impl Log {
    fn of(plan: &Plan, seen: &Seen<'_, Books>) -> Log {
        let mut log = Vec::new();
        for (caller, (name, steps)) in plan.iter().enumerate() {
            let mut asked = true;
            for (at, step) in steps.iter().enumerate() {
                let answer = seen.answer::<String>(name, u16::try_from(at).expect("a plan is short"));
                let answered = answer.is_some();
                log.push(Heard { caller, at, step: *step, asked, answer: answer.and_then(Result::ok) });
                asked = answered;
            }
        }
        Log(log)
    }

    /// Whether anybody may have asked this of a booking.
    fn asked(&self, ask: Ask, of: Wanted) -> bool {
        self.0.iter().any(|heard| heard.asked && heard.step.ask == ask && heard.step.of == of)
    }

    /// What this caller had heard before.
    fn before(&self, this: &Heard) -> impl Iterator<Item = &Heard> {
        self.0.iter().filter(|other| other.caller == this.caller && other.at < this.at)
    }

    /// What came of a booking, by somebody who has heard it.
    fn outcomes(&self, of: Wanted) -> impl Iterator<Item = &str> {
        let of =
            self.0.iter().filter(move |heard| heard.step.of == of && matches!(heard.step.ask, Ask::Post | Ask::Get));
        of.filter_map(|heard| heard.answer.as_deref()).filter(|answer| answer.starts_with("200 ") || is_refusal(answer))
    }
}

fn is_refusal(answer: &str) -> bool {
    answer.starts_with("402 ")
}

/// Every booking of a plan.
fn wanted(plan: &Plan) -> BTreeSet<Wanted> {
    plan.iter().flat_map(|(_, steps)| steps).map(|step| step.of).collect()
}

/// Which bookings of a plan must have run if an account holds so much; `None` if no set of them explains it.
fn ran(plan: &Plan, balance: i64) -> Option<BTreeSet<Wanted>> {
    subsets(&wanted(plan)).into_iter().find(|set| OPENING + set.iter().map(|(.., cents)| cents).sum::<i64>() == balance)
}

fn subsets(all: &BTreeSet<Wanted>) -> Vec<BTreeSet<Wanted>> {
    all.iter().fold(vec![BTreeSet::new()], |sets, one| {
        let with = sets.iter().map(|set| set.iter().chain([one]).copied().collect());
        let with: Vec<BTreeSet<Wanted>> = with.collect();
        [sets, with].concat()
    })
}

fn named(set: &BTreeSet<Wanted>) -> String {
    let names: Vec<&str> = set.iter().map(|(id, ..)| *id).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

trait Rules {
    fn keeps_the_table(self, plan: Plan) -> Self;
}

impl Rules for Story<Books> {
    fn keeps_the_table(self, plan: Plan) -> Self {
        let plan: &'static Plan = Box::leak(Box::new(plan));
        self.always(NO_DUPLICATE_PROCESSING, "a booking moves the money once", move |seen| {
            let balance = seen.view().balance;
            expect(ran(plan, balance).is_some() && balance >= 0, || {
                format!("ada holds {balance} cents; no bookings that run once each lead there from {OPENING}")
            })
        })
        .always(NO_GHOST_MESSAGE, "no money moves before somebody has POSTed", move |seen| {
            let log = Log::of(plan, seen);
            let ran = ran(plan, seen.view().balance).unwrap_or_default();
            let early = ran.into_iter().find(|of| !log.asked(Ask::Post, *of));
            expect(early.is_none(), || format!("nobody has POSTed {}, and it is run", early.unwrap_or(GIFT).0))
        })
        .always(NO_LOST_MESSAGE, "what was answered as done is done", move |seen| {
            let log = Log::of(plan, seen);
            let ran = ran(plan, seen.view().balance).unwrap_or_default();
            wanted(plan).into_iter().try_for_each(|of| {
                let done = log.outcomes(of).find(|answer| !is_refusal(answer));
                expect(done.is_none() || ran.contains(&of), || {
                    format!("of {} somebody heard {}; run are: {}", of.0, done.unwrap_or_default(), named(&ran))
                })
            })
        })
        .always(CONSISTENT_OUTPUT, "what was refused stays refused", move |seen| {
            let log = Log::of(plan, seen);
            let ran = ran(plan, seen.view().balance).unwrap_or_default();
            wanted(plan).into_iter().try_for_each(|of| {
                let refused = log.outcomes(of).find(|answer| is_refusal(answer));
                expect(refused.is_none() || !ran.contains(&of), || {
                    format!("of {} somebody heard {}; run are: {}", of.0, refused.unwrap_or_default(), named(&ran))
                })
            })
        })
        .always(CONSISTENT_OUTPUT, "of one booking everybody hears the same", move |seen| {
            let log = Log::of(plan, seen);
            wanted(plan).into_iter().try_for_each(|of| {
                let heard: BTreeSet<&str> = log.outcomes(of).collect();
                expect(heard.len() <= 1, || {
                    format!("of {} callers heard {}", of.0, heard.into_iter().collect::<Vec<&str>>().join(" and "))
                })
            })
        })
        .always(CONSISTENT_OUTPUT, "each answer is one that the table has", move |seen| {
            let log = Log::of(plan, seen);
            log.0.iter().try_for_each(|heard| is_in_the_table(&log, heard))
        })
        .always(NO_GHOST_MESSAGE, "what is deleted runs no more", move |seen| {
            let log = Log::of(plan, seen);
            let ran_by_now = ran(plan, seen.view().balance).unwrap_or_default();
            log.0.iter().filter(|heard| heard.step.ask == Ask::Balance).try_for_each(|heard| {
                let Some(ran_then) = heard.answer.as_deref().and_then(held).and_then(|held| ran(plan, held)) else {
                    return Ok(());
                };
                let deleted =
                    log.before(heard).filter(|heard| heard.step.ask == Ask::Delete).map(|heard| heard.step.of);
                deleted.into_iter().try_for_each(|of| {
                    expect(ran_then.contains(&of) == ran_by_now.contains(&of), || {
                        format!("{} was deleted, and had not run; now it has", of.0)
                    })
                })
            })
        })
        .when_quiescent(SERIAL_EQUIVALENCE, "what was heard fits one order of the bookings", move |seen| {
            let log = Log::of(plan, seen);
            let balance = seen.view().balance;
            let all: Vec<Wanted> = wanted(plan).into_iter().collect();
            let fits = orders(&all).iter().any(|order| fits(order, &log, balance));
            expect(fits, || {
                let heard: Vec<String> =
                    all.iter().flat_map(|of| log.outcomes(*of).map(|answer| format!("of {} {answer}", of.0))).collect();
                format!("ada holds {balance} cents, and callers heard: {}", heard.join("; "))
            })
        })
        .when_quiescent(NO_GARBAGE, "nothing is left of a deleted booking", move |seen| {
            let log = Log::of(plan, seen);
            let deleted = log.0.iter().filter(|heard| heard.step.ask == Ask::Delete && heard.answer.is_some());
            deleted.map(|heard| heard.step.of.0).try_for_each(|id| {
                let left = seen.view().docs.pairs().find(|(key, text)| key.contains(id) || text.contains(id));
                expect(left.is_none(), || {
                    format!("{id} is deleted; still there is {}", left.map_or("", |(key, _)| key))
                })
            })
        })
        .can_finish("every caller is answered in the end")
    }
}

/// What an account held, by the body of a response.
fn held(answer: &str) -> Option<i64> {
    let body = answer.strip_prefix("200 ").or_else(|| answer.strip_prefix("402 "))?;
    let response = Response { status: 200, body: body.to_owned() };
    response.body::<Receipt>().ok().map(|receipt| receipt.balance)
}

/// The table, as one caller may rely on it who knows what it has heard, and what others may have asked.
fn is_in_the_table(log: &Log, heard: &Heard) -> Result<(), String> {
    let Some(answer) = &heard.answer else { return Ok(()) };
    let Step { ask, of, .. } = heard.step;
    let status = answer.split(' ').next().unwrap_or_default();
    // By what this caller has heard before, is the booking known, run, deleted?
    let (mut known, mut ran, mut deleted) = (false, false, false);
    for before in log.before(heard).filter(|before| before.step.of == of) {
        let Some(answer) = &before.answer else { continue };
        match before.step.ask {
            Ask::Put if answer != "410" => (known, ran, deleted) = (true, false, false),
            Ask::Post | Ask::Get => ran |= answer.starts_with("200 ") || is_refusal(answer),
            Ask::Delete => (known, ran, deleted) = (false, false, true),
            _ => {}
        }
    }
    // And what may others have done, or what this caller asked without an answer?
    let (put, delete) = (log.asked(Ask::Put, of), log.asked(Ask::Delete, of));
    let mut table = match ask {
        Ask::Wait => vec!["waited"],
        Ask::Balance => vec!["200"],
        Ask::Delete => vec!["204"],
        Ask::Put if deleted => vec!["201", "410"],
        Ask::Put => vec!["201", "200"],
        _ if deleted => vec!["404", "410"],
        _ if !put => vec!["404"],
        Ask::Post if known => vec!["200", "402"],
        Ask::Post => vec!["200", "402", "404"],
        Ask::Get if known && ran => vec!["200", "402"],
        Ask::Get if known => vec!["200", "402", "409"],
        Ask::Get => vec!["200", "402", "404", "409"],
    };
    if delete && ask != Ask::Delete && ask != Ask::Balance && ask != Ask::Wait {
        table.extend(if deleted { vec!["410"] } else { vec!["410", "404", "201"] });
    }
    expect(table.contains(&status), || format!("{} was answered with {answer}", words(&heard.step)))?;
    let receipt = matches!(ask, Ask::Balance | Ask::Post | Ask::Get) && matches!(status, "200" | "402");
    expect(!receipt || held(answer).is_some(), || {
        format!("{} was answered with {answer}, no receipt", words(&heard.step))
    })
}

fn orders(all: &[Wanted]) -> Vec<Vec<Wanted>> {
    if all.is_empty() {
        return vec![Vec::new()];
    }
    let mut orders = Vec::new();
    for (at, first) in all.iter().enumerate() {
        let rest: Vec<Wanted> = [&all[..at], &all[at + 1..]].concat();
        orders.extend(self::orders(&rest).into_iter().map(|order| [&[*first], &order[..]].concat()));
    }
    orders
}

/// Whether the answers, and the account, are those of the bookings run in this order; one of which nobody has heard may
/// have been run or not.
fn fits(order: &[Wanted], log: &Log, balance: i64) -> bool {
    fn from(held: i64, order: &[Wanted], heard: &BTreeMap<Wanted, &str>, balance: i64) -> bool {
        let Some((of, rest)) = order.split_first() else { return held == balance };
        let after = if held + of.2 >= 0 { held + of.2 } else { held };
        let status = if held + of.2 >= 0 { 200 } else { 402 };
        match heard.get(of) {
            Some(answer) => {
                **answer == Response::with(status, &Receipt { balance: after }).to_string()
                    && from(after, rest, heard, balance)
            }
            None => from(held, rest, heard, balance) || from(after, rest, heard, balance),
        }
    }
    let heard = order.iter().filter_map(|of| Some((*of, log.outcomes(*of).next()?))).collect();
    from(OPENING, order, &heard, balance)
}
