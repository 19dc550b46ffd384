//! What a deduplication store costs: round trips for one message that says one thing.

use figures::{Calm, Cost};
use solution_13::Inbox;
use story::logics::{Asked, message};

#[test]
fn the_table_says_what_it_costs() {
    let ask = message("m1", "Ask", "ada", 0);
    Cost::of::<Inbox<Asked>>("points", &ask, Calm::default).is_told("13 deduplication store");
}
