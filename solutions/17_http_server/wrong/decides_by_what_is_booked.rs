//! Dies by: what was answered as done is done
//! Why: the account keeps its decision by what is booked, and not by the id. Another gift of the same price finds it,
//! and takes it for its own.

use std::collections::BTreeMap;

use kit::http::{MAX_FLIGHT, Method};
use kit::{Cx, Delivery, Docs, Endpoint, Msg, Request, Response, Retry, Server, StoreErr, When};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What every account holds in the beginning, in cents. No account may ever hold less than nothing.
pub const OPENING: i64 = 100;

/// What a PUT carries: money to or from an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Whose.
    pub account: String,
    /// How much, in cents; less than nothing is taken from the account.
    pub cents: i64,
}

/// What a booking that was run is answered with: status 200, it was done; or 402, it was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What the account holds after it, in cents.
    pub balance: i64,
}

/// Answers what is asked of `http://bank/`.
#[derive(Default)]
pub struct Bank;

/// Handles the messages of the queue `tombstones`.
#[derive(Default)]
pub struct Sweeper;

/// What is known of a booking, under its id.
#[derive(Default, Serialize, Deserialize)]
enum Record {
    /// Nothing, or nothing any more.
    #[default]
    None,
    /// It waits to be run; or its account has decided, and this is not written here yet.
    Stored(Booking),
    /// It was run, and this is what everybody is told of it.
    Executed(Booking, Response),
    /// It was deleted. Whatever comes late finds this.
    Tombstone {
        /// Whose booking it was, if anybody knows.
        account: Option<Booking>,
        /// Which DELETE wrote it.
        mark: String,
    },
}

/// An account, under its name.
#[derive(Serialize, Deserialize)]
struct Account {
    balance: i64,
    /// By booking: what was decided, and may not be in its record yet.
    decided: BTreeMap<String, Response>,
}

/// What a DELETE tells the sweeper.
#[derive(Serialize, Deserialize)]
struct Sweep {
    id: String,
    mark: String,
}

impl Server for Bank {
    async fn on_request(&self, cx: &Cx, request: &Request) -> Result<Response, Retry> {
        let of_what = request.path.strip_prefix('/').and_then(|path| path.split_once('/'));
        match (request.method, of_what) {
            (Method::Put, Some(("bookings", id))) => put(cx, id, request).await,
            (Method::Post | Method::Get, Some(("bookings", id))) => run(cx, id, request.method).await,
            (Method::Delete, Some(("bookings", id))) => delete(cx, id).await,
            (Method::Get, Some(("accounts", name))) => {
                let (Account { balance, .. }, _) = load(cx, &account_key(name)).await?;
                Ok(Response::with(200, &Receipt { balance }))
            }
            _ => Ok(Response::status(404)),
        }
    }
}

/// Given: lets a booking be known. It runs nothing.
async fn put(cx: &Cx, id: &str, request: &Request) -> Result<Response, Retry> {
    let (record, when) = load(cx, &record_key(id)).await?;
    Ok(Response::status(match (record, request.body::<Booking>()) {
        (Record::Tombstone { .. }, _) => 410,
        (_, Err(_)) => 400,
        (Record::None, Ok(booking)) => {
            cx.docs.put(&record_key(id), &Record::Stored(booking), when).await?;
            201
        }
        (Record::Stored(known) | Record::Executed(known, _), Ok(booking)) => {
            if known == booking {
                200
            } else {
                409
            }
        }
    }))
}

/// POST: runs the booking, unless it was run. GET: says what came of it, and runs nothing.
async fn run(cx: &Cx, id: &str, method: Method) -> Result<Response, Retry> {
    let (record, _) = load(cx, &record_key(id)).await?;
    let Record::Stored(Booking { account: name, .. }) = record else { return Ok(answer(record)) };
    let (mut account, mut when): (Account, When) = load(cx, &account_key(&name)).await?;
    // Once more, now that the account is loaded: who has finished it, or deleted it, since the first look is seen here; or
    // writes the account later, and makes the commit below fail. See `two_callers_ask_at_once`.
    let (record, recorded) = load(cx, &record_key(id)).await?;
    let Record::Stored(booking) = record else { return Ok(answer(record)) };
    let response = match account.decided.get(&slot(&booking)) {
        Some(response) => response.clone(),
        None if method == Method::Get => return Ok(Response::status(409)),
        None => {
            // The commit: the money and the answer, in one write. A refusal is an answer, too.
            let response = decide(&mut account.balance, booking.cents);
            account.decided.insert(slot(&booking), response.clone());
            when = When::Is(cx.docs.put(&account_key(&name), &account, when).await?);
            response
        }
    };
    // Under the version from above, or this would bring back what was deleted meanwhile.
    cx.docs.put(&record_key(id), &Record::Executed(booking.clone(), response.clone()), recorded).await?;
    account.decided.remove(&slot(&booking));
    cx.docs.put(&account_key(&name), &account, when).await?;
    Ok(response)
}

