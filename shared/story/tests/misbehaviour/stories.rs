//! Stories as an exercise tells them. Nobody is on stage in a plain `cargo test`: they return at once there, and
//! the tests of `main.rs` run each in a process of its own.

use explorer::Bounds;
use kit::{Docs, Endpoint, Msg};
use story::{
    Event, Failed, Fault, Faults, NO_DUPLICATE_PROCESSING, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, Passed, Scenario, Size,
    Story, Trial, came_back,
};

use crate::handlers;
use crate::stage::on_stage;

/// A queue with one order.
fn orders<E: Endpoint>(size: Size) -> Scenario {
    Scenario::new()
        .endpoint::<E>("Billing", "orders", size.workers)
        .message("orders", Msg::new("m1", "PlaceOrder", &"tea"), size.copies)
        .faults(Faults::upto(size.faults).only(&[Fault::AckLost, Fault::Crash]))
}

/// What was charged, in whichever way.
struct Charged {
    charges: u64,
    reserved: bool,
    believed: Option<bool>,
    order: Vec<u64>,
}

fn view(docs: &Docs) -> Charged {
    let marks = docs.list::<u64>("charge-").len() as u64;
    Charged {
        charges: marks + docs.get::<u64>("charges").unwrap_or_default(),
        reserved: docs.get::<u64>("reserved").is_some(),
        believed: docs.get("believed"),
        order: docs.get("order").unwrap_or_default(),
    }
}

#[track_caller]
fn story_of<E: Endpoint>(claim: &str) -> Story<Charged> {
    Story::new(claim).worlds(&[Size::ONE, Size::ONE.faults(1)], orders::<E>).view(view)
}

/// The story that most of them tell.
#[track_caller]
fn charged_once<E: Endpoint>() {
    story_of::<E>("an order is charged once")
        .sometimes(Event::Redelivered)
        .always(NO_DUPLICATE_PROCESSING, "an order is charged at most once", |seen| seen.view().charges <= 1)
        .when_quiescent(NO_LOST_MESSAGE, "an order is charged", |seen| seen.view().charges == 1)
        .can_finish("billing comes to its end")
        .check();
}

macro_rules! charged_once_by {
    ($($name:ident: $handler:ident;)*) => {$(
        #[test]
        fn $name() {
            on_stage(|| charged_once::<handlers::$handler>());
        }
    )*};
}

charged_once_by! {
    right: Right;
    not_written: NotWritten;
    half_written: HalfWritten;
    panics: Panics;
    overflows_its_stack: OverflowsItsStack;
    ends_the_process: EndsTheProcess;
    loops_without_awaiting: LoopsWithoutAwaiting;
    asks_again_and_again: AsksAgainAndAgain;
    yields_for_ever: YieldsForEver;
    takes_an_id_from_the_system: TakesAnIdFromTheSystem;
    looks_at_the_clock_on_the_wall: LooksAtTheClockOnTheWall;
    writes_in_the_order_of_a_hash_map: WritesInTheOrderOfAHashMap;
    counts_in_a_static: CountsInAStatic;
    counts_in_a_static_slowly: CountsInAStaticSlowly;
    draws_an_id_once: DrawsAnIdOnce;
    remembers_in_itself: RemembersInItself;
    talks: Talks;
    talks_a_lot: TalksALot;
    talks_a_lot_and_is_right: TalksALotAndIsRight;
    waits_for_nobody: WaitsForNobody;
}

#[test]
fn charges_before_it_reserves() {
    on_stage(|| {
        story_of::<handlers::ReservesAndCharges>("nothing is charged that is not reserved")
            .always(NO_GHOST_MESSAGE, "what is charged is reserved", |seen| {
                seen.view().charges == 0 || seen.view().reserved
            })
            .check();
    });
}

#[test]
fn reserves_before_it_charges() {
    on_stage(|| {
        story_of::<handlers::ReservesAndCharges>("nothing is reserved that is not charged")
            .always(NO_GHOST_MESSAGE, "what is reserved is charged", |seen| {
                !seen.view().reserved || seen.view().charges > 0
            })
            .check();
    });
}

