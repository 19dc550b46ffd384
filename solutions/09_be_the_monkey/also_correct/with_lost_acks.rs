//! Also correct: acks that never arrive, and operations that are counted
//! Why: a lost ack is a crash that costs no node.

use kit::schedule::Schedule;
#[allow(unused_imports)] // all that a schedule can say
use kit::schedule::{Failing::*, Operation::*, Worker::*};

/// Handler 1 returns at once if it knows the message. *No lost message*: a letter is never sent.
pub fn breaks_1() -> Schedule {
    // B handles m2 well, and its ack is lost; A loses the letter about m1.
    Schedule::new().deliver("m2", B).fail(B, Ack, UnknownNotDone).deliver("m1", A).fail(A, Send, UnknownNotDone)
}

/// Handler 2 does not mind a time-out. *No ghost message*: a letter tells of points that nobody ever got.
pub fn breaks_2() -> Schedule {
    // Not even the ack of a ghost arrives, so m1 is handled again, and all is well in the end. It was a ghost for a
    // while.
    Schedule::new().deliver("m1", A).fail(A, Put, UnknownNotDone).fail(A, Ack, UnknownNotDone)
}

/// Handler 3 keeps its list of messages apart. *No duplicated processing*: points are added twice.
pub fn breaks_3() -> Schedule {
    // The second put of handler 3 is its mark.
    Schedule::new().deliver("m1", A).fail(A, Put.nth(2), UnknownNotDone)
}

/// Handler 4 writes without a condition. *No lost write*: points that were in the account are gone.
pub fn breaks_4() -> Schedule {
    Schedule::new().deliver("m2", B).delay(B, Put.nth(1)).deliver("m1", A).fail(B, Ack, UnknownNotDone)
}

/// Handler 5 sends the letter again. *Consistent output*: two letters with one id say different things.
pub fn breaks_5() -> Schedule {
    Schedule::new().deliver("m1", A).fail(A, Ack, UnknownNotDone).deliver("m2", B)
}
