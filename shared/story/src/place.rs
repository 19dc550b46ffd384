//! Where a story stands, whose answer it is told against, and where its results go.

use std::path::{Path, PathBuf};

use crate::variables;

/// Whose answer a story is told against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The attendee's own file.
    Attendee,
    /// The kit's solution.
    Solution,
    /// A wrong attempt or another correct answer.
    Attempt,
}

/// Where a story stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The exercise's number, such as `03`; empty outside of the exercises.
    pub(crate) exercise: String,
    pub(crate) whose: Whose,
}

impl Place {
    /// The place of a story in this source file. Windows' separators are fine.
    pub(crate) fn of(file: &str) -> Place {
        let parts: Vec<&str> = file.split(['/', '\\']).collect();
        let whose = if parts.contains(&"out") {
            Whose::Attempt
        } else if parts.contains(&"solutions") {
            Whose::Solution
        } else {
            Whose::Attendee
        };
        let exercise = parts.iter().rev().find_map(|part| number(part)).unwrap_or_default();
        Place { exercise, whose }
    }

    /// The folder for this story's results.
    pub(crate) fn reports(&self) -> PathBuf {
        if let Some(folder) = std::env::var_os(variables::REPORTS) {
            return folder.into();
        }
        let name = match self.whose {
            _ if self.exercise.is_empty() => "other".to_owned(),
            Whose::Attendee => self.exercise.clone(),
            Whose::Solution => format!("solution-{}", self.exercise),
            Whose::Attempt => format!("attempts-{}", self.exercise),
        };
        target().join("workshop").join(name)
    }
}

/// `03_lost_or_ghost` and `solution-03-0123abcd` are of exercise 03.
fn number(part: &str) -> Option<String> {
    let (digits, rest) = match part.strip_prefix("solution-") {
        Some(rest) => (rest.get(..2)?, "_"),
        None => (part.get(..2)?, part.get(2..)?),
    };
    (rest.starts_with('_') && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.to_owned())
}

/// Cargo's target folder: a test binary lies in its `debug/deps`.
fn target() -> PathBuf {
    let binary = std::env::current_exe().unwrap_or_default();
    binary.ancestors().nth(3).map_or_else(|| PathBuf::from("target"), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_knows_its_exercise_and_whose_answer_it_judges() {
        let place = |file| {
            let place = Place::of(file);
            (place.exercise, place.whose)
        };
        assert_eq!(place("exercises/03_lost_or_ghost/tests/story.rs"), ("03".into(), Whose::Attendee));
        assert_eq!(place(r"exercises\03_lost_or_ghost\tests\story.rs"), ("03".into(), Whose::Attendee));
        let retold = "solutions/03_lost_or_ghost/tests/../../../exercises/03_lost_or_ghost/tests/story.rs";
        assert_eq!(place(retold), ("03".into(), Whose::Solution));
        let attempt = "/kit/target/debug/build/solution-03-0123abcd/out/wrong/send_first/story.rs";
        assert_eq!(place(attempt), ("03".into(), Whose::Attempt));
        assert_eq!(place("shared/story/tests/telling.rs"), (String::new(), Whose::Attendee));
    }
}
