//! What a call to somebody else's system costs: round trips for one payment and its follow-up. The requests come on top:
//! PUT and POST, then GET and DELETE.

use figures::{Calm, Cost};
use kit::{Cx, Delivery, Endpoint, Msg, Retry};
use solution_18::{FollowUps, PayOrder, Payments};
use story::bank::Bank;

/// Handles a payment, and then its follow-up.
#[derive(Default)]
struct Both;

impl Endpoint for Both {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        Payments.on_message(cx, delivery).await?;
        let PayOrder { order, .. } = delivery.body()?;
        let msg =
            Msg::new(format!("{order}/follow-up"), "FollowUp", &std::collections::BTreeMap::from([("order", order)]));
        FollowUps.on_message(cx, &Delivery { msg, queue: "follow-ups".to_owned() }).await
    }
}

#[test]
fn the_table_says_what_it_costs() {
    let pay = Msg::new("m1", "PayOrder", &PayOrder { order: "order-1".into(), account: "ada".into(), cents: 7 });
    let calm = || Calm::with_services(vec![Bank::over_http(100)]);
    Cost::of::<Both>("payments", &pay, calm).is_told("18 remote call and its follow-up");
}
