//! Also correct: delays wherever they will do; the other worker, and other messages
//! Why: two slow workers break handler 4 in either direction. No step here is a fault, where none is needed.

use kit::schedule::Schedule;
#[allow(unused_imports)] // all that a schedule can say
use kit::schedule::{Failing::*, Operation::*, Worker::*};

/// Handler 1 returns at once if it knows the message. *No lost message*: a letter is never sent.
pub fn breaks_1() -> Schedule {
    Schedule::new().deliver("m3", B).delay(B, Send).deliver("m1", A).crash(B, Send)
}

/// Handler 2 does not mind a time-out. *No ghost message*: a letter tells of points that nobody ever got.
pub fn breaks_2() -> Schedule {
    Schedule::new().deliver("m3", B).delay(B, Put).deliver("m1", A).deliver("m2", A).expire_lock(B).fail(
        B,
        Put,
        UnknownNotDone,
    )
}

/// Handler 3 keeps its list of messages apart. *No duplicated processing*: points are added twice.
pub fn breaks_3() -> Schedule {
    // The mark of m2 is missing.
    Schedule::new().deliver("m2", B).delay(B, Put.nth(2)).crash(B, Put)
}

/// Handler 4 writes without a condition. *No lost write*: points that were in the account are gone.
pub fn breaks_4() -> Schedule {
    // A waits before its look, B after its own: A writes first, and B wipes that out.
    Schedule::new().deliver("m1", A).delay(A, Get).deliver("m2", B).delay(B, Put)
}

/// Handler 5 sends the letter again. *Consistent output*: two letters with one id say different things.
pub fn breaks_5() -> Schedule {
    Schedule::new().duplicate("m2").deliver("m2", A).delay(A, Send).deliver("m1", B).deliver("m2", B)
}
