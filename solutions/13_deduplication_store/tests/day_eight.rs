//! What the lecture shows of day eight, and of the zombie that does not clean: both are explored, and drawn.

extern crate solution_13 as deduplication_store;

use explorer::{Verdict, diagram};
use figures::fresh;
use story::Size;

/// The exercise's story; its tests are told elsewhere.
#[allow(dead_code)]
#[path = "../../../exercises/13_deduplication_store/tests/story.rs"]
mod retold;

const LECTURE: &str = "lectures/13_inbox.md";

/// The ids have expired, and a backup of the queue is restored: the message has its effect once more. The lecture shows
/// the schedule as it is found.
#[test]
fn the_lecture_shows_day_eight() {
    let verdict = retold::a_backup_on_day_eight().verdict();
    let Verdict::Violated(violation) = verdict else { panic!("nothing is violated: {verdict:?}") };
    assert_eq!(violation.property, "each message has its effect at most once");
    fresh::passage(LECTURE, &format!("{}\n  {}", diagram::draw(&violation.trace), violation.explanation));
}

/// The exercise lets locks last where it looks for garbage among two messages. The solution needs no such help.
#[test]
fn the_solution_cleans_after_zombies_too() {
    const SIZES: &[Size] = &[Size::ONE.copies(2).workers(2).faults(2), Size::ONE.messages(2).workers(2).faults(1)];
    let verdict = retold::garbage(SIZES, false).verdict();
    assert!(matches!(verdict, Verdict::Holds), "{verdict:?}");
}
