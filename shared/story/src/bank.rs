//! The Bank, as its callers know it: a table of verbs, each done in one step. Exercise 17 is to build it; exercise 18 calls it.
//!
//! | verb | none | stored | executed | gone |
//! |---|---|---|---|---|
//! | PUT | store, 201 | same body 200, else 409 | same body 200, else 409 | 410 |
//! | POST | 404 | run: 200 or 402 | the stored response | 410 |
//! | GET | 404 | 409, not run | the stored response | 410 |
//! | DELETE | gone, 204 | gone, 204 | gone, 204 | 204 |
//!
//! PUT, DELETE and GET are idempotent in any HTTP (RFC 9110, "HTTP Semantics", section 9.2.2); POST is so here, because what it
//! runs is stored under an id first.

use std::collections::BTreeMap;

use kit::http::Method;
use kit::{Request, Response};
use serde::{Deserialize, Serialize};
use sim::Service;

/// Under which path a booking is; its id follows.
const BOOKINGS: &str = "/bookings/";

/// What a caller asks of the Bank: money to or from an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Booking {
    /// Whose.
    pub account: String,
    /// How much, in cents; less than nothing is taken from the account.
    pub cents: i64,
}

/// What the Bank says of a booking that was run: with status 200 that it was done, with 402 that it was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Receipt {
    /// What the account holds after it, in cents.
    pub balance: i64,
}

/// Where a booking stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It waits to be run.
    Stored(Booking),
    /// It was run, and this is what everybody is told of it.
    Executed(Booking, Response),
    /// Nobody asks for it any more.
    Gone,
}

/// The Bank's books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bank {
    /// What each account holds, in cents.
    pub balances: BTreeMap<String, i64>,
    /// Every booking that was ever heard of.
    pub bookings: BTreeMap<String, Standing>,
    /// How the Bank does.
    #[serde(default, skip_serializing_if = "Health::is_well")]
    pub health: Health,
}

/// How the Bank does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    /// Well, and it will be.
    #[default]
    Well,
    /// Well, and some time it will be out.
    WellForNow,
    /// It answers so many requests with 503, and does nothing of what they ask.
    Out(u8),
}

impl Health {
    fn is_well(&self) -> bool {
        *self == Health::Well
    }
}

impl Bank {
    /// The Bank behind `http://bank/bookings/…`, in whose accounts so many cents may be missing.
    pub fn over_http(overdraft: i64) -> Service {
        Bank::default().serving(overdraft)
    }

    /// The same Bank, which from some moment on is out for two requests: it answers 503, whatever they ask. A bound is
    /// needed where callers write down each attempt.
    ///
    /// Source: RFC 9110, "HTTP Semantics", section 15.6.4.
    pub fn with_outage(overdraft: i64) -> Service {
        let bank = Bank { health: Health::WellForNow, ..Bank::default() };
        bank.serving(overdraft).with_timer(|state| {
            let bank = read(state);
            (bank.health == Health::WellForNow).then(|| written(&Bank { health: Health::Out(2), ..bank }))
        })
    }

    fn serving(&self, overdraft: i64) -> Service {
        Service::over_http("bank", written(self), move |state, request| {
            let mut bank = read(state);
            let response = bank.answer_if_well(request, overdraft);
            (written(&bank), response)
        })
    }

    fn answer_if_well(&mut self, request: &Request, overdraft: i64) -> Response {
        let Health::Out(more) = self.health else { return self.answer(request, overdraft) };
        self.health = if more > 1 { Health::Out(more - 1) } else { Health::Well };
        Response::status(503)
    }

    /// The bookings that are kept for somebody: stored, or executed and not deleted.
    pub fn kept(&self) -> impl Iterator<Item = &str> {
        let kept = self.bookings.iter().filter(|(_, standing)| **standing != Standing::Gone);
        kept.map(|(id, _)| id.as_str())
    }

