//! What tokens cost: round trips for one message that says one thing.

use figures::{Calm, Cost};
use kit::tokens::{TOKEN, key};
use solution_15::Tokens;
use story::logics::{Asked, message};

#[test]
fn the_table_says_what_it_costs() {
    let mut ask = message("m1", "Ask", "ada", 0);
    ask.headers.insert(TOKEN.into(), "first".into());
    let world = || Calm::default().with_document(&key("first"), &true);
    Cost::of::<Tokens<Asked>>("points", &ask, world).is_told("15 tokens");
}
