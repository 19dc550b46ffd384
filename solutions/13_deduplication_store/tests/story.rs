//! The exercise's story, retold against the solution.
extern crate solution_13 as deduplication_store;

#[path = "../../../exercises/13_deduplication_store/tests/story.rs"]
mod story;
