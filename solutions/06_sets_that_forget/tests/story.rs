//! The exercise's story, retold against the solution.
extern crate solution_06 as sets_that_forget;

#[path = "../../../exercises/06_sets_that_forget/tests/story.rs"]
mod story;
