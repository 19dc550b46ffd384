//! What an exploration says.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::trace::Trace;

/// What an exploration says of a scenario and its properties, within the scenario's bounds.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Every property holds in every state: the whole bounded space was visited.
    Holds,
    /// A budget ended first. Nothing is known.
    Unrefuted {
        /// Which budget ended, and what to shrink.
        reason: String,
    },
    /// A property is violated.
    Violated(Box<Violation>),
    /// Something that must happen at least once never did, so that the rest proves little.
    Vacuous {
        /// What never happened.
        witness: String,
    },
    /// The code says of itself that it is not written yet (`todo!()` and its kin).
    NotWritten {
        /// What it says.
        message: String,
        /// File and line.
        at: Option<(String, u32)>,
    },
}

/// How a property is violated.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The property, in words.
    pub property: String,
    /// What kind of property it is, such as `no lost message`, and why it matters; may be empty.
    pub why: String,
    /// What is wrong in the last state.
    pub explanation: String,
    /// The fewest steps, among the fewest faults, that lead there.
    pub trace: Trace,
    /// Faults in the trace.
    pub faults: u8,
}

/// How much an exploration did. True counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Distinct states visited.
    pub states: u64,
    /// Transitions between them.
    pub transitions: u64,
    /// Times that a handler was run, instead of looked up.
    pub runs: u64,
    /// Distinct histories of runs.
    pub histories: u64,
    /// Most faults in one schedule that was explored.
    pub faults: u8,
}

/// A verdict with its size.
#[derive(Clone, Debug)]
pub struct Report {
    /// What is said.
    pub verdict: Verdict,
    /// How much was done for it.
    pub counts: Counts,
    /// How long that took.
    pub time: Duration,
    /// For each witness, in order: was it met?
    pub met: Vec<bool>,
    /// Operations of the handlers by kinds of fault: which faults may strike where, and did they?
    pub grid: Vec<GridCell>,
}

/// A fault that may strike an operation by its kind, and whether it did, at least once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GridCell {
    /// Where the operation is called: file and line.
    pub at: (String, u32),
    /// Which operation, such as `put cart`.
    pub operation: String,
    /// The fault's name.
    pub fault: String,
    /// It struck there.
    pub struck: bool,
}
