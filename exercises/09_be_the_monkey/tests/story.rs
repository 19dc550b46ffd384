//! What a review board may rely on: each handler is broken by the property that was named, and the reference is not.
//!
//! All handlers live in the same world. What must hold of them is said in `board/src/claims.rs`; a schedule decides what
//! happens.

use be_the_monkey::{breaks_1, breaks_2, breaks_3, breaks_4, breaks_5};
use kit::schedule::STEPS_MAX;
use review_board::claims::board;
use review_board::{handler_1, handler_2, handler_3, handler_4, handler_5, reference};
use story::{
    CONSISTENT_OUTPUT, Challenge, NO_DUPLICATE_PROCESSING, NO_GHOST_MESSAGE, NO_LOST_MESSAGE, NO_LOST_WRITE, Size,
};

/// Three messages, two workers, and as many faults as a schedule has steps.
const REVIEW: Size = Size::ONE.messages(3).workers(2).faults(STEPS_MAX as u8);

/// Handler 1 loses a letter.
#[test]
fn handler_1_loses_a_letter() {
    Challenge::new("handler 1 loses a letter", breaks_1)
        .breaks("handler 1", board::<handler_1::Handler>(REVIEW), NO_LOST_MESSAGE)
        .leaves_alone(board::<reference::Handler>(REVIEW))
        .enough(2)
        .check();
}

/// Handler 2 sends a letter about points that are not there.
#[test]
fn handler_2_sends_a_ghost() {
    Challenge::new("handler 2 sends a ghost", breaks_2)
        .breaks("handler 2", board::<handler_2::Handler>(REVIEW), NO_GHOST_MESSAGE)
        .leaves_alone(board::<reference::Handler>(REVIEW))
        .enough(2)
        .check();
}

/// Handler 3 adds the points of a message twice.
#[test]
fn handler_3_adds_points_twice() {
    Challenge::new("handler 3 adds points twice", breaks_3)
        .breaks("handler 3", board::<handler_3::Handler>(REVIEW), NO_DUPLICATE_PROCESSING)
        .leaves_alone(board::<reference::Handler>(REVIEW))
        .enough(2)
        .check();
}

/// Handler 4 wipes out what another worker has written.
#[test]
fn handler_4_wipes_points_out() {
    Challenge::new("handler 4 wipes points out", breaks_4)
        .breaks("handler 4", board::<handler_4::Handler>(REVIEW), NO_LOST_WRITE)
        .leaves_alone(board::<reference::Handler>(REVIEW))
        .enough(3)
        .check();
}

/// Handler 5 says one thing, and then another.
#[test]
fn handler_5_contradicts_itself() {
    Challenge::new("handler 5 contradicts itself", breaks_5)
        .breaks("handler 5", board::<handler_5::Handler>(REVIEW), CONSISTENT_OUTPUT)
        .leaves_alone(board::<reference::Handler>(REVIEW))
        .enough(3)
        .check();
}
