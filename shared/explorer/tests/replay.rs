//! Schedules as files: they round trip, replay by the names of their steps, and say what does not fit.

mod worlds;

use std::sync::atomic::{AtomicBool, Ordering};

use explorer::schedule::{FIRST_LINE, Schedule};
use explorer::{Client, FactKind, Reductions, Scenario, Trace, Violation};
use kit::services::call;
use kit::{Cx, Msg, StoreErr, When};
use sim::{Fault, Faults, Service};
use worlds::{World, add_one, handler, msg};

/// Adds one for each order; when an ack is lost, it adds one too many.
fn counted_once(right: bool) -> World {
    let count = handler(move |cx, delivery| async move {
        if right {
            let counted = format!("sum/{}", delivery.id());
            return match cx.docs.put(&counted, &1, When::Absent).await {
                Ok(_) | Err(StoreErr::Conflict) => Ok(()),
                Err(error) => Err(error.into()),
            };
        }
        Ok(add_one(&cx, "sum/all", true).await?)
    });
    let scenario = Scenario::new()
        .handler("Counter", "orders", 1, count)
        .message("orders", msg("m1"), 1)
        .faults(Faults::upto(1).only(&[Fault::AckLost, Fault::ReadRefused]));
    World::new("counted once", scenario).always("an order is counted once", |seen| {
        seen.docs().list::<u64>("sum/").iter().map(|(_, sum)| sum).sum::<u64>() <= 1
    })
}

fn violation() -> Violation {
    counted_once(false).violation(Reductions::ALL)
}

fn about() -> Vec<(String, String)> {
    vec![("exercise".to_owned(), "03".to_owned()), ("property".to_owned(), "an order is counted once".to_owned())]
}

const FILE: &str = "\
workshop schedule 1
exercise 03
property an order is counted once

  1  Counter receives m1 from orders
  2  Counter get sum/all: nothing there
  3  Counter put sum/all: ok
  4  Counter acks m1: the ack is lost
  5  Counter receives m1 from orders
  6  Counter get sum/all: 1
  7  Counter put sum/all: ok
";