#[test]
fn sends_three_at_once() {
    on_stage(|| {
        let orders_of_three = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
        let story = story_of::<handlers::SendsThreeAtOnce>("three receipts go out, in any order");
        let story = story.when_quiescent(NO_LOST_MESSAGE, "three receipts went out", |seen| {
            seen.sent("receipts").len() == 3 && seen.view().order.len() == 3
        });
        let met_each = orders_of_three.into_iter().fold(story, |story, order| {
            story.sometimes_seen(format!("the bus takes them in the order {order:?}"), move |seen| {
                seen.view().order == order
            })
        });
        met_each.check();
    });
}

#[test]
fn gives_up_after_a_second() {
    on_stage(|| {
        story_of::<handlers::GivesUpAfterASecond>("billing charges, or gives up")
            .sometimes_seen("it is charged, and known to be", |seen| {
                seen.view().believed == Some(true) && seen.view().charges == 1
            })
            .sometimes_seen("it is charged, although given up", |seen| {
                seen.view().believed == Some(false) && seen.view().charges == 1
            })
            .sometimes_seen("it is given up, and not charged", |seen| {
                seen.view().believed == Some(false) && seen.view().charges == 0
            })
            .check();
    });
}

#[test]
fn is_never_redelivered() {
    on_stage(|| {
        Story::new("an order is charged once")
            .worlds(&[Size::ONE], orders::<handlers::Right>)
            .view(view)
            .sometimes(Event::Redelivered)
            .when_quiescent(NO_LOST_MESSAGE, "an order is charged", |seen| seen.view().charges == 1)
            .check();
    });
}

#[test]
fn is_too_large() {
    on_stage(|| {
        let world = |size| {
            (0..6)
                .fold(orders::<handlers::Right>(size), |world, number| {
                    world.message("orders", Msg::new(format!("n{number}"), "PlaceOrder", &"milk"), 2)
                })
                .bounds(Bounds { states: 1_000, ..Bounds::default() })
        };
        Story::new("an order is charged once")
            .worlds(&[Size::ONE.copies(2).workers(2).faults(3)], world)
            .view(view)
            .when_quiescent(NO_LOST_MESSAGE, "an order is charged", |seen| seen.view().charges >= 1)
            .check();
    });
}

#[test]
fn names_larger_worlds() {
    on_stage(|| {
        story_of::<handlers::Right>("an order is charged once")
            .deep(&[Size::ONE.faults(2), Size::ONE.workers(2).faults(3)])
            .when_quiescent(NO_LOST_MESSAGE, "an order is charged", |seen| seen.view().charges == 1)
            .check();
    });
}

#[test]
fn names_no_larger_world() {
    on_stage(|| {
        story_of::<handlers::Right>("an order is charged once")
            .deep(&[])
            .when_quiescent(NO_LOST_MESSAGE, "an order is charged", |seen| seen.view().charges == 1)
            .check();
    });
}

#[test]
fn is_violated_in_a_larger_world() {
    on_stage(|| {
        let world = |size: Size| {
            let world = orders::<handlers::Right>(size);
            if size.messages == 1 { world } else { world.message("orders", Msg::new("m2", "PlaceOrder", &"milk"), 1) }
        };
        Story::new("an order is charged once")
            .worlds(&[Size::ONE], world)
            .deep(&[Size::ONE.messages(2)])
            .view(view)
            .always(NO_DUPLICATE_PROCESSING, "one order is charged, or none", |seen| seen.view().charges <= 1)
            .check();
    });
}

#[test]
fn breaks_itself() {
    on_stage(|| {
        Story::new("an order is charged once").worlds(&[Size::ONE], |_| panic!("no such world")).check();
    });
}

#[test]
fn has_a_view_that_panics() {
    on_stage(|| {
        Story::new("an order is charged once")
            .worlds(&[Size::ONE], orders::<handlers::Right>)
            .view(|docs| docs.get::<String>("charge-m1"))
            .when_quiescent(NO_LOST_MESSAGE, "an order is charged", |seen| seen.view().is_some())
            .check();
    });
}

// ---- trials

/// A trial whose judge calls this piece of an attendee's code a few times, as a search calls back.
#[track_caller]
fn trial_of(code: impl Fn(u32) + Sync + 'static) {
    Trial::new("an attendee's code is judged", move |_| {
        for time in 0..3 {
            came_back();
            code(time);
        }
        Ok(Passed { message: "it came back".to_owned(), ..Passed::default() })
    })
    .check();
}

