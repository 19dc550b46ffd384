//! The result of a story as data: what the test process writes, and the command line reads.

use std::path::PathBuf;

use explorer::GridCell;
use serde::{Deserialize, Serialize};

/// What a story said. Serialised, this is an entry of `check --json`'s `stories`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryReport {
    /// The exercise's number, such as `03`.
    pub exercise: String,
    /// The story's name: that of its test.
    pub story: String,
    /// What is said.
    pub verdict: VerdictName,
    /// The property that is violated, or the witness that was never met, in words; empty otherwise.
    pub property: String,
    /// One line for people.
    pub message: String,
    /// Distinct states visited, over all worlds.
    pub states: u64,
    /// Transitions between them.
    pub transitions: u64,
    /// Faults in the violating schedule; otherwise the most in any schedule.
    pub faults: u8,
    /// Milliseconds of exploring.
    pub millis: u64,
    /// How many worlds larger than those of the ladder were explored, too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub larger_worlds: u32,
    /// The world in which a story was violated, or not decided, in words. Empty where it holds, and where none was explored.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub world: String,
    /// What happens in a violation, without names: see [`explorer::Trace::shape`]. Empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shape: String,
    /// The schedule file of a violation.
    pub schedule: Option<PathBuf>,
    /// The HTML page of a violation.
    pub page: Option<PathBuf>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A verdict's name. In order: the worse, the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictName {
    /// Every property holds in every state.
    Holds,
    /// A witness was never met.
    Vacuous,
    /// A budget ended first.
    Unrefuted,
    /// The code is not written yet.
    NotWritten,
    /// A property is violated.
    Violated,
    /// The story could not be told.
    Error,
}

/// What a story's process leaves behind: the report, and what goes with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The report.
    #[serde(flatten)]
    pub report: StoryReport,
    /// The whole result as text, at most 100 columns wide.
    pub text: String,
    /// Operations by the faults that may strike them, and whether they did.
    pub grid: Vec<GridCell>,
}
