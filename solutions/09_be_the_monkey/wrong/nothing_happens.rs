//! Dies by: the schedule breaks handler 1: no lost message
//! Why: on a fine day every handler is right.

use kit::schedule::Schedule;
#[allow(unused_imports)] // all that a schedule can say
use kit::schedule::{Failing::*, Operation::*, Worker::*};

/// Handler 1 returns at once if it knows the message. *No lost message*: a letter is never sent.
pub fn breaks_1() -> Schedule {
    Schedule::new()
}

/// Handler 2 does not mind a time-out. *No ghost message*: a letter tells of points that nobody ever got.
pub fn breaks_2() -> Schedule {
    // The time-out hides that nothing was written. To crash before the send instead would lose a letter: another bug.
    Schedule::new().deliver("m1", A).fail(A, Put, UnknownNotDone)
}

/// Handler 3 keeps its list of messages apart. *No duplicated processing*: points are added twice.
pub fn breaks_3() -> Schedule {
    // Points and mark are in two documents: between the two writes, one is true and the other is not yet.
    Schedule::new().deliver("m1", A).crash(A, Send)
}

/// Handler 4 writes without a condition. *No lost write*: points that were in the account are gone.
pub fn breaks_4() -> Schedule {
    // A has read, B writes, and A writes what it has read before. No fault is needed: two workers are enough.
    Schedule::new().deliver("m1", A).delay(A, Put).deliver("m2", B)
}

/// Handler 5 sends the letter again. *Consistent output*: two letters with one id say different things.
pub fn breaks_5() -> Schedule {
    // The second try tells the total of now, not that of the first try: let another message come in between.
    Schedule::new().deliver("m1", A).crash(A, Ack).deliver("m2", A)
}
