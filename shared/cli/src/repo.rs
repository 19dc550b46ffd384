//! Where things are: the repository's root, cargo's target folder, an exercise's files.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::exercise::Exercise;

/// The cargo that runs this program, or else the one that is installed.
pub(crate) fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A clone of the workshop.
#[derive(Debug)]
pub(crate) struct Repo {
    root: PathBuf,
    target: OnceCell<PathBuf>,
}

impl Repo {
    /// The clone around the current folder.
    pub(crate) fn here() -> Result<Repo> {
        let here = std::env::current_dir().context("the current folder cannot be read")?;
        match here.ancestors().find(|folder| folder.join("exercises/exercises.toml").is_file()) {
            Some(root) => Ok(Repo::at(root)),
            None => bail!(
                "expected a folder of the workshop (one that has exercises/exercises.toml, or one below it), \
                 but this is {}\n  next  cd to your clone of the workshop",
                here.display()
            ),
        }
    }

    pub(crate) fn at(root: &Path) -> Repo {
        Repo { root: root.to_path_buf(), target: OnceCell::new() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        self.target.get_or_init(|| self.ask_cargo().unwrap_or_else(|| self.root.join("target")))
    }

    fn ask_cargo(&self) -> Option<PathBuf> {
        let mut command = Command::new(cargo_program());
        command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
        let output = command.current_dir(&self.root).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        Some(metadata.get("target_directory")?.as_str()?.into())
    }

    /// Where an exercise's results go; the same folder as under `cargo test`.
    pub(crate) fn reports(&self, exercise: &Exercise) -> PathBuf {
        self.target().join("workshop").join(&exercise.number)
    }

    pub(crate) fn exercise(&self, exercise: &Exercise) -> PathBuf {
        self.root.join("exercises").join(&exercise.folder)
    }

    pub(crate) fn solution(&self, exercise: &Exercise) -> PathBuf {
        self.root.join("solutions").join(&exercise.folder)
    }

    /// The one file that the attendee edits.
    pub(crate) fn answer(&self, exercise: &Exercise) -> PathBuf {
        self.exercise(exercise).join("src").join("lib.rs")
    }

    pub(crate) fn story(&self, exercise: &Exercise) -> PathBuf {
        self.exercise(exercise).join(&exercise.story)
    }

    /// A path as people read it: from the root, with `/`.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let shown = path.strip_prefix(&self.root).unwrap_or(path).display().to_string();
        if cfg!(windows) { shown.replace('\\', "/") } else { shown }
    }
}

/// Reads a text file; the error names it.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Whether two texts are the same but for their line endings.
pub(crate) fn same_lines(a: &str, b: &str) -> bool {
    a.lines().eq(b.lines())
}
