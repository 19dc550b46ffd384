//! The exercise's story, retold against the solution.
extern crate solution_10 as every_path;

#[path = "../../../exercises/10_every_path/tests/story.rs"]
mod story;
