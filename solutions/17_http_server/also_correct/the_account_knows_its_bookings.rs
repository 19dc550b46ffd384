//! Also correct: a record says only whose booking it is. What is to be booked, and what came of it, is in the account.
//! Why: all that decides is in one document, under one version. A DELETE writes the tombstone, then takes the booking
//! out of the account: whoever has loaded it before commits no more.

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

/// Where a booking is.
#[derive(Default, Serialize, Deserialize)]
enum Place {
    #[default]
    Nowhere,
    In(String),
    Gone(Option<String>, String),
}

#[derive(Serialize, Deserialize)]
struct Account {
    balance: i64,
    bookings: BTreeMap<String, (Booking, Option<Response>)>,
}

impl Default for Account {
    fn default() -> Self {
        Account { balance: OPENING, bookings: BTreeMap::new() }
    }
}

impl Server for Bank {
    async fn on_request(&self, cx: &Cx, request: &Request) -> Result<Response, Retry> {
        if let Some(name) = request.path.strip_prefix("/accounts/") {
            let (Account { balance, .. }, _) = load(cx, &account_key(name)).await?;
            return Ok(Response::with(200, &Receipt { balance }));
        }
        let Some(id) = request.path.strip_prefix("/bookings/") else { return Ok(Response::status(404)) };
        match request.method {
            Method::Put => put(cx, id, request).await,
            Method::Delete => delete(cx, id).await,
            Method::Get | Method::Post => run(cx, id, request.method).await,
        }
    }
}

async fn put(cx: &Cx, id: &str, request: &Request) -> Result<Response, Retry> {
    let (place, when) = load(cx, &place_key(id)).await?;
    if matches!(place, Place::Gone(..)) {
        return Ok(Response::status(410));
    }
    let Ok(booking) = request.body::<Booking>() else { return Ok(Response::status(400)) };
    match place {
        Place::In(name) if name != booking.account => return Ok(Response::status(409)),
        Place::Nowhere => {
            cx.docs.put(&place_key(id), &Place::In(booking.account.clone()), when).await?;
        }
        _ => {}
    }
    let key = account_key(&booking.account);
    let (mut account, when): (Account, When) = load(cx, &key).await?;
    // Once more: it may have been deleted before the account was loaded.
    let (place, _) = load(cx, &place_key(id)).await?;
    if !matches!(place, Place::In(_)) {
        return Ok(Response::status(410));
    }
    match account.bookings.get(id) {
        Some((known, _)) if *known == booking => Ok(Response::status(200)),
        Some(_) => Ok(Response::status(409)),
        None => {
            account.bookings.insert(id.to_owned(), (booking, None));
            cx.docs.put(&key, &account, when).await?;
            Ok(Response::status(201))
        }
    }
}

async fn run(cx: &Cx, id: &str, method: Method) -> Result<Response, Retry> {
    let (place, _) = load(cx, &place_key(id)).await?;
    let name = match place {
        Place::Nowhere => return Ok(Response::status(404)),
        Place::Gone(..) => return Ok(Response::status(410)),
        Place::In(name) => name,
    };
    let (mut account, when): (Account, When) = load(cx, &account_key(&name)).await?;
    let Some((booking, answer)) = account.bookings.get(id).cloned() else { return Ok(Response::status(404)) };
    match answer {
        Some(response) => Ok(response),
        None if method == Method::Get => Ok(Response::status(409)),
        None => {
            let after = account.balance.checked_add(booking.cents).filter(|after| *after >= 0);
            account.balance = after.unwrap_or(account.balance);
            let response =
                Response::with(if after.is_some() { 200 } else { 402 }, &Receipt { balance: account.balance });
            account.bookings.insert(id.to_owned(), (booking, Some(response.clone())));
            cx.docs.put(&account_key(&name), &account, when).await?;
            Ok(response)
        }
    }
}

async fn delete(cx: &Cx, id: &str) -> Result<Response, Retry> {
    let (place, when) = load(cx, &place_key(id)).await?;
    let name = match place {
        Place::Nowhere => None,
        Place::In(name) => Some(name),
        Place::Gone(name, _) => name,
    };
    let mark = cx.fresh_id().to_string();
    cx.bus.send_later("tombstones", Msg::new(&mark, "Sweep", &(id, &mark)), MAX_FLIGHT).await?;
    cx.docs.put(&place_key(id), &Place::Gone(name.clone(), mark), when).await?;
    take_out(cx, id, name, true).await?;
    Ok(Response::status(204))
}

async fn take_out(cx: &Cx, id: &str, name: Option<String>, fence: bool) -> Result<(), StoreErr> {
    let Some(name) = name else { return Ok(()) };
    let (mut account, when): (Account, When) = load(cx, &account_key(&name)).await?;
    if account.bookings.remove(id).is_some() || fence {
        cx.docs.put(&account_key(&name), &account, when).await?;
    }
    Ok(())
}

impl Endpoint for Sweeper {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let (id, mark): (String, String) = delivery.body()?;
        if let (Place::Gone(name, found), when) = load(cx, &place_key(&id)).await?
            && found == mark
        {
            take_out(cx, &id, name, false).await?;
            cx.docs.delete(&place_key(&id), when).await?;
        }
        Ok(())
    }
}

async fn load<T: Default + DeserializeOwned>(cx: &Cx, key: &str) -> Result<(T, When), StoreErr> {
    Ok(match cx.docs.get(key).await? {
        Some((doc, version)) => (doc, When::Is(version)),
        None => (T::default(), When::Absent),
    })
}

/// What an account holds, from the documents alone.
pub fn view(docs: &Docs, account: &str) -> i64 {
    docs.get::<Account>(&account_key(account)).unwrap_or_default().balance
}

fn place_key(id: &str) -> String {
    format!("{id}/place")
}

fn account_key(name: &str) -> String {
    format!("{name}/account")
}
