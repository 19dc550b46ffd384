//! The exercise's story, retold against the solution.
extern crate solution_15 as tokens;

#[path = "../../../exercises/15_tokens/tests/story.rs"]
mod story;