fn parsed(text: &str) -> Schedule {
    Schedule::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

// ---- the file

#[test]
fn a_schedule_is_readable_text() {
    assert_eq!(Schedule::of(&violation().trace, about()).to_text(), FILE);
}

#[test]
fn a_schedule_survives_its_file() {
    for world in worlds::all().into_iter().filter(|world| world.violated.is_some()) {
        let trace = world.violation(Reductions::ALL).trace;
        for about in [Vec::new(), about()] {
            let schedule = Schedule::of(&trace, about);
            assert_eq!(parsed(&schedule.to_text()), schedule, "{}", world.name);
        }
    }
    assert_eq!(parsed(FILE).about("exercise"), Some("03"));
    assert_eq!(parsed(FILE).about("world"), None);
}

/// People write notes, indent, and use editors that end lines in their own way.
#[test]
fn comments_indents_and_line_ends_do_not_matter() {
    let edited = FILE.replace("  4  ", "# here it goes wrong\n\n4\t").replace('\n', "\r\n");
    assert_eq!(parsed(&edited), parsed(FILE));
}

/// A schedule of no steps, as of a property that is violated from the start.
#[test]
fn a_schedule_may_be_empty() {
    let schedule = Schedule { about: about(), steps: Vec::new() };
    assert_eq!(parsed(&schedule.to_text()), schedule);
}

#[test]
fn a_malformed_file_says_what_is_wrong_in_which_line() {
    let error = |text: &str| Schedule::parse(text).expect_err("it is malformed");
    assert_eq!(error(""), "the schedule is empty; its first line would be `workshop schedule 1`");
    assert_eq!(error("{}"), "line 1 of a schedule is `workshop schedule 1`, but here it is `{}`");
    let newer = FILE.replace(FIRST_LINE, "workshop schedule 2");
    assert_eq!(error(&newer), "line 1 of a schedule is `workshop schedule 1`, but here it is `workshop schedule 2`");
    let a_step_is_missing = FILE.replace("  2  Counter get sum/all: nothing there\n", "");
    assert_eq!(
        error(&a_step_is_missing),
        "line 6 should be step 2, such as `2  shopper calls submit`, but it is `3  Counter put sum/all: ok`"
    );
    let without_a_number = FILE.replace("  1  Counter", "Counter");
    assert_eq!(
        error(&without_a_number),
        "line 5 should be step 1, such as `1  shopper calls submit`, but it is `Counter receives m1 from orders`"
    );
    let without_a_step = FILE.replace("  7  Counter put sum/all: ok", "  7");
    assert_eq!(error(&without_a_step), "line 11 should be step 7, such as `7  shopper calls submit`, but it is `7`");
}

// ---- following it

#[test]
fn a_schedule_replays_to_the_same_violation() {
    let (world, violation) = (counted_once(false), violation());
    let replayed = world.replay(Reductions::ALL, &parsed(FILE)).expect("every step can happen");
    assert_eq!(replayed.violated, Some((violation.property, violation.explanation)));
    let told = |trace: &Trace| serde_json::to_string(&trace).expect("a trace is data");
    assert_eq!(told(&replayed.trace), told(&violation.trace));
}

/// The same lines name the same steps, whatever counts as one state.
#[test]
fn a_schedule_without_merged_steps_replays_under_any_reductions() {
    for reductions in [
        Reductions { copies: true, ..Reductions::NONE },
        Reductions { finished: true, ..Reductions::ALL },
        Reductions { workers: false, versions: false, budgets: false, ..Reductions::ALL },
    ] {
        let replayed = counted_once(false).replay(reductions, &parsed(FILE)).expect("every step can happen");
        assert!(replayed.violated.is_some(), "{reductions:?}");
    }
}

/// Half a schedule violates nothing yet.
#[test]
fn a_part_of_a_schedule_violates_nothing() {
    let mut schedule = parsed(FILE);
    for steps in (0..schedule.steps.len()).rev() {
        schedule.steps.truncate(steps);
        let replayed = counted_once(false).replay(Reductions::ALL, &schedule).expect("every step can happen");
        assert_eq!((replayed.trace.steps.len(), replayed.violated), (steps, None));
    }
}

#[test]
fn an_edited_schedule_says_which_step_cannot_happen_and_what_can() {
    let edited = parsed(&FILE.replace("get sum/all: 1", "get sum/all: 2"));
    let error = counted_once(false).replay(Reductions::ALL, &edited).expect_err("nobody wrote a 2");
    let expected = "step 6 cannot happen there: Counter get sum/all: 2
  what can happen there:
    Counter get sum/all: 1";
    assert_eq!(error, expected);

    let edited = parsed(&FILE.replace("get sum/all: nothing there", "reads"));
    let error = counted_once(false).replay(Reductions::ALL, &edited).expect_err("that is no step");
    let expected = "step 2 cannot happen there: Counter reads
  what can happen there:
    Counter get sum/all: nothing there
    Counter get sum/all: throttled";
    assert_eq!(error, expected);
}

#[test]
fn a_schedule_that_goes_on_after_the_end_says_so() {
    let text =
        "workshop schedule 1\n\n1 Counter receives m1 from orders\n2 Counter put sum/m1: ok\n3 Counter acks m1\n";
    let more = format!("{text}4 Counter receives m1 from orders\n");
    let error = counted_once(true).replay(Reductions::ALL, &parsed(&more)).expect_err("all is over");
    let expected = "step 4 cannot happen there: Counter receives m1 from orders
  what can happen there:
    nothing: all is over";
    assert_eq!(error, expected);
}

/// Each attempt sent a receipt of its own; now every attempt sends the same one. The steps have the same names, so
/// the schedule that showed the bug is a test of its fix.
#[test]
fn a_schedule_of_fixed_code_violates_nothing_any_more() {
    let receipts = |right: bool| {
        let handler = handler(move |cx, delivery| async move {
            let id = if right { format!("r-{}", delivery.id()) } else { cx.fresh_id().to_string() };
            cx.bus.send("receipts", Msg::new(id, "Receipt", &1)).await?;
            Ok(())
        });
        let scenario = Scenario::new()
            .handler("Receipts", "orders", 1, handler)
            .message("orders", msg("m1"), 1)
            .faults(Faults::upto(1).only(&[Fault::AckLost]));
        World::new("receipts", scenario)
            .always("one receipt goes out", |seen| seen.facts(FactKind::Sent, "receipts").count() <= 1)
    };
    let schedule = Schedule::of(&receipts(false).violation(Reductions::ALL).trace, Vec::new());
    let replayed = |right| receipts(right).replay(Reductions::ALL, &schedule).expect("every step can happen").violated;
    assert_eq!(replayed(false).map(|(claim, _)| claim).as_deref(), Some("one receipt goes out"));
    assert_eq!(replayed(true), None);
}

/// Whoever prints while a schedule is told prints after this.
#[test]
fn a_replay_announces_that_it_tells() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let mut world = counted_once(false);
    world.scenario = world.scenario.before_telling(|| TOLD.store(true, Ordering::Relaxed));
    let mut schedule = parsed(FILE);
    schedule.steps.truncate(3);
    world.replay(Reductions::ALL, &schedule).expect("every step can happen");
    assert!(TOLD.load(Ordering::Relaxed));
}

