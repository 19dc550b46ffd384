//! Also correct: locks that expire while their workers live: the next one receives the message, and the first goes on
//! as a zombie
//! Why: longer than needed, and closer to Black Friday.

use kit::schedule::Schedule;
#[allow(unused_imports)] // all that a schedule can say
use kit::schedule::{Failing::*, Operation::*, Worker::*};

/// Handler 1 returns at once if it knows the message. *No lost message*: a letter is never sent.
pub fn breaks_1() -> Schedule {
    // The second worker knows the message, and acks it; then the first one dies, and nobody is left to send.
    Schedule::new().deliver("m1", A).delay(A, Send).expire_lock(A).deliver("m1", B).crash(A, Send)
}

/// Handler 2 does not mind a time-out. *No ghost message*: a letter tells of points that nobody ever got.
pub fn breaks_2() -> Schedule {
    // A sends a ghost; m1 comes back meanwhile.
    Schedule::new().deliver("m1", A).delay(A, Put).expire_lock(A).fail(A, Put, UnknownNotDone)
}

/// Handler 3 keeps its list of messages apart. *No duplicated processing*: points are added twice.
pub fn breaks_3() -> Schedule {
    // B looks for the mark before A has written it.
    Schedule::new().deliver("m1", A).delay(A, Send).expire_lock(A).deliver("m1", B)
}

/// Handler 4 writes without a condition. *No lost write*: points that were in the account are gone.
pub fn breaks_4() -> Schedule {
    // A zombie wipes out what came after it.
    Schedule::new().deliver("m1", A).delay(A, Put).expire_lock(A).deliver("m1", B).deliver("m2", B)
}

/// Handler 5 sends the letter again. *Consistent output*: two letters with one id say different things.
pub fn breaks_5() -> Schedule {
    // B tells of 110 points, and then A of 100.
    Schedule::new().deliver("m1", A).delay(A, Send).deliver("m2", B).expire_lock(A).deliver("m1", B)
}
