//! The environment variables by which the command line and a story's own processes talk to a story.

/// Set to climb also the worlds that only maintainers have time for.
pub const DEEP: &str = "WORKSHOP_DEEP";
/// Set to the most states to visit in one world: what is to be violated is violated in few, or it takes too long to see.
pub const STATES_MAX: &str = "WORKSHOP_STATES_MAX";
/// Set to the seconds after which a world is given up: whoever verifies on a slow machine has more patience.
pub const SECONDS_MAX: &str = "WORKSHOP_SECONDS_MAX";
/// Set to the folder in which results go; otherwise `target/workshop/NN`.
pub const REPORTS: &str = "WORKSHOP_REPORTS";
/// Set to a schedule file: its story follows that schedule instead of exploring, all others do nothing.
pub const REPLAY: &str = "WORKSHOP_REPLAY";

/// In a child: the story that it is to tell, as `file:line`.
pub(crate) const STORY: &str = "WORKSHOP_STORY";
/// In a child: the name of the story's test.
pub(crate) const NAME: &str = "WORKSHOP_NAME";
/// In a child: the file that takes the result.
pub(crate) const RESULT: &str = "WORKSHOP_RESULT";
/// In a child that repeats the work of one that never came back: how that one ended. Leave word before each run.
pub(crate) const CAREFUL: &str = "WORKSHOP_CAREFUL";
