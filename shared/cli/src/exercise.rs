//! One of the eighteen exercises, as `exercises/exercises.toml` describes it.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exercise {
    /// Such as `03`.
    #[serde(skip)]
    pub(crate) number: String,
    pub(crate) title: String,
    /// Such as `03_lost_or_ghost`.
    pub(crate) folder: String,
    pub(crate) part: u8,
    pub(crate) day: u8,
    pub(crate) minutes: u32,
    pub(crate) lecture: Option<String>,
    pub(crate) spec: Option<String>,
    /// The test, from the exercise's folder.
    pub(crate) story: String,
    /// The property that the starting point violates first.
    pub(crate) fails_with: Option<String>,
    /// The least number of wrong attempts.
    #[serde(default)]
    pub(crate) wrong: usize,
    /// The least number of other correct answers.
    #[serde(default)]
    pub(crate) also_correct: usize,
    #[serde(default)]
    pub(crate) status: Status,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    #[default]
    Ready,
    Planned,
}

impl Exercise {
    /// `lost_or_ghost` of `03_lost_or_ghost`: the library's name, and the name under which progress is kept.
    pub(crate) fn topic(&self) -> &str {
        attempts::topic_of(&self.folder).unwrap_or(&self.folder)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.status == Status::Ready
    }

    /// `exercise 03 · Lost or ghost`.
    pub(crate) fn heading(&self) -> String {
        format!("exercise {} · {}", self.number, self.title)
    }
}
