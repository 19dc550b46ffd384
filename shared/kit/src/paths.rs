//! The paths through a world, as a search sees them (exercise 10).
//!
//! A run is a list of choices: at every step, which of the things that can happen does happen.

use std::time::Duration;

/// What one run was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// For each step, how many things could have happened; at least 1.
    pub arity: Vec<usize>,
    /// For each step, which of them did: from 0, below the step's arity.
    pub choices: Vec<usize>,
    /// What is said of it.
    pub verdict: Verdict,
}

/// What is said of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every property holds at its end.
    Holds,
    /// A property is violated at its end: which, in words.
    Violated(String),
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// How many runs there were.
    pub runs: u64,
    /// The choices of a run that violated something, if there was one.
    pub violated: Option<Vec<usize>>,
}

/// What is going on in a world, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct World {
    /// Each queue.
    pub queues: Vec<Queue>,
    /// Each worker.
    pub workers: Vec<Worker>,
    /// Timers that will go off: of systems that act on their own.
    pub timers: usize,
    /// How long nothing has happened.
    pub quiet_for: Duration,
}

/// What is in a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Copies that a worker may receive.
    pub visible: usize,
    /// Copies that a worker has received. If it dies, they are visible again when their lock expires.
    pub locked: usize,
    /// Copies of messages that were sent with a delay, and are not due yet.
    pub delayed: usize,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// What it does.
    pub doing: Doing,
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// Nothing: it waits for a message.
    Idle,
    /// It handles a message.
    Running,
    /// It handles a message, and waits until some time has passed.
    Sleeping,
}
