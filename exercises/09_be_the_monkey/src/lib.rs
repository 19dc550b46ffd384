//! Exercise 09 · Be the monkey
//!
//! Lecture  lectures/09_intuition.md
//! Spec     none: the handlers are in board/src, one a file
//! Run      cargo test -p exercise-09
//! Hint     cargo workshop hint 09
//!
//! Five handlers lie before the review board. Each does the same: it adds points to a customer's account, and sends
//! her a letter. Each has a bug. A schedule that breaks none of them is no review, so the story ends in
//!
//!     violated  "the schedule breaks handler 1: no lost message"
//!
//! Your task: for each handler, a schedule of at most six steps that breaks it by the property that its function
//! names, and leaves the reference (board/src/reference.rs) alone. The queue `points` holds three messages for one
//! customer: `m1` adds 100 points, `m2` adds 10, `m3` adds 1. There are two workers, `A` and `B`.
//!
//! Source: Basiri et al., "Chaos Engineering", IEEE Software 33(3), 2016: what the monkey is for.

use kit::schedule::Schedule;
#[allow(unused_imports)] // all that a schedule can say
use kit::schedule::{Failing::*, Operation::*, Worker::*};

/// Handler 1 returns at once if it knows the message. *No lost message*: a letter is never sent.
pub fn breaks_1() -> Schedule {
    // TODO(09): this delivers `m1`, and all goes well. Between which two lines must something happen?
    Schedule::new().deliver("m1", A)
}

/// Handler 2 does not mind a time-out. *No ghost message*: a letter tells of points that nobody ever got.
pub fn breaks_2() -> Schedule {
    // TODO(09): here the store is too busy; the message comes back, and all goes well.
    Schedule::new().deliver("m1", A).fail(A, Put, Refused)
}

/// Handler 3 keeps its list of messages apart. *No duplicated processing*: points are added twice.
pub fn breaks_3() -> Schedule {
    // TODO(09): here a second copy comes when all is over. That is too late.
    Schedule::new().duplicate("m1").deliver("m1", A).deliver("m1", B)
}

/// Handler 4 writes without a condition. *No lost write*: points that were in the account are gone.
pub fn breaks_4() -> Schedule {
    // TODO(09): here A waits before its `get`, while B handles a message from beginning to end. Where would it hurt?
    Schedule::new().deliver("m1", A).delay(A, Get).deliver("m2", B)
}

/// Handler 5 sends the letter again. *Consistent output*: two letters with one id say different things.
pub fn breaks_5() -> Schedule {
    // TODO(09): here the letter is sent twice, and both say the same. When would they not?
    Schedule::new().deliver("m1", A).crash(A, Ack)
}
