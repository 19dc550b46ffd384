//! The exercise's story, retold against the solution.
extern crate solution_12 as generic_outbox;

#[path = "../../../exercises/12_generic_outbox/tests/story.rs"]
mod story;