#[test]
fn a_trial_of_right_code() {
    on_stage(|| trial_of(|_| println!("what it prints is of no interest")));
}

#[test]
fn a_trial_of_wrong_code() {
    on_stage(|| {
        Trial::new("an attendee's code is judged", |_| {
            Err(Box::new(Failed::new("two is more than one", "it is less")))
        })
        .check();
    });
}

#[test]
fn a_trial_of_code_that_is_not_written() {
    on_stage(|| trial_of(|_| todo!("search")));
}

#[test]
fn a_trial_of_code_that_panics() {
    on_stage(|| trial_of(|time| assert!(time < 2, "the third time is too much")));
}

#[test]
fn a_trial_of_code_that_never_returns() {
    on_stage(|| {
        trial_of(|time| {
            if time == 1 {
                loop {
                    std::hint::spin_loop();
                }
            }
        });
    });
}

#[test]
fn a_trial_of_code_that_overflows_its_stack() {
    on_stage(|| trial_of(|_| assert!(handlers::deeper(1) > 0)));
}

#[test]
fn a_trial_of_code_that_ends_the_process() {
    on_stage(|| trial_of(|_| std::process::exit(0)));
}

/// It takes longer than a piece of code may, and calls back meanwhile.
#[test]
fn a_trial_of_slow_code() {
    on_stage(|| trial_of(|_| std::thread::sleep(std::time::Duration::from_millis(1_200))));
}

/// An attendee's search and an attendee's idea of when a run is over, in a world of an attendee's handler.
#[track_caller]
fn search_of<E: Endpoint>(is_over: fn(&kit::paths::World) -> bool) {
    Trial::new("an attendee searches", move |prepare| {
        let story =
            story_of::<E>("").when_quiescent(NO_LOST_MESSAGE, "an order is charged", |seen| seen.view().charges == 1);
        story.paths(prepare, &mut |paths| {
            let ran = paths.run(&[], &mut { is_over }, 20);
            match (ran.run.verdict, ran.end) {
                (kit::paths::Verdict::Violated(wrong), _) => Err(Box::new(Failed::new("a run is right", wrong))),
                (_, end) => Ok(Passed { message: format!("{end:?}"), ..Passed::default() }),
            }
        })
    })
    .check();
}

#[test]
fn a_search_with_an_over_that_panics() {
    on_stage(|| search_of::<handlers::Right>(|world| world.queues[7].visible == 0));
}

#[test]
fn a_search_with_an_over_that_never_returns() {
    on_stage(|| {
        search_of::<handlers::Right>(|world| {
            if world.timers == 0 {
                loop {
                    std::hint::spin_loop();
                }
            }
            true
        });
    });
}

#[test]
fn a_search_of_a_handler_that_panics() {
    on_stage(|| search_of::<handlers::PanicsAtOnce>(|world| world.queues[0].visible + world.queues[0].locked == 0));
}

#[test]
fn a_search_of_a_right_handler() {
    on_stage(|| search_of::<handlers::Right>(|world| world.queues[0].visible + world.queues[0].locked == 0));
}

/// A story that tells what cannot be done.
#[track_caller]
fn charged_twice<E: Endpoint>() -> Story<Charged> {
    story_of::<E>("nobody is charged twice, one would think")
        .always(NO_DUPLICATE_PROCESSING, "an order is charged at most once", |seen| seen.view().charges <= 1)
        .when_quiescent(NO_LOST_MESSAGE, "an order is charged", |seen| seen.view().charges >= 1)
        .expects("an order is charged at most once")
}

#[test]
fn is_violated_as_expected() {
    on_stage(|| charged_twice::<handlers::RemembersInItself>().check());
}

#[test]
fn keeps_what_was_to_be_violated() {
    on_stage(|| charged_twice::<handlers::Right>().check());
}

#[test]
fn may_keep_what_was_to_be_violated() {
    on_stage(|| charged_twice::<handlers::Right>().or_keeps_it("It charges each order under its own key.").check());
}

#[test]
fn is_violated_by_something_else() {
    on_stage(|| {
        charged_twice::<handlers::RemembersInItself>()
            .always(NO_GHOST_MESSAGE, "nothing is charged", |seen| seen.view().charges == 0)
            .or_keeps_it("Never said.")
            .check();
    });
}
