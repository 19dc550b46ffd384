//! The exercise's story, retold against the solution.
extern crate solution_17 as http_server;

#[path = "../../../exercises/17_http_server/tests/story.rs"]
mod story;
