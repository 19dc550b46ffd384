//! That the solution's schedules are the shortest: every schedule that has fewer steps is followed, and none of them
//! breaks its handler by the property that was named. So the story's `enough` is true.

use kit::schedule::{Failing, Operation, Schedule, Step, Worker};
use review_board::claims::board;
use review_board::{handler_1, handler_2, handler_3, handler_4, handler_5};
use solution_09::{breaks_1, breaks_2, breaks_3, breaks_4, breaks_5};
use story::challenge::{Unfolded, unfold};
use story::{
    CONSISTENT_OUTPUT, Endpoint, NO_DUPLICATE_PROCESSING, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, NO_LOST_WRITE, Size,
    Standard,
};

/// As in the story.
const REVIEW: Size = Size::ONE.messages(3).workers(2).faults(6);

#[test]
fn one_step_is_not_enough_for_handlers_1_2_and_3() {
    is_the_shortest::<handler_1::Handler>(&breaks_1(), NO_LOST_MESSAGE, 1);
    is_the_shortest::<handler_2::Handler>(&breaks_2(), NO_GHOST_MESSAGE, 1);
    is_the_shortest::<handler_3::Handler>(&breaks_3(), NO_DUPLICATE_PROCESSING, 2);
}

#[test]
fn two_steps_are_not_enough_for_handler_4() {
    is_the_shortest::<handler_4::Handler>(&breaks_4(), NO_LOST_WRITE, 1);
}

#[test]
fn two_steps_are_not_enough_for_handler_5() {
    is_the_shortest::<handler_5::Handler>(&breaks_5(), CONSISTENT_OUTPUT, 1);
}

/// The schedule breaks the handler by this property, and none with fewer steps does. `nth`: how often one run of the
/// handler does the same kind of operation, at most.
fn is_the_shortest<E: Endpoint>(schedule: &Schedule, by: Standard, nth: u8) {
    let story = board::<E>(REVIEW);
    let Unfolded { violated, illegal, .. } = unfold(&story, schedule);
    assert!(illegal.is_none() && violated.contains(&by), "it does not break by {}: {illegal:?}", by.name);
    let alphabet = alphabet(nth);
    let mut schedules = vec![Schedule::new()];
    for _ in 0..schedule.steps().len() {
        let mut longer = Vec::new();
        for shorter in schedules {
            let Unfolded { violated, illegal, .. } = unfold(&story, &shorter);
            if illegal.is_none() {
                assert!(!violated.contains(&by), "{} by {shorter:?}", by.name);
                longer.extend(alphabet.iter().map(|step| with(shorter.clone(), step)));
            } // what cannot happen cannot begin a longer schedule
        }
        schedules = longer;
    }
}

/// Every step that there is.
fn alphabet(nth_max: u8) -> Vec<Step> {
    let mut steps = Vec::new();
    for message in ["m1", "m2", "m3"] {
        steps.push(Step::Duplicate(message.to_owned()));
        steps.extend([Worker::A, Worker::B].map(|worker| Step::Deliver(message.to_owned(), worker)));
    }
    for worker in [Worker::A, Worker::B] {
        steps.push(Step::ExpireLock(worker));
        for operation in [Operation::Get, Operation::Put, Operation::Send, Operation::Ack] {
            for next in (1..=nth_max).map(|nth| operation.nth(nth)) {
                steps.extend([Step::Delay(worker, next), Step::Crash(worker, next)]);
                let failings = [Failing::Refused, Failing::UnknownDone, Failing::UnknownNotDone];
                steps.extend(failings.map(|how| Step::Fail(worker, next, how)));
            }
        }
    }
    steps
}

fn with(schedule: Schedule, step: &Step) -> Schedule {
    match step.clone() {
        Step::Deliver(message, worker) => schedule.deliver(message, worker),
        Step::Duplicate(message) => schedule.duplicate(message),
        Step::Delay(worker, next) => schedule.delay(worker, next),
        Step::Crash(worker, next) => schedule.crash(worker, next),
        Step::Fail(worker, next, how) => schedule.fail(worker, next, how),
        Step::ExpireLock(worker) => schedule.expire_lock(worker),
    }
}
