//! The exercise's story, retold against the solution.
extern crate solution_09 as be_the_monkey;

#[path = "../../../exercises/09_be_the_monkey/tests/story.rs"]
mod story;
