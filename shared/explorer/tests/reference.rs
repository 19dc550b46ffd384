//! The reference problem: the counts that TLC and stateright have for the same semantics, and that they are the
//! same on every run.

#[path = "../examples/reference/outbox.rs"]
mod outbox;

use std::process::Command;

use explorer::schedule::Schedule;
use explorer::{Reductions, Report, Verdict, replay};
use outbox::World;

/// The four reductions of the first design; the two that came later are left out.
const FOUR: Reductions = Reductions { copies: true, finished: true, returns: true, workers: true, ..Reductions::NONE };

/// In another process: print the digest and do nothing else.
const DIGEST_ONLY: &str = "EXPLORER_TEST_DIGEST_ONLY";

fn states(world: [u8; 4], reductions: Reductions) -> u64 {
    let report = World::new(world).explore(reductions, false);
    assert!(matches!(report.verdict, Verdict::Holds), "{:?}", report.verdict);
    report.counts.states
}

fn mark_before_send(world: [u8; 4], reductions: Reductions) -> Report {
    World { mark_before_send: true, ..World::new(world) }.explore(reductions, true)
}

/// Two messages, two copies of each, two workers, one fault.
#[test]
fn without_reductions_it_counts_what_model_checkers_count() {
    assert_eq!(states([2, 2, 2, 1], Reductions::NONE), 54_024);
}

/// The same world; with every reduction it is no larger than with four.
#[test]
fn four_reductions_leave_a_fifteenth() {
    assert_eq!(states([2, 2, 2, 1], FOUR), 3_532);
    assert!(states([2, 2, 2, 1], Reductions::ALL) <= 3_532);
}

/// Three messages: fifty times as many states.
#[test]
fn the_large_world_counts_what_model_checkers_count() {
    assert_eq!(states([3, 2, 2, 1], Reductions::NONE), 2_758_409);
    assert_eq!(states([3, 2, 2, 1], FOUR), 118_787);
    assert!(states([3, 2, 2, 1], Reductions::ALL) <= 118_787);
}

/// Handlers are run once for each history, not once for each schedule.
#[test]
fn handlers_run_a_hundred_times_for_fifty_thousand_states() {
    let report = World::new([2, 2, 2, 1]).explore(Reductions::NONE, false);
    assert!(report.counts.runs <= 1_000, "{} runs", report.counts.runs);
}

/// The event is taken from the outbox, then the send fails, or the node dies with it: the event is lost. One fault
/// is enough, whatever counts as one state.
#[test]
fn taking_the_event_out_before_sending_it_is_refuted() {
    for reductions in [Reductions::NONE, FOUR, Reductions::ALL] {
        let Verdict::Violated(violation) = mark_before_send([2, 2, 2, 1], reductions).verdict else {
            panic!("the variant is wrong, and nobody saw it");
        };
        assert_eq!((violation.property.as_str(), violation.faults), (outbox::CLAIM, 1), "{reductions:?}");
        assert_eq!(violation.explanation, "the order has 2 items, and 1 events went out");
        let schedule = Schedule::of(&violation.trace, Vec::new());
        let world = World { mark_before_send: true, ..World::new([2, 2, 2, 1]) };
        let scenario = world.scenario().reductions(reductions);
        let replayed = world.ask(false, |properties| replay(&scenario, properties, &schedule));
        let violated = replayed.expect("the schedule fits").violated.expect("it still violates");
        assert_eq!(violated, (outbox::CLAIM.to_owned(), violation.explanation));
    }
}

/// Every number and every schedule, as one text.
fn digest() -> String {
    let mut text = String::new();
    for world in [[1, 2, 2, 1], [2, 1, 2, 1], [2, 2, 2, 1], [1, 2, 2, 3]] {
        for reductions in [Reductions::NONE, FOUR, Reductions::ALL] {
            for mark_before_send in [false, true] {
                let report = World { mark_before_send, ..World::new(world) }.explore(reductions, true);
                text += &format!("{world:?} {:?} {:?}\n", report.counts, report.grid);
                if let Verdict::Violated(violation) = report.verdict {
                    text += &format!("{}\n{:#?}\n", violation.explanation, violation.trace);
                }
            }
        }
    }
    text
}

/// Here twice, and in two processes of their own: hash tables that take a seed from the system would differ.
#[test]
fn counts_and_schedules_are_the_same_on_every_run() {
    let here = digest();
    if let Ok(file) = std::env::var(DIGEST_ONLY) {
        std::fs::write(file, here).expect("the folder is writable");
        return;
    }
    assert!(here == digest(), "the second time in one process differs");
    let binary = std::env::current_exe().expect("a test has a binary");
    for child in 1..=2 {
        let file = std::env::temp_dir().join(format!("explorer-digest-{}-{child}", std::process::id()));
        let mut command = Command::new(&binary);
        command.args(["--exact", "counts_and_schedules_are_the_same_on_every_run"]).env(DIGEST_ONLY, &file);
        let output = command.output().expect("a test can start itself");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let there = std::fs::read_to_string(&file).expect("the child wrote its digest");
        let _ = std::fs::remove_file(&file);
        assert!(here == there, "process {child} differs");
    }
}
