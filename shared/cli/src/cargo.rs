//! Builds test binaries with cargo, and says where they are.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::repo::{Repo, cargo_program};

/// A test binary.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    /// Its package's folder.
    pub(crate) package: PathBuf,
    /// Its target's name, such as `story`.
    pub(crate) test: String,
}

/// What a build made.
#[derive(Debug, Default)]
pub(crate) struct Built {
    pub(crate) binaries: Vec<Binary>,
    /// Whether all could be built.
    pub(crate) complete: bool,
}

impl Built {
    /// The test binaries of the package in `folder`, such as `solutions/03_lost_or_ghost`: this one, or all.
    pub(crate) fn find(&self, folder: &Path, test: Option<&str>) -> Vec<Binary> {
        // By the last two names: cargo may know the root by another path.
        let tail = |path: &Path| path.iter().rev().take(2).map(OsString::from).collect::<Vec<_>>();
        let fits =
            |binary: &&Binary| test.is_none_or(|test| binary.test == test) && tail(&binary.package) == tail(folder);
        self.binaries.iter().filter(fits).cloned().collect()
    }
}

/// How much of cargo's own output is shown on standard error. What the compiler says always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loudness {
    /// What is being compiled: for the first build, which takes a while.
    Progress,
    /// Only what the compiler says.
    Quiet,
}

/// Builds these tests (all, if none is named) of these packages, as `cargo test` does, and goes on after a package that fails.
pub(crate) fn build(repo: &Repo, packages: &[String], tests: &[&str], loudness: Loudness) -> Result<Built> {
    let mut command = Command::new(cargo_program());
    // Not `cargo test --no-run`, which stops at the first package that fails. The profile makes the binaries the same.
    command.args(["build", "--keep-going", "--profile", "test", "--message-format=json-render-diagnostics"]);
    if loudness == Loudness::Quiet {
        command.arg("--quiet");
    }
    for package in packages {
        command.args(["--package", package]);
    }
    for test in tests {
        command.args(["--test", test]);
    }
    if tests.is_empty() {
        command.arg("--tests");
    }
    command.current_dir(repo.root()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| {
        format!("cannot start {}; is cargo installed? See https://rustup.rs", cargo_program().to_string_lossy())
    })?;
    let mut built = Built::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            built.binaries.extend(binary(&line.context("cannot read what cargo says")?));
        }
    }
    built.complete = child.wait().context("cannot wait for cargo")?.success();
    Ok(built)
}

/// The test binary that a line of cargo's JSON tells of, if it does.
fn binary(line: &str) -> Option<Binary> {
    #[derive(Deserialize)]
    struct Artifact {
        reason: String,
        manifest_path: PathBuf,
        target: Target,
        profile: Profile,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        kind: Vec<String>,
        name: String,
    }
    #[derive(Deserialize)]
    struct Profile {
        test: bool,
    }
    let artifact: Artifact = serde_json::from_str(line).ok()?;
    let is_test = artifact.reason == "compiler-artifact" && artifact.profile.test && artifact.target.kind == ["test"];
    let package = artifact.manifest_path.parent()?.to_path_buf();
    is_test.then_some(Binary { path: artifact.executable?, package, test: artifact.target.name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_binary_is_found_by_its_folder() {
        let line = r#"{"reason":"compiler-artifact","package_id":"x","manifest_path":"/other/solutions/03_a/Cargo.toml",
            "target":{"kind":["test"],"crate_types":["bin"],"name":"story","src_path":"x"},
            "profile":{"opt_level":"0","test":true},"features":[],"executable":"/t/story-1","fresh":true}"#;
        let built = Built { binaries: binary(line).into_iter().collect(), complete: true };
        assert_eq!(built.find(Path::new("/kit/solutions/03_a"), None)[0].path, Path::new("/t/story-1"));
        assert_eq!(built.find(Path::new("/kit/solutions/03_a"), Some("story")).len(), 1);
        assert!(built.find(Path::new("/kit/solutions/03_a"), Some("attempts")).is_empty());
        assert!(built.find(Path::new("/kit/exercises/03_a"), Some("story")).is_empty());
        assert!(binary(r#"{"reason":"build-finished","success":true}"#).is_none());
        assert!(binary(&line.replace("\"test\":true", "\"test\":false")).is_none());
    }
}
