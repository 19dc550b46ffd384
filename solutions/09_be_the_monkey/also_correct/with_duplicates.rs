//! Also correct: a second copy of a message instead of a crash
//! Why: the broker alone breaks handlers 3 and 5, and nobody dies. For handler 1 the duplicate plays the next try.

use kit::schedule::Schedule;
#[allow(unused_imports)] // all that a schedule can say
use kit::schedule::{Failing::*, Operation::*, Worker::*};

/// Handler 1 returns at once if it knows the message. *No lost message*: a letter is never sent.
pub fn breaks_1() -> Schedule {
    Schedule::new().duplicate("m1").deliver("m1", A).crash(A, Send).deliver("m1", B)
}

/// Handler 2 does not mind a time-out. *No ghost message*: a letter tells of points that nobody ever got.
pub fn breaks_2() -> Schedule {
    Schedule::new().duplicate("m2").deliver("m2", B).fail(B, Put, UnknownNotDone)
}

/// Handler 3 keeps its list of messages apart. *No duplicated processing*: points are added twice.
pub fn breaks_3() -> Schedule {
    // Both look for the mark before either has written it.
    Schedule::new().duplicate("m1").deliver("m1", A).delay(A, Send).deliver("m1", B)
}

/// Handler 4 writes without a condition. *No lost write*: points that were in the account are gone.
pub fn breaks_4() -> Schedule {
    // The second copy of m2 finds its points wiped out, and adds them again; in between they were gone.
    Schedule::new().duplicate("m2").deliver("m1", A).delay(A, Put).deliver("m2", B)
}

/// Handler 5 sends the letter again. *Consistent output*: two letters with one id say different things.
pub fn breaks_5() -> Schedule {
    Schedule::new().duplicate("m1").deliver("m1", A).deliver("m2", B).deliver("m1", A)
}