/// Notes that it came, asks a bank that says nothing, and complains if it was here before.
fn complains() -> World {
    let client = Client::new("shopper", "Shop").calls("pay", |cx: Cx| async move {
        call::<_, ()>(&cx, "bank", "p1").await.map_err(|error| error.to_string())?;
        match cx.docs.put("paid", &1, When::Absent).await {
            Ok(_) => Err("come back later".to_owned()),
            Err(error) => {
                cx.docs.put("again", &1, When::Always).await.map_err(|error| error.to_string())?;
                Ok(error.to_string())
            }
        }
    });
    let bank = Service::new("bank", "0", |_, _| ("1".to_owned(), "null".to_owned()));
    World::new("complains", Scenario::new().client(client).service(bank))
        .always("nobody pays again", |seen| seen.docs().get::<u64>("again").is_none())
}

/// The error that made a client call again is told, by the step that it is merged with or by one of its own; the
/// names of the steps stay what they were.
#[test]
fn an_error_that_is_merged_with_a_step_is_heard_in_it() {
    let trace = complains().violation(Reductions::ALL).trace;
    let lines: Vec<&str> = trace.steps.iter().map(|step| step.line.as_str()).collect();
    let expected = [
        "shopper calls pay on Shop",
        "Shop call p1: null",
        "Shop put paid: ok",
        "shopper calls pay on Shop",
        "Shop call p1: null",
        "Shop put paid: conflict",
        "Shop put again: ok",
    ];
    assert_eq!(lines, expected);
    assert_eq!(trace.steps[1].result, "ok");
    let heard: Vec<Option<&str>> = trace.steps.iter().map(|step| step.heard.as_deref()).collect();
    assert_eq!(heard, [None, None, Some("error: come back later"), None, None, None, None]);

    let trace = complains().violation(Reductions::NONE).trace;
    assert!(trace.steps.iter().all(|step| step.heard.is_none()));
    assert!(trace.steps.iter().any(|step| step.label == "error: come back later"));
}

/// What happens, without names: whoever makes the same mistake with other documents comes to the same shape.
#[test]
fn a_violation_has_a_shape_without_names() {
    let shape = "1 deliver, 1 get, 1 put, 1 ack (ack lost), 1 deliver, 1 get, 1 put";
    assert_eq!(violation().trace.shape(), shape);
}
