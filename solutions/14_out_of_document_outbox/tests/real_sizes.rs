//! The limits of a real store: 400 KB for a document. A customer of 390 KB, and messages of 300 KB.

use figures::calm::Calm;
use kit::{Logic, Msg, Out, Reject};
use serde::{Deserialize, Serialize};
use solution_14::{Outbox, view};

#[path = "../start.rs"]
#[allow(dead_code, unreachable_pub, missing_docs)]
mod start;

/// Sends catalogues.
#[derive(Default)]
struct Catalogues;

/// All that is known of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Customer {
    catalogues: u32,
    notes: String,
}

impl Default for Customer {
    fn default() -> Self {
        Customer { catalogues: 0, notes: "n".repeat(390 * 1024) }
    }
}

impl Logic for Catalogues {
    type State = Customer;

    fn key(_: &Msg) -> String {
        "ada".to_owned()
    }

    fn handle(&self, state: &mut Customer, _: &Msg, out: &mut Out) -> Result<(), Reject> {
        state.catalogues += 1;
        out.send("letters", "Catalogue", &"c".repeat(300 * 1024));
        Ok(())
    }
}

#[test]
fn nine_large_catalogues_are_sent_to_a_large_customer() {
    let mut calm = Calm::default();
    let mut bytes = Vec::new();
    for at in 1..10 {
        let handled = calm.handle::<Outbox<Catalogues>>("points", Msg::new(format!("m{at}"), "Order", &()));
        assert_eq!(handled.outcome, Ok(()));
        assert_eq!(handled.sent.len(), 1);
        assert_eq!(
            (handled.used.gets, handled.used.writes),
            (3, 5),
            "the entity is written twice, the record put and deleted, the id inserted"
        );
        bytes.push(handled.bytes);
    }
    assert_eq!(view::<Catalogues>(&calm.docs(), "ada").catalogues, 9);
    assert_eq!(bytes[8] - bytes[0], 8 * "seen/m0true".len(), "what is left of a message is its id");
}

#[test]
fn the_starting_point_has_no_room_for_one() {
    let handled = Calm::default().handle::<start::Outbox<Catalogues>>("points", Msg::new("m1", "Order", &()));
    let reason = handled.outcome.expect_err("the document is too large");
    assert!(reason.reason().starts_with("too large"), "{reason}");
}
