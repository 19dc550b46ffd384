//! Also correct: PUT, POST and DELETE have a document each, in the partition of their booking.
//! Why: each batch names what must not be there. Whoever has loaded the account looks for an answer first, then for a
//! tombstone: a DELETE takes the one and leaves the other in one batch.

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
struct Tombstone {
    account: Option<String>,
    mark: String,
}

async fn peek<T: DeserializeOwned>(cx: &Cx, id: &str, verb: &str) -> Result<Option<T>, StoreErr> {
    Ok(cx.docs.get(&format!("{id}/{verb}")).await?.map(|(doc, _)| doc))
}

/// What is said already: the answer, or that it is gone.
async fn said(cx: &Cx, id: &str) -> Result<Option<Response>, StoreErr> {
    if let Some(response) = peek::<Response>(cx, id, "post").await? {
        return Ok(Some(response));
    }
    Ok(peek::<Tombstone>(cx, id, "delete").await?.map(|_| Response::status(410)))
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

async fn put(cx: &Cx, id: &str, request: &Request) -> Result<Response, Retry> {
    let Ok(booking) = request.body::<Booking>() else { return Ok(Response::status(400)) };
    if let Some(known) = peek::<Booking>(cx, id, "put").await? {
        return Ok(Response::status(if known == booking { 200 } else { 409 }));
    }
    if peek::<Tombstone>(cx, id, "delete").await?.is_some() {
        return Ok(Response::status(410));
    }
    cx.docs
        .batch(id)
        .put(&format!("{id}/put"), &booking, When::Absent)
        .delete(&format!("{id}/delete"), When::Absent)
        .commit()
        .await?;
    Ok(Response::status(201))
}

async fn run(cx: &Cx, id: &str, method: Method) -> Result<Response, Retry> {
    if let Some(response) = said(cx, id).await? {
        return Ok(response);
    }
    let Some(booking) = peek::<Booking>(cx, id, "put").await? else {
        return Ok(said(cx, id).await?.unwrap_or(Response::status(404)));
    };
    let key = account_key(&booking.account);
    let (mut account, mut when): (Account, When) = load(cx, &key).await?;
    if let Some(response) = said(cx, id).await? {
        return Ok(response);
    }
    let response = match account.decided.get(id) {
        Some(response) => response.clone(),
        None if method == Method::Get => return Ok(Response::status(409)),
        None => {
            let response = decide(&mut account.balance, booking.cents);
            account.decided.insert(id.to_owned(), response.clone());
            when = When::Is(cx.docs.put(&key, &account, when).await?);
            response
        }
    };
    cx.docs
        .batch(id)
        .put(&format!("{id}/post"), &response, When::Absent)
        .delete(&format!("{id}/delete"), When::Absent)
        .commit()
        .await?;
    account.decided.remove(id);
    cx.docs.put(&key, &account, when).await?;
    Ok(response)
}

async fn delete(cx: &Cx, id: &str) -> Result<Response, Retry> {
    let (tombstone, when): (Tombstone, When) = load(cx, &format!("{id}/delete")).await?;
    let known = cx.docs.get::<Booking>(&format!("{id}/put")).await?;
    let was = known.as_ref().map_or(When::Absent, |(_, version)| When::Is(version.clone()));
    let account = tombstone.account.or(known.map(|(booking, _)| booking.account));
    let mark = cx.fresh_id().simple().to_string();
    let sweep = Sweep { id: id.to_owned(), mark: mark.clone() };
    cx.bus.send_later("tombstones", Msg::new(&mark, "Sweep", &sweep), MAX_FLIGHT).await?;
    cx.docs
        .batch(id)
        .put(&format!("{id}/delete"), &Tombstone { account: account.clone(), mark }, when)
        .delete(&format!("{id}/put"), was)
        .delete(&format!("{id}/post"), When::Always)
        .commit()
        .await?;
    forget(cx, id, account.as_deref(), true).await?;
    Ok(Response::status(204))
}

/// Takes away what the account may have decided and the record may not have. Whoever has seen no tombstone commits
/// before this, and it is taken away; or never.
async fn forget(cx: &Cx, id: &str, account: Option<&str>, fence: bool) -> Result<(), StoreErr> {
    let Some(name) = account else { return Ok(()) };
    let (mut account, when): (Account, When) = load(cx, &account_key(name)).await?;
    // As a fence it is written also where nothing is taken away: a POST that has loaded it before commits no more.
    if account.decided.remove(id).is_some() || fence {
        cx.docs.put(&account_key(name), &account, when).await?;
    }
    Ok(())
}

impl Endpoint for Sweeper {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        let Sweep { id, mark } = delivery.body()?;
        let (tombstone, when): (Tombstone, When) = load(cx, &format!("{id}/delete")).await?;
        if tombstone.mark == mark {
            forget(cx, &id, tombstone.account.as_deref(), false).await?;
            cx.docs.delete(&format!("{id}/delete"), when).await?;
        }
        Ok(())
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

/// Given: the key of an account.
fn account_key(name: &str) -> String {
    format!("{name}/account")
}
