//! The solution against the table of verbs as one step, which exercise 18 calls: where nothing fails and nobody is late,
//! whoever asks cannot tell the two apart. And what a booking costs, and leaves.

use std::collections::BTreeMap;

use figures::{Calm, Cost, Used};
use kit::Request;
use kit::http::Method;
use solution_17::{Bank, Booking, OPENING, Sweeper};
use story::bank;

/// Most requests in one sequence.
const REQUESTS_MAX: u32 = 5;

/// What may be asked next: each verb of two bookings, of which the account can pay one; and a PUT of another booking under
/// the first one's id.
fn asks() -> Vec<Request> {
    let put = |id, cents| request(Method::Put, id, cents);
    let verbs = [Method::Post, Method::Get, Method::Delete];
    let others = ["r1", "r2"].into_iter().flat_map(|id| verbs.map(|verb| request(verb, id, 0)));
    others.chain([put("r1", -60), put("r1", -61), put("r2", -70)]).collect()
}

fn request(method: Method, id: &str, cents: i64) -> Request {
    let booking = Booking { account: "ada".to_owned(), cents };
    let body = if method == Method::Put { serde_json::to_string(&booking).expect("plain data") } else { "null".into() };
    Request { method, path: format!("/bookings/{id}"), body }
}

#[test]
fn every_sequence_of_verbs_is_answered_as_the_table_says() {
    let asks = asks();
    for number in 0..asks.len().pow(REQUESTS_MAX) {
        let (mut ours, mut digits) = (Calm::default(), number);
        let mut table = bank::Bank { balances: BTreeMap::from([("ada".to_owned(), OPENING)]), ..Default::default() };
        let mut told = Vec::new();
        for _ in 0..REQUESTS_MAX {
            let request = &asks[digits % asks.len()];
            digits /= asks.len();
            let (here, there) = (ours.serve::<Bank>(request).response, table.answer(request, 0));
            told.push(format!("{request}: {here}"));
            assert_eq!(here, there, "{}", told.join(", then "));
        }
    }
}

/// One booking from the PUT to the sweep, in a world that others have used before.
fn book(world: &mut Calm, id: &str) -> Used {
    let mut used = Used::default();
    let mut sweeps = Vec::new();
    for (verb, status) in [(Method::Put, 201), (Method::Post, 200), (Method::Delete, 204)] {
        let served = world.serve::<Bank>(&request(verb, id, 1));
        assert_eq!(served.response.status, status, "{verb} {id}");
        used += served.used;
        sweeps.extend(served.sent);
    }
    for (queue, msg) in sweeps {
        let handled = world.handle::<Sweeper>(&queue, msg);
        assert!(handled.outcome.is_ok(), "a calm message is not given back");
        used += handled.used;
    }
    used
}

fn left(world: &Calm) -> (usize, usize) {
    let docs = world.docs();
    (docs.pairs().count(), docs.pairs().map(|(key, body)| key.len() + body.len()).sum())
}

#[test]
fn a_thousand_bookings_leave_what_ten_leave() {
    let [ten, thousand] = [10, 1_000].map(|bookings| {
        let mut world = Calm::default();
        for number in 0..bookings {
            book(&mut world, &format!("r{number}"));
        }
        left(&world)
    });
    let digits = "1100".len() - "110".len(); // of the balance
    assert_eq!((ten.0, ten.1 + digits), thousand);
}

#[test]
fn the_table_says_what_it_costs() {
    let mut calm = Calm::default();
    let clean = book(&mut calm, "r1");
    let mut again = Calm::default();
    let _ = again.serve::<Bank>(&request(Method::Put, "r1", 1));
    let _ = again.serve::<Bank>(&request(Method::Post, "r1", 1));
    let duplicate = again.serve::<Bank>(&request(Method::Post, "r1", 1)).used;
    again.refuse_next_send();
    assert_eq!(again.serve::<Bank>(&request(Method::Delete, "r1", 1)).response.status, 500);
    let served = again.serve::<Bank>(&request(Method::Delete, "r1", 1));
    let mut retry = served.used;
    for (queue, msg) in served.sent {
        retry += again.handle::<Sweeper>(&queue, msg).used;
    }
    Cost { clean, retry, duplicate }.is_told("17 HTTP: the server");
}
