//! The exercise's story, retold against the solution.
extern crate solution_18 as http_client;

#[path = "../../../exercises/18_http_client/tests/story.rs"]
mod story;
