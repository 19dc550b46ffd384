//! What a side effect costs: round trips for one message that uploads one blob and says one thing. An upload and a delete
//! of a blob count as writes.

use figures::{Calm, Cost};
use kit::Msg;
use solution_16::{Invoicing, OrderBilled};

#[test]
fn the_table_says_what_it_costs() {
    let billed = Msg::new("m1", "OrderBilled", &OrderBilled { order: "order-1".into(), amount: 7 });
    Cost::of::<Invoicing>("billing", &billed, Calm::default).is_told("16 side effects");
}
