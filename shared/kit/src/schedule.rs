//! A schedule in a few words: what must happen to a handler (exercise 09).
//!
//! It names only what is out of the ordinary. Everything else goes on undisturbed, by three rules:
//!
//! - A worker goes on to its end, unless a later step speaks of it; then it stands still until that step. That it
//!   receives another message later is no such step.
//! - A worker that is delayed stands still until a later step makes it go on, or until the schedule has ended.
//! - When the schedule has ended, the delayed workers go on, one after the other; then whatever is left in the queue
//!   is delivered, one message after the other, until nothing is left: first what somebody has received before, and
//!   then the rest.

use std::fmt;

/// A schedule: at most [`STEPS_MAX`] steps, in the order in which they happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Schedule {
    steps: Vec<Step>,
}

/// Most steps of one schedule.
pub const STEPS_MAX: usize = 6;

/// A worker: there are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Worker {
    /// The first.
    A,
    /// The second.
    B,
}

/// What a worker does, one await at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It reads a document.
    Get,
    /// It writes a document, or a batch.
    Put,
    /// It sends a message.
    Send,
    /// It acks the message: at its end, or before.
    Ack,
}

/// The next operation of its kind, or the n-th next, from where the worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Next {
    /// Which kind of operation.
    pub operation: Operation,
    /// Which of that kind, from 1.
    pub nth: u8,
}

impl Operation {
    /// Not the next operation of its kind, but the n-th, from 1.
    #[must_use]
    pub fn nth(self, nth: u8) -> Next {
        Next { operation: self, nth }
    }
}

impl From<Operation> for Next {
    fn from(operation: Operation) -> Next {
        operation.nth(1)
    }
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failing {
    /// Definite: the worker is told that nothing happened, and nothing did.
    Refused,
    /// Indefinite: it took effect, and the worker is not told.
    UnknownDone,
    /// Indefinite: nothing happened, and the worker is not told.
    UnknownNotDone,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A worker receives a copy of a message.
    Deliver(String, Worker),
    /// The queue holds one more copy of a message.
    Duplicate(String),
    /// A worker takes its time before an operation.
    Delay(Worker, Next),
    /// A worker dies before an operation.
    Crash(Worker, Next),
    /// An operation fails.
    Fail(Worker, Next, Failing),
    /// The lock on a worker's copy expires.
    ExpireLock(Worker),
}

impl Schedule {
    /// A schedule in which nothing is out of the ordinary.
    pub fn new() -> Self {
        Schedule::default()
    }

    /// The worker receives a copy of this message from the queue. It must be idle, and the copy visible.
    pub fn deliver(self, message: impl Into<String>, to: Worker) -> Self {
        self.with(Step::Deliver(message.into(), to))
    }

    /// The queue holds one more copy of this message (a duplicate). A copy must be visible.
    pub fn duplicate(self, message: impl Into<String>) -> Self {
        self.with(Step::Duplicate(message.into()))
    }

    /// The worker goes on to this operation, and takes its time before it.
    pub fn delay(self, worker: Worker, before: impl Into<Next>) -> Self {
        self.with(Step::Delay(worker, before.into()))
    }

    /// The worker goes on to this operation, and its node dies before it. The message is visible again,
    /// and the worker is idle.
    pub fn crash(self, worker: Worker, before: impl Into<Next>) -> Self {
        self.with(Step::Crash(worker, before.into()))
    }

    /// The worker goes on to this operation, and it fails. The handler learns what it learns, and goes on.
    ///
    /// A `Get` can only be [`Failing::Refused`]; an `Ack` only [`Failing::UnknownNotDone`]: it never arrives.
    pub fn fail(self, worker: Worker, operation: impl Into<Next>, how: Failing) -> Self {
        self.with(Step::Fail(worker, operation.into(), how))
    }

    /// The lock on the message that the worker handles expires: the message is visible again, and the worker, who does
    /// not know, goes on.
    pub fn expire_lock(self, worker: Worker) -> Self {
        self.with(Step::ExpireLock(worker))
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn with(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl Step {
    /// The worker that it speaks of, if it does.
    pub fn worker(&self) -> Option<Worker> {
        match self {
            Step::Duplicate(_) => None,
            Step::Deliver(_, worker)
            | Step::Delay(worker, _)
            | Step::Crash(worker, _)
            | Step::Fail(worker, ..)
            | Step::ExpireLock(worker) => Some(*worker),
        }
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Worker::A => "A",
            Worker::B => "B",
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Get => "get",
            Operation::Put => "put",
            Operation::Send => "send",
            Operation::Ack => "ack",
        })
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            1 => write!(f, "its next {}", self.operation),
            nth => write!(f, "its {} number {nth} from there", self.operation),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Deliver(message, worker) => write!(f, "deliver {message} to {worker}"),
            Step::Duplicate(message) => write!(f, "duplicate {message}"),
            Step::Delay(worker, next) => write!(f, "delay {worker} before {next}"),
            Step::Crash(worker, next) => write!(f, "crash {worker} before {next}"),
            Step::Fail(worker, next, how) => {
                let how = match how {
                    Failing::Refused => "refused",
                    Failing::UnknownDone => "unknown, and done",
                    Failing::UnknownNotDone => "unknown, and not done",
                };
                write!(f, "fail {worker} at {next} ({how})")
            }
            Step::ExpireLock(worker) => write!(f, "expire the lock of {worker}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Worker::{A, B};
    use super::*;

    #[test]
    fn a_schedule_keeps_its_steps_and_says_them() {
        let schedule = Schedule::new()
            .deliver("m1", A)
            .delay(A, Operation::Put)
            .duplicate("m1")
            .deliver("m1", B)
            .expire_lock(B)
            .fail(A, Operation::Send.nth(2), Failing::UnknownDone)
            .crash(B, Operation::Ack);
        let said: Vec<String> = schedule.steps().iter().map(Step::to_string).collect();
        let expected = [
            "deliver m1 to A",
            "delay A before its next put",
            "duplicate m1",
            "deliver m1 to B",
            "expire the lock of B",
            "fail A at its send number 2 from there (unknown, and done)",
            "crash B before its next ack",
        ];
        assert_eq!(said, expected);
    }
}
