//! The exercise's story, retold against the solution.
extern crate solution_14 as out_of_document_outbox;

#[path = "../../../exercises/14_out_of_document_outbox/tests/story.rs"]
mod story;
