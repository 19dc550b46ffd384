//! Also correct: the bus is too busy, or does not say what became of a letter
//! Why: a send that fails ends the run, so it is as good as a crash before the send, or after it.

use kit::schedule::Schedule;
#[allow(unused_imports)] // all that a schedule can say
use kit::schedule::{Failing::*, Operation::*, Worker::*};

/// Handler 1 returns at once if it knows the message. *No lost message*: a letter is never sent.
pub fn breaks_1() -> Schedule {
    Schedule::new().deliver("m1", A).fail(A, Send, Refused)
}

/// Handler 2 does not mind a time-out. *No ghost message*: a letter tells of points that nobody ever got.
pub fn breaks_2() -> Schedule {
    // The ghost is sent twice: the first time nobody knows.
    Schedule::new().deliver("m1", A).fail(A, Put, UnknownNotDone).fail(A, Send, UnknownDone)
}

/// Handler 3 keeps its list of messages apart. *No duplicated processing*: points are added twice.
pub fn breaks_3() -> Schedule {
    Schedule::new().deliver("m1", A).fail(A, Send, UnknownNotDone)
}

/// Handler 4 writes without a condition. *No lost write*: points that were in the account are gone.
pub fn breaks_4() -> Schedule {
    Schedule::new().deliver("m1", A).delay(A, Put).deliver("m2", B).fail(A, Send, Refused)
}

/// Handler 5 sends the letter again. *Consistent output*: two letters with one id say different things.
pub fn breaks_5() -> Schedule {
    Schedule::new().deliver("m1", A).fail(A, Send, UnknownDone).deliver("m2", B)
}
