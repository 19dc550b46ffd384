//! Also correct: everything is in one document: accounts, bookings, tombstones.
//! Why: each request is one read, a pure function, and one write under the version. It is the table itself. All of the
//! Bank's callers wait for each other.

use std::collections::BTreeMap;

use kit::http::{MAX_FLIGHT, Method};
use kit::{Cx, Delivery, Docs, Endpoint, Msg, Request, Response, Retry, Server, StoreErr, When};
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

/// All that the Bank knows.
#[derive(Default, Serialize, Deserialize)]
struct Books {
    /// What the accounts hold more, or less, than in the beginning.
    moved: BTreeMap<String, i64>,
    bookings: BTreeMap<String, Standing>,
}

#[derive(Serialize, Deserialize)]
enum Standing {
    Stored(Booking),
    Executed(Booking, Response),
    Gone(String),
}

const BOOKS: &str = "bank/books";

impl Server for Bank {
    async fn on_request(&self, cx: &Cx, request: &Request) -> Result<Response, Retry> {
        let (mut books, when) = load(cx).await?;
        if let Some(name) = request.path.strip_prefix("/accounts/") {
            return Ok(Response::with(200, &Receipt { balance: books.balance(name) }));
        }
        let Some(id) = request.path.strip_prefix("/bookings/") else { return Ok(Response::status(404)) };
        let mark = cx.fresh_id().to_string();
        let (response, changed) = books.answer(id, request, &mark);
        if request.method == Method::Delete {
            let msg = Msg::new(&mark, "Sweep", &(id, &mark));
            cx.bus.send_later("tombstones", msg, MAX_FLIGHT).await?;
        }
        if changed {
            cx.docs.put(BOOKS, &books, when).await?;
        }
        Ok(response)
    }
}

impl Books {
    fn balance(&self, account: &str) -> i64 {
        OPENING + self.moved.get(account).copied().unwrap_or_default()
    }

    /// The answer, and whether anything has changed.
    fn answer(&mut self, id: &str, request: &Request, mark: &str) -> (Response, bool) {
        if request.method == Method::Delete {
            self.bookings.insert(id.to_owned(), Standing::Gone(mark.to_owned()));
            return (Response::status(204), true);
        }
        match (request.method, self.bookings.get(id)) {
            (_, Some(Standing::Gone(_))) => (Response::status(410), false),
            (Method::Put, known) => match (request.body::<Booking>(), known) {
                (Err(_), _) => (Response::status(400), false),
                (Ok(booking), None) => {
                    self.bookings.insert(id.to_owned(), Standing::Stored(booking));
                    (Response::status(201), true)
                }
                (Ok(booking), Some(Standing::Stored(known) | Standing::Executed(known, _))) if *known == booking => {
                    (Response::status(200), false)
                }
                _ => (Response::status(409), false),
            },
            (_, None) => (Response::status(404), false),
            (_, Some(Standing::Executed(_, response))) => (response.clone(), false),
            (Method::Get, Some(_)) => (Response::status(409), false),
            (_, Some(Standing::Stored(booking))) => {
                let booking = booking.clone();
                let before = self.balance(&booking.account);
                let after = before.checked_add(booking.cents).filter(|after| *after >= 0);
                let balance = after.unwrap_or(before);
                self.moved.insert(booking.account.clone(), balance - OPENING);
                let response = Response::with(if after.is_some() { 200 } else { 402 }, &Receipt { balance });
                self.bookings.insert(id.to_owned(), Standing::Executed(booking, response.clone()));
                (response, true)
            }
        }
    }
}

impl Endpoint for Sweeper {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let (id, mark): (String, String) = delivery.body()?;
        let (mut books, when) = load(cx).await?;
        if matches!(books.bookings.get(&id), Some(Standing::Gone(found)) if *found == mark) {
            books.bookings.remove(&id);
            cx.docs.put(BOOKS, &books, when).await?;
        }
        Ok(())
    }
}

async fn load(cx: &Cx) -> Result<(Books, When), StoreErr> {
    Ok(match cx.docs.get(BOOKS).await? {
        Some((books, version)) => (books, When::Is(version)),
        None => (Books::default(), When::Absent),
    })
}

/// What an account holds, from the documents alone.
pub fn view(docs: &Docs, account: &str) -> i64 {
    docs.get::<Books>(BOOKS).unwrap_or_default().balance(account)
}
