//! The exercise's story, retold against the solution.
extern crate solution_03 as lost_or_ghost;

#[path = "../../../exercises/03_lost_or_ghost/tests/story.rs"]
mod story;
