//! The exercise's story, retold against the solution.
extern crate solution_05 as thirty_seconds;

#[path = "../../../exercises/05_thirty_seconds/tests/story.rs"]
mod story;
