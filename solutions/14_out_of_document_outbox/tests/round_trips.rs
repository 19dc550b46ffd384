//! What an outbox in documents of its own costs: round trips for one message that says one thing.

use figures::{Calm, Cost};
use solution_14::Outbox;
use story::logics::{Asked, message};

#[test]
fn the_table_says_what_it_costs() {
    let ask = message("m1", "Ask", "ada", 0);
    Cost::of::<Outbox<Asked>>("points", &ask, Calm::default).is_told("14 outbox in documents of its own");
}
