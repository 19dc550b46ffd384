//! Also correct: six steps each, with much that is not needed
//! Why: any legal schedule within the bound will do. The remark says how many steps would be enough.

use kit::schedule::Schedule;
#[allow(unused_imports)] // all that a schedule can say
use kit::schedule::{Failing::*, Operation::*, Worker::*};

/// Handler 1 returns at once if it knows the message. *No lost message*: a letter is never sent.
pub fn breaks_1() -> Schedule {
    Schedule::new().deliver("m2", B).deliver("m3", B).duplicate("m1").deliver("m1", A).delay(A, Send).crash(A, Send)
}

/// Handler 2 does not mind a time-out. *No ghost message*: a letter tells of points that nobody ever got.
pub fn breaks_2() -> Schedule {
    Schedule::new()
        .deliver("m3", A)
        .fail(A, Get, Refused)
        .deliver("m2", B)
        .deliver("m1", A)
        .fail(A, Put, UnknownNotDone)
        .deliver("m3", B)
}

/// Handler 3 keeps its list of messages apart. *No duplicated processing*: points are added twice.
pub fn breaks_3() -> Schedule {
    Schedule::new()
        .deliver("m2", A)
        .deliver("m1", A)
        .fail(A, Send, Refused)
        .deliver("m1", B)
        .fail(B, Send, Refused)
        .deliver("m3", A)
}

/// Handler 4 writes without a condition. *No lost write*: points that were in the account are gone.
pub fn breaks_4() -> Schedule {
    Schedule::new().duplicate("m3").deliver("m3", A).delay(A, Put).deliver("m1", B).deliver("m2", B).deliver("m3", B)
}

/// Handler 5 sends the letter again. *Consistent output*: two letters with one id say different things.
pub fn breaks_5() -> Schedule {
    Schedule::new().deliver("m1", A).crash(A, Ack).deliver("m2", A).deliver("m3", B).duplicate("m1").deliver("m1", B)
}