    /// Does one request, and says what came of it.
    pub fn answer(&mut self, request: &Request, overdraft: i64) -> Response {
        let Some(id) = request.path.strip_prefix(BOOKINGS) else { return Response::status(404) };
        let standing = self.bookings.get(id).cloned();
        match (request.method, standing) {
            (Method::Delete, _) => {
                self.bookings.insert(id.to_owned(), Standing::Gone);
                Response::status(204)
            }
            (_, Some(Standing::Gone)) => Response::status(410),
            (Method::Put, known) => {
                let Ok(booking) = request.body::<Booking>() else { return Response::status(400) };
                match known {
                    None => {
                        self.bookings.insert(id.to_owned(), Standing::Stored(booking));
                        Response::status(201)
                    }
                    Some(Standing::Stored(known) | Standing::Executed(known, _)) if known == booking => {
                        Response::status(200)
                    }
                    Some(_) => Response::status(409),
                }
            }
            (_, None) => Response::status(404),
            (_, Some(Standing::Executed(_, response))) => response,
            (Method::Get, Some(Standing::Stored(_))) => Response::status(409),
            (Method::Post, Some(Standing::Stored(booking))) => {
                let balance = self.balances.entry(booking.account.clone()).or_default();
                let done = *balance + booking.cents >= -overdraft;
                *balance += if done { booking.cents } else { 0 };
                let response = Response::with(if done { 200 } else { 402 }, &Receipt { balance: *balance });
                self.bookings.insert(id.to_owned(), Standing::Executed(booking, response.clone()));
                response
            }
        }
    }
}

fn read(state: &str) -> Bank {
    serde_json::from_str(state).expect("the state is the Bank's books")
}

fn written(bank: &Bank) -> String {
    serde_json::to_string(bank).expect("books are plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(bank: &mut Bank, method: Method, cents: i64) -> String {
        let body = match method {
            Method::Put => serde_json::to_string(&Booking { account: "ada".to_owned(), cents }).expect("plain data"),
            _ => "null".to_owned(),
        };
        bank.answer(&Request { method, path: "/bookings/r1".to_owned(), body }, 100).to_string()
    }

    #[test]
    fn every_verb_in_every_state() {
        use Method::{Delete, Get, Post, Put};
        let mut bank = Bank::default();
        let mut says = |method, cents, answer: &str| assert_eq!(ask(&mut bank, method, cents), answer, "{method}");
        says(Get, 0, "404");
        says(Post, 0, "404");
        says(Put, -60, "201");
        says(Put, -60, "200");
        says(Put, -61, "409");
        says(Get, 0, "409");
        says(Post, 0, "200 {\"balance\":-60}");
        says(Post, 0, "200 {\"balance\":-60}");
        says(Get, 0, "200 {\"balance\":-60}");
        says(Put, -60, "200");
        says(Delete, 0, "204");
        says(Delete, 0, "204");
        for verb in [Get, Post, Put] {
            says(verb, -60, "410");
        }
        assert_eq!(bank.balances["ada"], -60);
        assert_eq!(bank.kept().count(), 0);
    }

    /// A refusal is a response like any other: it stays.
    #[test]
    fn what_was_refused_once_stays_refused() {
        let mut bank = Bank { balances: BTreeMap::from([("ada".to_owned(), -90)]), ..Bank::default() };
        assert_eq!(ask(&mut bank, Method::Put, -60), "201");
        assert_eq!(ask(&mut bank, Method::Post, 0), "402 {\"balance\":-90}");
        bank.balances.insert("ada".to_owned(), 500);
        assert_eq!(ask(&mut bank, Method::Post, 0), "402 {\"balance\":-90}");
    }

    /// Two requests get no more than that, and then all is as it was.
    #[test]
    fn an_outage_does_nothing_and_passes() {
        let bank = Bank::with_outage(100);
        let put = Request { method: Method::Put, path: "/bookings/r1".into(), body: "null".into() };
        let get = serde_json::to_string(&Request { method: Method::Get, ..put }).expect("plain data");
        let mut state = bank.timer(&bank.initial).expect("an outage begins at any time");
        for status in [503, 503, 404] {
            let (after, response) = bank.handle(&state, &get);
            assert!(response.contains(&status.to_string()), "{response}");
            assert_eq!(bank.timer(&after), None, "there is one outage");
            state = after;
        }
        assert_eq!(read(&state), Bank::default());
    }
}
