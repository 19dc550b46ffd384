//! The exercise's story, told against the solution.

extern crate solution_01 as two_clicks;

#[path = "../../../exercises/01_two_clicks/tests/story.rs"]
mod story;
