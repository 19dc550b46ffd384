//! The exercise's story, retold against the solution.
extern crate solution_16 as paper_trail;

#[path = "../../../exercises/16_paper_trail/tests/story.rs"]
mod story;
