//! What the tests of an exercise tell: a story, which explores worlds, or a trial, which judges by other means.

use std::panic::Location;

use explorer::Scenario;
use explorer::schedule::Schedule;

use crate::report::Told;

/// A claim about the attendee's code, and how it is told.
pub(crate) trait Tale {
    /// The claim, in words.
    fn claim(&self) -> &str;
    /// Where in the story file it is made.
    fn told_at(&self) -> &'static Location<'static>;
    /// Tells it; where there is a schedule, only what becomes of that. `prepare` is for every world that runs
    /// attendees' code.
    fn tell(&self, name: &str, schedule: Option<&Schedule>, prepare: &dyn Fn(Scenario) -> Scenario) -> Told;
}
