//! The exercise's story, told against the solution.

extern crate solution_02 as one_roof_or_two;

#[path = "../../../exercises/02_one_roof_or_two/tests/story.rs"]
mod story;
