//! What must hold of whoever runs a logic is no matter of what else it sends.

use std::collections::BTreeMap;

use explorer::Verdict;
use kit::{Cx, Delivery, Docs, Endpoint, Logic, Msg, Out, Retry, When};
use story::logics::{Account, Silent, message};
use story::serial::States;
use story::{Scenario, Size, Story};

/// Handles each message once, as no store fails here, and then sends a note to its own queue.
#[derive(Default)]
struct SendsItselfANote;

impl Endpoint for SendsItselfANote {
    async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
        if delivery.msg.kind == "Note" {
            return Ok(());
        }
        let key = Silent::key(&delivery.msg);
        let (mut account, when) = match cx.docs.get::<Account>(&key).await? {
            Some((account, version)) => (account, When::Is(version)),
            None => (Account::default(), When::Absent),
        };
        let _ = Silent.handle(&mut account, &delivery.msg, &mut Out::of(delivery.id()));
        cx.docs.put(&key, &account, when).await?;
        cx.bus.send("points", Msg::new(format!("note-{}", delivery.id()), "Note", &())).await?;
        Ok(())
    }
}

fn talk() -> Vec<Msg> {
    vec![message("m1", "Add", "ada", 60), message("m2", "Add", "ada", 50)]
}

#[test]
fn a_message_to_oneself_is_none_of_the_logics() {
    let verdict = Story::new("a silent logic runs once")
        .worlds(&[Size::ONE], |_| {
            let world = Scenario::new().endpoint::<SendsItselfANote>("Points", "points", 1);
            talk().into_iter().fold(world, |world, msg| world.message("points", msg, 1))
        })
        .view(|docs: &Docs| -> States<Account> {
            BTreeMap::from([("ada".to_owned(), docs.get("ada").unwrap_or_default())])
        })
        .runs_logic::<Silent>("points", &["letters"], talk)
        .verdict();
    assert!(matches!(verdict, Verdict::Holds), "{verdict:?}");
}
