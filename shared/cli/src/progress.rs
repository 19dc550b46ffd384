//! The attendee's progress: one small text file outside git, by exercise name, so that an update or a renumbering
//! loses no tick. Deleting it loses only ticks and opened hints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::exercise::Exercise;
use crate::repo::Repo;
use crate::screen;

const FIRST_LINES: &str = "# Your progress, by exercise. Deleting this file loses only ticks and opened hints.\n\n";

/// What is remembered of each exercise, by topic.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    path: PathBuf,
    exercises: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    /// It held in all its stories once.
    pub(crate) done: bool,
    /// How many hints are open.
    pub(crate) hints: usize,
}

impl Progress {
    pub(crate) fn of(repo: &Repo) -> Progress {
        Progress::read(&repo.root().join(".workshop").join("progress.toml"))
    }

    fn read(path: &Path) -> Progress {
        let mut progress = Progress { path: path.to_path_buf(), exercises: BTreeMap::new() };
        let Ok(text) = std::fs::read_to_string(path) else { return progress };
        match toml::from_str(&text) {
            Ok(exercises) => progress.exercises = exercises,
            Err(error) => {
                let aside = path.with_extension("toml.unreadable");
                let _ = std::fs::rename(path, &aside);
                screen::note(&format!(
                    "{} could not be read ({}); it is now {}, and progress starts anew",
                    path.display(),
                    error.message(),
                    aside.display()
                ));
            }
        }
        progress
    }

    pub(crate) fn get(&self, exercise: &Exercise) -> Entry {
        self.exercises.get(exercise.topic()).copied().unwrap_or_default()
    }

    /// Remembers that the exercise held.
    pub(crate) fn tick(&mut self, exercise: &Exercise) -> Result<()> {
        self.change(exercise, |entry| entry.done = true)
    }

    /// Remembers how many hints are open.
    pub(crate) fn open_hints(&mut self, exercise: &Exercise, hints: usize) -> Result<()> {
        self.change(exercise, |entry| entry.hints = hints)
    }

    fn change(&mut self, exercise: &Exercise, change: impl FnOnce(&mut Entry)) -> Result<()> {
        let before = self.get(exercise);
        let entry = self.exercises.entry(exercise.topic().to_owned()).or_default();
        change(entry);
        if *entry == before {
            return Ok(());
        }
        self.write().with_context(|| format!("cannot write your progress to {}", self.path.display()))
    }

    fn write(&self) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // In one step, so that Ctrl-C leaves the old file or the new one.
        let new = self.path.with_extension("toml.new");
        std::fs::write(&new, format!("{FIRST_LINES}{}", toml::to_string(&self.exercises)?))?;
        std::fs::rename(&new, &self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    fn exercise(number: &str) -> Exercise {
        let text = format!(
            "[part-1]\ntitle = \"\"\n[exercise-{number}]\ntitle = \"\"\nfolder = \"{number}_lost_or_ghost\"\npart = 1\nday = 1\n\
             minutes = 1\nstory = \"tests/story.rs\"\nfails_with = \"x\"\n"
        );
        Catalogue::parse(&text).unwrap().exercises.remove(0)
    }

    #[test]
    fn a_renumbering_loses_no_tick() {
        let folder = crate::commands::scratch("progress");
        let path = folder.join("progress.toml");
        let mut progress = Progress::read(&path);
        progress.tick(&exercise("03")).unwrap();
        progress.open_hints(&exercise("03"), 2).unwrap();
        assert_eq!(Progress::read(&path).get(&exercise("07")), Entry { done: true, hints: 2 });
    }

    #[test]
    fn an_unreadable_file_is_kept_aside() {
        let folder = crate::commands::scratch("progress-unreadable");
        let path = folder.join("progress.toml");
        std::fs::write(&path, "[oops").unwrap();
        assert_eq!(Progress::read(&path).get(&exercise("03")), Entry::default());
        assert_eq!(std::fs::read_to_string(folder.join("progress.toml.unreadable")).unwrap(), "[oops");
    }
}
