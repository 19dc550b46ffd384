//! The workshop's world in memory: one document store, one broker, services, a clock, and every fault.
//!
//! Pure data: no I/O, no threads, no clock of its own. Every part is a value; a step makes a new value. Those
//! who own the steps are the explorer, which tries all of them, and the live host, which lets them happen.
//!
//! - [`documents`]: what the store holds, and what a write does to it.
//! - [`queue`]: the copies of messages that a queue holds.
//! - [`clock`]: virtual time, and messages that wait for it.
//! - [`service`]: somebody else's system, as a state and a function.
//! - [`participant`]: databases of other teams that take part in transactions, and a coordinator's log.
//! - [`journal`]: the facts that a story may read.
//! - [`faults`]: what can go wrong, and how often it may.

pub mod clock;
pub mod documents;
pub mod faults;
pub mod journal;
pub mod participant;
pub mod queue;
pub mod service;

pub use clock::Clock;
pub use documents::{Documents, Limits, Written};
pub use faults::{Fault, Faults, Spent};
pub use journal::{Fact, Journal};
pub use queue::{Copy, Queue};
pub use service::{Service, Services};
