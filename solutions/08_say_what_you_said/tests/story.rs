//! The exercise's story, retold against the solution.
extern crate solution_08 as say_what_you_said;

#[path = "../../../exercises/08_say_what_you_said/tests/story.rs"]
mod story;
