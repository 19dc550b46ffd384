//! The language in which exercises say what must hold.
//!
//! A story is a claim, a ladder of worlds, and properties:
//!
//! ```no_run
//! use story::{Client, Cx, Docs, Event, Fault, Faults, NO_LOST_MESSAGE, Scenario, Seen, Size, Story, ladder};
//! # async fn submit(_: &Cx) -> Result<(), kit::StoreErr> { Ok(()) }
//! # fn view(_: &Docs) -> bool { true }
//!
//! /// The shopper submits until somebody says yes.
//! fn shop(size: Size) -> Scenario {
//!     Scenario::new()
//!         .client(Client::new("shopper", "Storefront").calls("submit", |cx: Cx| async move { submit(&cx).await }))
//!         .faults(Faults::upto(size.faults))
//! }
//!
//! Story::new("a cart that was accepted is ordered")
//!     .worlds(ladder::CLIENTS, shop)
//!     .view(view)
//!     .sometimes(Event::Struck(Fault::SendRefused))
//!     .when_quiescent(NO_LOST_MESSAGE, "an accepted cart is ordered", |seen: &Seen<bool>| {
//!         !seen.view() || !seen.sent("orders").is_empty()
//!     })
//!     .check();
//! ```
//!
//! [`Story::check`] explores every world of the ladder, smallest first, in a child of the test's own process,
//! and fails the test with the shortest schedule that breaks a property.
//!
//! - [`story`]: the builder. `script`: what it builds.
//! - [`ladder`]: sizes of worlds, smallest first.
//! - [`properties`]: the standard properties, named once.
//! - [`seen`]: what a property may read.
//! - [`trial`]: a claim that is judged by other means.
//! - [`challenge`]: a trial of a schedule that is to break one handler; `unfold` follows such a schedule.
//! - [`serial`], [`logics`]: what must hold of whoever runs a business logic, and logics to be run.
//! - [`bank`]: somebody else's system behind HTTP, as a table of verbs.
//! - `climb`: explores the worlds, one after the other, and says what came of it.
//! - `check`, `tale`, `child`: each is told in a process of its own, so that nothing a handler does can harm the test run.
//! - [`report`]: the result as data, for the command line.
//! - [`telling`]: the result as text, for people.
//! - [`variables`]: how the command line talks to a story.

pub mod bank;
pub mod challenge;
mod check;
mod child;
mod climb;
pub mod ladder;
pub mod logics;
mod place;
pub mod properties;
pub mod report;
mod script;
pub mod seen;
pub mod serial;
pub mod story;
mod tale;
pub mod telling;
pub mod trial;
mod unfold;
pub mod variables;

pub use challenge::Challenge;
pub use explorer::count;
pub use explorer::paths::{Final, PathEnd, Paths, Ran};
pub use explorer::{Client, Event, Reductions, Scenario, Walks};
pub use kit::documents::Docs;
pub use kit::{Cx, Delivery, Endpoint, Msg, MsgId, Retry};
pub use ladder::Size;
pub use properties::*;
pub use seen::Seen;
pub use sim::participant;
pub use sim::{Fault, Faults, Limits, Service};
pub use story::{Judgement, Story, expect};
pub use trial::{Failed, Passed, Prepare, Trial, came_back};
