//! A violation as a self-contained HTML page that steps forward and back.

use crate::verdict::Violation;

/// What a page says beside the violation itself.
#[derive(Clone, Debug)]
pub struct Heading {
    /// The exercise's number.
    pub exercise: String,
    /// The story's claim.
    pub claim: String,
    /// The world, in words.
    pub world: String,
    /// States visited until the violation was found.
    pub states: u64,
    /// The command that replays it in the terminal.
    pub replay: String,
}

/// The page.
pub fn html(_heading: &Heading, _violation: &Violation) -> String {
    String::new()
}
