//! Runs the same handlers live: in real time, on real threads, over a store and a broker in memory that fail by chance.
//!
//! - [`faults`]: how often something goes wrong, and what did.
//! - [`broker`]: queues whose copies are locked while somebody handles them.
//! - [`host`]: store, broker, clock and chance in one, and what a handler sees of them.
//!
//! Over HTTP a host reaches others through its [`Web`]; what that is, is somebody else's choice.

pub mod broker;
pub mod faults;
pub mod host;

pub use faults::{Odds, Struck};
pub use host::{Host, Tempo, Web};
