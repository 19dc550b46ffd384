//! Mounts every file of `wrong/` and `also_correct/`, each with the story.
fn main() {
    attempts::build();
}
