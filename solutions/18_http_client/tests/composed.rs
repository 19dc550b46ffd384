//! Both sides together: this client, and the server of exercise 17. In the stories each has only the other's table of verbs
//! before it; here requests and responses are those of real code, whose nodes die as well, and which forgets in the end.
extern crate solution_18 as http_client;

use http_client::{FollowUps, PayOrder, Payments, Standing, view};
use solution_17::{Bank, OPENING, Sweeper};
use story::{
    CONSISTENT_OUTPUT, Docs, Event, Fault, Faults, Msg, NO_DUPLICATE_PROCESSING, NO_GARBAGE, NO_GHOST_MESSAGE,
    NO_LOST_MESSAGE, Scenario, Seen, Size, Story, expect,
};

const ORDER: &str = "order-1";
const ACCOUNT: &str = "ada";
/// There is enough in the account for one of these.
const PRICE: i64 = 70;

/// What both sides know in the end.
struct Both {
    standing: Standing,
    /// How often the price is missing in the account.
    charged: i64,
    docs: Docs,
}

fn both(docs: &Docs) -> Both {
    let missing = OPENING - solution_17::view(docs, ACCOUNT);
    Both { standing: view(docs, ORDER), charged: missing / PRICE, docs: docs.clone() }
}

/// One order to be paid, one worker for everything, and whatever may go wrong.
fn shop_and_bank(size: Size) -> Scenario {
    let kinds: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| *fault != Fault::Outage).collect();
    let pay = PayOrder { order: ORDER.to_owned(), account: ACCOUNT.to_owned(), cents: PRICE };
    Scenario::new()
        .endpoint::<Payments>("Payments", "payments", 1)
        .endpoint::<FollowUps>("FollowUps", "follow-ups", 1)
        .server::<Bank>("Bank", "bank", 1)
        .endpoint::<Sweeper>("Sweeper", "tombstones", 1)
        .message("payments", Msg::new("pay-order-1", "PayOrder", &pay), 1)
        .faults(Faults::upto(size.faults).only(&kinds))
}

#[test]
fn both_sides_charge_once_and_forget() {
    Story::new("both sides charge once, and forget")
        .worlds(&[Size::ONE, Size::ONE.faults(1)], shop_and_bank)
        .deep(&[]) // with two workers, or two faults, too large to decide
        .view(both)
        .sometimes(Event::Redelivered)
        .sometimes(Event::CrashAfterEffect)
        .always(NO_GHOST_MESSAGE, "the Bank charges nothing that is not decided", |seen| {
            seen.view().charged == 0 || seen.view().standing != Standing::Open
        })
        .always(NO_DUPLICATE_PROCESSING, "no order is charged twice", |seen| seen.view().charged <= 1)
        .always(CONSISTENT_OUTPUT, "paid is what the Bank has charged", |seen| {
            let Both { standing, charged, .. } = seen.view();
            (*standing != Standing::Paid || *charged == 1) && *standing != Standing::Declined
        })
        .always(CONSISTENT_OUTPUT, "an order ends once", |seen| seen.sent("orders").len() <= 1)
        .when_quiescent(NO_LOST_MESSAGE, "the order is paid, and everybody hears of it", |seen| {
            seen.view().standing == Standing::Paid && seen.sent("orders").len() == 1
        })
        .when_quiescent(NO_GARBAGE, "when all is done, no document speaks of a booking", speaks_of_no_booking)
        .can_finish("every message is handled in the end")
        .check();
}

/// The Bank's are under the booking's id; ours name its url.
fn speaks_of_no_booking(seen: &Seen<'_, Both>) -> Result<(), String> {
    let mut left =
        seen.view().docs.pairs().filter(|(key, body)| key.ends_with("/booking") || body.contains("/bookings/"));
    let first = left.next();
    expect(first.is_none(), || format!("all is done, and there is {first:?}"))
}
