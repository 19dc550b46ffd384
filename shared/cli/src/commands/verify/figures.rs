//! What the lectures show: a solution's tests beside `story` and `attempts` measure it, and fail where a lecture shows
//! something else.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use figures::fresh::REFRESH;

use super::Reasons;
use crate::cargo::Built;
use crate::exercise::Exercise;
use crate::repo::Repo;

/// The tests that `answers` runs.
const JUDGED: [&str; 2] = ["story", "attempts"];

/// The names of an exercise's figures' tests.
pub(super) fn tests(repo: &Repo, exercise: &Exercise) -> Vec<String> {
    let folder = repo.solution(exercise).join("tests");
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let is_rust = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let name = |path: std::path::PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut tests: Vec<String> =
        files.filter(is_rust).filter_map(name).filter(|name| !JUDGED.contains(&name.as_str())).collect();
    tests.sort();
    tests
}

/// Which of an exercise's figures are stale; written anew if `refresh`.
pub(super) fn stale(repo: &Repo, exercise: &Exercise, built: &Built, refresh: bool) -> Result<Reasons> {
    let mut reasons = Reasons::new();
    let solution = repo.solution(exercise);
    for test in tests(repo, exercise) {
        let shown = repo.shown(&solution.join("tests").join(format!("{test}.rs")));
        let binaries = built.find(&solution, Some(&test));
        if binaries.is_empty() {
            reasons.push(format!("{shown} does not compile"));
        }
        for binary in binaries {
            if let Some(why) = failure(&binary.path, &binary.package, refresh)? {
                reasons.push(format!("{shown}: {why}"));
            }
        }
    }
    Ok(reasons)
}

/// Why a test binary fails, if it does.
fn failure(binary: &Path, package: &Path, refresh: bool) -> Result<Option<String>> {
    let mut command = Command::new(binary);
    command.current_dir(package).stdin(Stdio::null()).env_remove(REFRESH).env("RUST_BACKTRACE", "0");
    if refresh {
        command.env(REFRESH, "1");
    }
    let output = command.output().with_context(|| format!("cannot start {}", binary.display()))?;
    Ok((!output.status.success()).then(|| why(&String::from_utf8_lossy(&output.stdout))))
}

/// What a test said when it failed: what follows the line that says where it panicked.
fn why(output: &str) -> String {
    let said = output.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
    let said: Vec<&str> =
        said.take_while(|line| !line.starts_with("note: ") && !line.starts_with("failures:")).collect();
    let said = said.join("\n").trim().to_owned();
    if said.is_empty() { "fails; run it to see why".into() } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_the_test_said() {
        let output = "\nrunning 1 test\nfailures:\n\n---- a stdout ----\n\nthread 'a' (7) panicked at tests/a.rs:1:2:\n\
                      a.svg is stale: `refresh`\nnote: run with `RUST_BACKTRACE=1`\n\nfailures:\n    a\n";
        assert_eq!(why(output), "a.svg is stale: `refresh`");
        assert_eq!(why("killed"), "fails; run it to see why");
    }
}
