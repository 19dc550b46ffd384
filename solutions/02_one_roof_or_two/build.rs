//! Mounts the wrong attempts and the other correct answers for `tests/attempts.rs`.

fn main() {
    attempts::build();
}
