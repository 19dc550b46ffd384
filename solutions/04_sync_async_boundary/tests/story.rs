//! The exercise's story, retold against the solution.
extern crate solution_04 as sync_async_boundary;

#[path = "../../../exercises/04_sync_async_boundary/tests/story.rs"]
mod story;
