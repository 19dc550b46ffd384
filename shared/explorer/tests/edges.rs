//! Worlds at the edge: empty, full, endless, and what handlers may rely on there.

mod worlds;

use std::sync::Arc;
use std::time::Duration;

use explorer::{
    Bounds, Client, Event, Met, Observation, Properties, Reductions, Report, Scenario, Verdict, Witness, explore,
};
use kit::services::call;
use kit::{Cx, Msg, StoreErr, Time, When};
use rand::Rng as _;
use sim::{Fault, Faults, Limits};
use worlds::{CAN_FINISH, World, add_one, handler, msg};

fn assert_holds(world: &World) -> Report {
    let report = world.explore(Reductions::ALL);
    assert!(matches!(report.verdict, Verdict::Holds), "{}: {:?}", world.name, report.verdict);
    let without = world.explore(Reductions::NONE);
    assert!(matches!(without.verdict, Verdict::Holds), "{}, unreduced: {:?}", world.name, without.verdict);
    report
}

fn assert_violated(world: &World, claim: &str, faults: u8) {
    for reductions in [Reductions::ALL, Reductions::NONE] {
        let violation = world.violation(reductions);
        assert_eq!((violation.property.as_str(), violation.faults), (claim, faults), "{}", world.name);
    }
}

/// Explores for witnesses alone; which of them are met?
fn met(scenario: &Scenario, witnesses: &[Met<'_>]) -> Vec<bool> {
    let sometimes = witnesses.iter().map(|met| Witness { claim: "it is met", met: *met }).collect();
    explore(scenario, &Properties { sometimes, ..Properties::default() }).met
}

// ---- small worlds

/// There is one state, and it is quiescent.
#[test]
fn a_world_without_actors_holds_in_one_state() {
    let world = World::new("empty", Scenario::new().document("a", &1));
    assert_eq!(assert_holds(&world).counts.states, 1);
    assert_violated(
        &world.at_the_end("there is a document b", |seen| seen.docs().get::<u8>("b").is_some()),
        "there is a document b",
        0,
    );
}

/// A message in a queue that nobody consumes changes nothing.
#[test]
fn a_message_without_an_endpoint_is_nobodys_business() {
    let world = World::new("unread", Scenario::new().message("orders", msg("m1"), 3).faults(Faults::NONE));
    assert_eq!(assert_holds(&world).counts.states, 1);
}

/// A handler may have nothing to do: the message is delivered, then acked.
#[test]
fn a_handler_without_operations_acks() {
    let scenario = Scenario::new().handler("Idle", "orders", 1, handler(|_, _| async { Ok(()) }));
    let world = World::new("idle", scenario.message("orders", msg("m1"), 1));
    assert_eq!(assert_holds(&world).counts.states, 3);
}

/// A client without calls is gone from the start.
#[test]
fn a_client_without_calls_does_nothing() {
    let world = World::new("silent", Scenario::new().client(Client::new("anna", "Shop")));
    assert_eq!(assert_holds(&world).counts.states, 1);
}

// ---- full worlds

#[test]
fn sixteen_workers_are_explored() {
    let scenario = Scenario::new().handler("Idle", "orders", 16, handler(|_, _| async { Ok(()) }));
    assert_holds(&World::new("sixteen", scenario.message("orders", msg("m1"), 2)));
}

#[test]
#[should_panic(expected = "a world has at most 16 workers and clients")]
fn more_than_sixteen_actors_are_refused() {
    let scenario = Scenario::new().handler("Idle", "orders", 16, handler(|_, _| async { Ok(()) }));
    World::new("seventeen", scenario.client(Client::new("anna", "Shop"))).explore(Reductions::ALL);
}

/// One run holds more versions than fit into two words: each write is under the version of the one before, and one
/// write of somebody else in between is always noticed.
#[test]
fn a_run_may_hold_many_versions() {
    let chain = handler(|cx, _| async move {
        let Some((_, first)) = cx.docs.get::<u64>("sum").await? else { return Ok(()) };
        let mut version = first.clone();
        for number in 1..=70 {
            match cx.docs.put("sum", &number, When::Is(version)).await {
                Ok(next) => version = next,
                Err(StoreErr::Conflict) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        // The first version is as stale as it was long ago.
        let outdated = cx.docs.put("sum", &0, When::Is(first)).await;
        cx.docs.put("outdated", &(outdated == Err(StoreErr::Conflict)), When::Always).await?;
        Ok(())
    });
    let meddle = Client::new("anna", "Shop")
        .calls("meddle", |cx: Cx| async move { cx.docs.put("sum", &1_000, When::Always).await.map(drop) });
    let scenario = Scenario::new()
        .document("sum", &0)
        .handler("Chain", "orders", 1, chain)
        .message("orders", msg("m1"), 1)
        .client(meddle);
    let world = World::new("versions", scenario)
        .always("an outdated version is noticed", |seen| seen.docs().get("outdated").unwrap_or(true))
        .at_the_end("nobody writes over what was meddled with", |seen| {
            // Before the chain began, the chain counts on from it; after its end, it stays.
            matches!(seen.docs().get::<u64>("sum"), Some(70 | 1_000))
        });
    assert_holds(&world);
    assert_eq!(world.ends(Reductions::ALL), world.ends(Reductions::NONE));
    assert_eq!(world.ends(Reductions::ALL).len(), 3, "the chain is done, or not begun, or was interrupted");
}

/// A queue with more messages than a step's byte could name: nothing is known, and that is said.
#[test]
fn more_copies_than_have_names_leave_it_undecided() {
    let idle = Scenario::new().handler("Idle", "orders", 1, handler(|_, _| async { Ok(()) }));
    let crowded = (0..257).fold(idle, |world, number| world.message("orders", msg(&format!("m{number}")), 1));
    assert!(why_undecided(&crowded).contains("a queue holds more than 256 copies; does the code send something"));
}

/// It publishes at every try, to a queue that somebody handles, and never acks: there is no end of copies.
#[test]
fn a_handler_that_sends_without_end_leaves_it_undecided() {
    let again = handler(|cx: Cx, _| async move {
        cx.bus.send("letters", msg("letter")).await?;
        Err(kit::Retry::because("not yet"))
    });
    let never = handler(|_, _| async { Err(kit::Retry::because("never")) });
    let scenario = Scenario::new()
        .handler("Sender", "orders", 1, again)
        .handler("Postroom", "letters", 1, never)
        .message("orders", msg("m1"), 1);
    assert!(why_undecided(&scenario).contains("a queue holds more than 256 copies"));
}

fn why_undecided(scenario: &Scenario) -> String {
    match explore(scenario, &Properties::default()).verdict {
        Verdict::Unrefuted { reason } => reason,
        other => panic!("{other:?}"),
    }
}

// ---- budgets of an exploration

fn three_adders() -> Scenario {
    let add = handler(|cx, _| async move { Ok(add_one(&cx, "sum", true).await?) });
    let scenario = Scenario::new().handler("Adder", "orders", 3, add).faults(Faults::upto(2));
    (0..4).fold(scenario, |world, number| world.message("orders", msg(&format!("m{number}")), 2))
}

#[test]
fn a_budget_that_ends_first_leaves_it_undecided() {
    let unrefuted = |bounds: Bounds| match explore(&three_adders().bounds(bounds), &Properties::default()).verdict {
        Verdict::Unrefuted { reason } => reason,
        other => panic!("{other:?}"),
    };
    let roomy = Bounds::default();
    assert!(
        unrefuted(Bounds { states: 3_000, ..roomy })
            .contains("its bounds allow 3000 states; does the code write something new at every try")
    );
    assert!(unrefuted(Bounds { time: Duration::ZERO, ..roomy }).contains("shrink the story's world"));
    assert!(unrefuted(Bounds { bytes: 1 << 20, ..roomy }).contains("over 1 MB; does the code"));
}

// ---- ids, chance, time

/// Every attempt draws an id, notes it, and fails: there are more attempts than the explorer tells draws apart. It may
/// give up, but it may not give an id twice: whoever relies on that would be told of a violation that is none.
#[test]
fn ids_never_repeat_however_often_they_are_drawn() {
    let again = handler(|cx: Cx, _| async move {
        let id = cx.fresh_id();
        if cx.docs.put(&format!("used/{id}"), &true, When::Absent).await == Err(StoreErr::Conflict) {
            cx.docs.put("twice", &true, When::Always).await?;
        }
        Err(kit::Retry::because("and again"))
    });
    let scenario = Scenario::new().handler("Drawer", "orders", 1, again).message("orders", msg("m1"), 1);
    let world = World::new("draws", scenario)
        .always("no id is drawn twice", |seen| seen.docs().get::<bool>("twice").is_none())
        .at_the_end("it comes to an end", |_| false);
    for reductions in [Reductions::ALL, Reductions::NONE] {
        match world.explore(reductions).verdict {
            Verdict::Unrefuted { reason } => assert!(reason.contains("asked more than 64 times"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Every attempt notes the id and the number that it drew: in two attempts they differ. In one, a draw is the same
/// each time that the code is run again, or it would not be deterministic.
#[test]
fn attempts_draw_different_ids_and_numbers() {
    let draws = handler(|cx, _| async move {
        let (first, second) = (cx.fresh_id(), cx.fresh_id());
        assert_ne!(first, second);
        let number = cx.rng().random::<u64>();
        cx.docs.put(&format!("id/{first}"), &number, When::Absent).await?;
        cx.docs.put(&format!("again/{}", cx.fresh_id()), &number, When::Absent).await?;
        Ok(())
    });
    let scenario = Scenario::new()
        .handler("Draws", "orders", 2, draws)
        .message("orders", msg("m1"), 2)
        .faults(Faults::upto(1).only(&[Fault::AckLost, Fault::Crash]));
    // An id that came twice would meet a conflict, and the handler would fail for ever.
    let world = World::new("draws", scenario.clone()).always("numbers differ", |seen| {
        let mut numbers: Vec<u64> = seen.docs().list::<u64>("id/").into_iter().map(|(_, number)| number).collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len() == all
    });
    assert_holds(&world);
    let three_attempts = |seen: &Observation<'_>| seen.docs().list::<u64>("id/").len() == 3;
    let conflict = Met::Event(Event::Conflict);
    assert_eq!(met(&scenario, &[Met::State(&three_attempts), conflict]), [true, false]);
}

/// Draws are a message's own: what others draw meanwhile changes nothing.
#[test]
fn messages_draw_apart() {
    let draws = handler(|cx, delivery| async move {
        cx.docs.put(&format!("id-{}", delivery.id()), &cx.fresh_id(), When::Always).await?;
        Ok(())
    });
    let scenario = Scenario::new().handler("Draws", "orders", 2, draws).message("orders", msg("m1"), 1).message(
        "orders",
        msg("m2"),
        1,
    );
    assert_eq!(World::new("apart", scenario).ends(Reductions::ALL).len(), 1, "the order does not matter");
}

/// An order is due in an hour; whoever gets the reminder reads a clock that says so.
#[test]
fn a_delayed_message_comes_when_its_time_has_passed() {
    let orders = handler(|cx, _| async move {
        let now = cx.now();
        let due = now + Duration::from_secs(3_600);
        cx.bus.send_later("reminders", Msg::new("r1", "Reminder", &due), Duration::from_secs(3_600)).await?;
        Ok(())
    });
    let reminders = handler(|cx, delivery| async move {
        let due: Time = delivery.body()?;
        cx.docs.put("early", &(cx.now() < due), When::Always).await?;
        let before = cx.now();
        cx.sleep(Duration::from_secs(60)).await;
        assert!(cx.now() >= before + Duration::from_secs(60));
        Ok(())
    });
    let scenario = Scenario::new()
        .handler("Orders", "orders", 1, orders)
        .handler("Reminders", "reminders", 1, reminders)
        .message("orders", msg("m1"), 1);
    let world =
        World::new("clock", scenario).always("no reminder is early", |seen| !seen.docs().get("early").unwrap_or(false));
    assert_holds(&world);
}

// ---- messages that nobody can handle

fn expects_a_number() -> Scenario {
    let number = handler(|cx, delivery| async move {
        let number: u64 = delivery.body()?;
        cx.docs.put("number", &number, When::Always).await?;
        Ok(())
    });
    Scenario::new().handler("Numbers", "orders", 1, number).message("orders", Msg::new("m1", "Number", "seven"), 1)
}

/// It fails, comes again, fails again: nobody gets stuck, and nothing gets done.
#[test]
fn a_body_that_does_not_match_comes_back_for_ever() {
    assert_violated(&World::new("for ever", expects_a_number()), CAN_FINISH, 0);
}

#[test]
fn a_body_that_does_not_match_is_dead_lettered_at_last() {
    let world = World::new("dead letter", expects_a_number().deliveries_max("orders", 3));
    assert_violated(&world, CAN_FINISH, 0);
    let violation = world.violation(Reductions::ALL);
    let deliveries = violation.trace.steps.iter().filter(|step| step.line.contains(" receives ")).count();
    assert_eq!(deliveries, 3, "it is given up when the most deliveries are reached");
}

// ---- retries, limits, acks

/// A loop inside the handler that reads again after each conflict. Two workers may overtake each other, but not for
/// ever.
#[test]
fn a_retry_loop_counts_each_message_once() {
    let add = handler(|cx, delivery| async move {
        loop {
            let sum = cx.docs.get::<u64>("all/sum").await?;
            if cx.docs.get::<u64>(&format!("all/{}", delivery.id())).await?.is_some() {
                return Ok(());
            }
            let (sum, when) = sum.map_or((0, When::Absent), |(sum, version)| (sum, When::Is(version)));
            let both = cx.docs.batch("all").put("all/sum", &(sum + 1), when);
            match both.put(&format!("all/{}", delivery.id()), &1, When::Absent).commit().await {
                Ok(_) => return Ok(()),
                Err(StoreErr::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    });
    let scenario = Scenario::new()
        .handler("Adder", "orders", 2, add)
        .message("orders", msg("m1"), 2)
        .message("orders", msg("m2"), 1)
        .faults(Faults::upto(1).only(&[Fault::WriteUnknown, Fault::AckLost]));
    let world = World::new("retry", scenario.clone())
        .at_the_end("both count once", |seen| seen.docs().get::<u64>("all/sum") == Some(2));
    assert_holds(&world);
    assert_eq!(met(&scenario, &[Met::Event(Event::Conflict), Met::Event(Event::SameMessageTwice)]), [true, true]);
}

/// Definite errors: nothing of the batch is written, and the run goes on.
#[test]
fn a_batch_over_the_limits_is_refused_as_a_whole() {
    let writes = handler(|cx, _| async move {
        let crossing = cx.docs.batch("a").put("a/1", &1, When::Always).put("b/1", &1, When::Always);
        assert_eq!(crossing.commit().await, Err(StoreErr::CrossPartition));
        let large = "x".repeat(100);
        let one_large = cx.docs.batch("a").put("a/2", &2, When::Always).put("a/3", large.as_str(), When::Always);
        assert_eq!(one_large.commit().await, Err(StoreErr::TooLarge));
        assert_eq!(cx.docs.put("a/4", large.as_str(), When::Always).await, Err(StoreErr::TooLarge));
        let many = (0..4).fold(cx.docs.batch("a"), |batch, key| batch.put(&format!("a/{key}"), &0, When::Always));
        assert_eq!(many.commit().await, Err(StoreErr::TooLarge));
        let all_large = (0..3).fold(cx.docs.batch("a"), |batch, key| {
            batch.put(&format!("a/{key}"), "y".repeat(30).as_str(), When::Always)
        });
        assert_eq!(all_large.commit().await, Err(StoreErr::TooLarge));
        cx.docs.put("done", &1, When::Always).await?;
        Ok(())
    });
    let scenario = Scenario::new()
        .handler("Writer", "orders", 1, writes)
        .message("orders", msg("m1"), 1)
        .limits(Limits { item_bytes: 50, batch_bytes: 90, batch_writes: 3 });
    let world = World::new("limits", scenario)
        .always("nothing of it is written", |seen| seen.docs().pairs().all(|(key, _)| key == "done"))
        .at_the_end("the run goes on", |seen| seen.docs().get::<u8>("done").is_some());
    assert_holds(&world);
}

/// The ack comes first, then the crash: nobody delivers the message again.
#[test]
fn an_early_ack_and_a_crash_lose_the_message() {
    let orders = handler(|cx, delivery| async move {
        delivery.ack(&cx).await?;
        cx.docs.put("done", &1, When::Always).await?;
        Ok(())
    });
    let scenario = Scenario::new()
        .handler("Orders", "orders", 1, orders)
        .message("orders", msg("m1"), 1)
        .faults(Faults::upto(2).crashes(1).only(&[Fault::Crash, Fault::AckLost]));
    let claim = "the order is done";
    let world = World::new("early ack", scenario).at_the_end(claim, |seen| seen.docs().get::<u8>("done").is_some());
    assert_violated(&world, claim, 1);
    let lines: Vec<String> = world.violation(Reductions::ALL).trace.steps.into_iter().map(|step| step.line).collect();
    let expected = ["Orders receives m1 from orders", "Orders ack: ok", "Orders crashes before put done"];
    assert_eq!(lines, expected);
}

/// A handler of one queue, run by two endpoints: both compete for its messages.
#[test]
fn two_endpoints_may_share_a_queue() {
    let mark = |name: &'static str| {
        handler(move |cx, _| async move {
            cx.docs.put(name, &1, When::Always).await?;
            Ok(())
        })
    };
    let scenario = Scenario::new()
        .handler("Old", "orders", 1, mark("old"))
        .handler("New", "orders", 1, mark("new"))
        .message("orders", msg("m1"), 1);
    assert_eq!(World::new("shared", scenario).ends(Reductions::ALL).len(), 2);
}

/// That is a mistake in the story, not in the handler.
#[test]
#[should_panic(expected = "a handler calls the service \"bank\", which the scenario does not have")]
fn a_service_that_is_not_there_is_named() {
    let pay = handler(|cx, _| async move {
        call::<_, ()>(&cx, "bank", &1).await?;
        Ok(())
    });
    let scenario = Scenario::new().handler("Payments", "orders", 1, pay).message("orders", msg("m1"), 1);
    World::new("no bank", scenario).explore(Reductions::ALL);
}

/// Handlers and worlds may cross threads; the explorer runs where it is called.
#[test]
fn scenarios_and_reports_are_send() {
    fn is_send<T: Send>() {}
    is_send::<Scenario>();
    is_send::<Report>();
    is_send::<Arc<dyn Fn(Cx) -> u8 + Send + Sync>>();
}