/// Forgets a booking, for good: whatever was sent before runs no more.
async fn delete(cx: &Cx, id: &str) -> Result<Response, Retry> {
    let (record, when) = load(cx, &record_key(id)).await?;
    let account = match record {
        Record::None => None,
        Record::Stored(booking) | Record::Executed(booking, _) => Some(booking),
        Record::Tombstone { account, .. } => account,
    };
    // First the message that will sweep: a tombstone of which no message knows would stay for ever.
    let mark = cx.fresh_id().simple().to_string();
    let sweep = Sweep { id: id.to_owned(), mark: mark.clone() };
    cx.bus.send_later("tombstones", Msg::new(&mark, "Sweep", &sweep), MAX_FLIGHT).await?;
    // Also where there was nothing: a PUT may be on its way.
    cx.docs.put(&record_key(id), &Record::Tombstone { account: account.clone(), mark }, when).await?;
    forget(cx, account.as_ref(), true).await?;
    Ok(Response::status(204))
}

/// Takes away what the account may have decided and the record may not have. Whoever has seen no tombstone commits
/// before this, and it is taken away; or never.
async fn forget(cx: &Cx, booking: Option<&Booking>, fence: bool) -> Result<(), StoreErr> {
    let Some(booking) = booking else { return Ok(()) };
    let (mut account, when): (Account, When) = load(cx, &account_key(&booking.account)).await?;
    // As a fence it is written also where nothing is taken away: a POST that has loaded it before commits no more.
    if account.decided.remove(&slot(booking)).is_some() || fence {
        cx.docs.put(&account_key(&booking.account), &account, when).await?;
    }
    Ok(())
}

impl Endpoint for Sweeper {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let Sweep { id, mark } = delivery.body()?;
        let (record, when) = load(cx, &record_key(&id)).await?;
        match record {
            // Once more: the DELETE may have come no further than its tombstone, which is all that says whose it was.
            Record::Tombstone { account, mark: found } if found == mark => {
                forget(cx, account.as_ref(), false).await?;
                Ok(cx.docs.delete(&record_key(&id), when).await?)
            }
            // Another DELETE's tombstone is younger, and has a message of its own.
            _ => Ok(()),
        }
    }
}

/// Given: what is said of a booking that is not to be run now.
fn answer(record: Record) -> Response {
    match record {
        Record::None => Response::status(404),
        Record::Stored(_) => Response::status(409),
        Record::Executed(_, response) => response,
        Record::Tombstone { .. } => Response::status(410),
    }
}

/// Given: moves the money, unless less than nothing would be left.
fn decide(balance: &mut i64, cents: i64) -> Response {
    let after = balance.checked_add(cents).filter(|after| *after >= 0);
    *balance = after.unwrap_or(*balance);
    Response::with(if after.is_some() { 200 } else { 402 }, &Receipt { balance: *balance })
}

/// Given: a document, and the condition that nobody has written it since.
async fn load<T: Default + DeserializeOwned>(cx: &Cx, key: &str) -> Result<(T, When), StoreErr> {
    Ok(match cx.docs.get(key).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (T::default(), When::Absent),
    })
}

impl Default for Account {
    fn default() -> Self {
        Account { balance: OPENING, decided: BTreeMap::new() }
    }
}

/// Given: what an account holds, from the documents alone.
pub fn view(docs: &Docs, account: &str) -> i64 {
    docs.get::<Account>(&account_key(account)).unwrap_or_default().balance
}

/// Given: the key of what is known of a booking.
fn record_key(id: &str) -> String {
    format!("{id}/booking")
}

fn slot(booking: &Booking) -> String {
    booking.cents.to_string()
}

/// Given: the key of an account.
fn account_key(name: &str) -> String {
    format!("{name}/account")
}
