//! The exercise's story, retold against the solution.
extern crate solution_07 as remember_what_you_did;

#[path = "../../../exercises/07_remember_what_you_did/tests/story.rs"]
mod story;
