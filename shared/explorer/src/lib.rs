//! Runs real async handlers through every schedule and every placement of faults within a bound.
//!
//! Start with [`Scenario`] (who acts and what may go wrong) and [`Properties`] (what must hold), give both to
//! [`explore`], and read the [`Report`].

mod action;
pub mod count;
pub mod diagram;
mod endless;
mod engine;
mod history;
mod layout;
mod logs;
mod narrate;
pub mod observation;
mod operation;
pub mod page;
pub mod paths;
mod progress;
pub mod property;
pub mod random;
pub mod reductions;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod search;
mod steps;
mod tables;
pub mod trace;
pub mod verdict;
mod visited;
pub mod walk;

pub use observation::{FactKind, Observation};
pub use property::{Event, Met, Progress, Properties, Property, Witness};
pub use random::{Walks, at_random};
pub use reductions::Reductions;
pub use scenario::{Bounds, Call, Client, Handler, Run, Scenario};
pub use search::{Replayed, explore, outcomes, replay};
pub use trace::{Participant, Role, Snapshot, Step, StepKind, Trace};
pub use verdict::{Counts, GridCell, Report, Verdict, Violation};
pub use walk::{Broken, Guide, Possible, Walked, walk};
