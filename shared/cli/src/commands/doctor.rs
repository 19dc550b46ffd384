//! What is installed, what is missing, and what each missing thing would give.

use std::process::{Command, Stdio};

use anyhow::Result;

use super::Outcome;
use crate::repo::{Repo, read};
use crate::screen::{bold, dim, green, red, say, yellow};

/// A program that makes more possible; any one of its names will do.
struct Optional {
    what: &'static str,
    programs: &'static [&'static str],
    version: &'static str,
    gives: &'static str,
}

const OPTIONAL: [Optional; 4] = [
    Optional {
        what: "git",
        programs: &["git"],
        version: "--version",
        gives: "updates of the workshop, and a word where a story file was edited",
    },
    Optional {
        what: "Java",
        programs: &["java"],
        version: "-version",
        gives: "TLC for the TLA+ specs, and DynamoDB Local",
    },
    Optional {
        what: "Chromium",
        programs: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        version: "--version",
        gives: "tests of the violation pages; any browser shows them",
    },
    Optional {
        what: "Docker",
        programs: &["docker"],
        version: "--version",
        gives: "real brokers and stores in containers, if you like them so",
    },
];

pub(crate) fn run() -> Result<Outcome> {
    say(bold("needed"));
    let cargo = version_of(&crate::repo::cargo_program().to_string_lossy(), "--version");
    let rustc = version_of("rustc", "--version");
    let repo = Repo::here().ok();
    let wanted = repo.as_ref().and_then(wanted_toolchain);
    let mut fit = true;
    for (what, found) in [("cargo", &cargo), ("rustc", &rustc)] {
        match (found, &wanted) {
            (None, _) => {
                fit = false;
                say(red(&format!("  ✗ {what:<10} not found; install it from https://rustup.rs")));
            }
            (Some(found), Some(wanted)) if !is_of(found, wanted) => {
                fit = false;
                say(red(&format!("  ✗ {what:<10} {found}, but rust-toolchain.toml asks for {wanted}")));
                say(format!("    next  rustup toolchain install {wanted}"));
            }
            (Some(found), _) => say(green(&format!("  ✓ {what:<10} {found}"))),
        }
    }
    match &repo {
        Some(repo) => say(green(&format!("  ✓ {:<10} {}", "workshop", repo.root().display()))),
        None => {
            fit = false;
            say(red(&format!("  ✗ {:<10} this folder is outside of a clone; cd to yours", "workshop")));
        }
    }
    say(bold("\nnot needed for any exercise"));
    for optional in &OPTIONAL {
        match optional.programs.iter().find_map(|program| version_of(program, optional.version)) {
            Some(found) => {
                say(green(&format!("  ✓ {:<10} {found}", optional.what)));
                say(dim(&format!("    {:<10} {}", "", optional.gives)));
            }
            None => say(yellow(&format!("  · {:<10} missing; it would give {}", optional.what, optional.gives))),
        }
    }
    say("");
    say(if fit { "Everything needed is here: cargo workshop" } else { "Something needed is missing: see ✗ above" });
    Ok(if fit { Outcome::Holds } else { Outcome::CouldNotRun })
}

/// The first line that a program says about its version, on either stream.
fn version_of(program: &str, argument: &str) -> Option<String> {
    let mut command = Command::new(program);
    if let Ok(repo) = Repo::here() {
        command.current_dir(repo.root());
    }
    let output = command.arg(argument).stdin(Stdio::null()).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let line = said.lines().find(|line| !line.trim().is_empty())?.trim().to_owned();
    output.status.success().then_some(line)
}

/// The channel of rust-toolchain.toml.
fn wanted_toolchain(repo: &Repo) -> Option<String> {
    let text = read(&repo.root().join("rust-toolchain.toml")).ok()?;
    let file: toml::Table = toml::from_str(&text).ok()?;
    Some(file.get("toolchain")?.get("channel")?.as_str()?.to_owned())
}

/// Whether `rustc 1.95.0 (…)` is of `1.95.0`, or of `1.95`. A channel such as `stable` says nothing about versions.
fn is_of(found: &str, wanted: &str) -> bool {
    let version = found.split_whitespace().nth(1).unwrap_or_default();
    !wanted.starts_with(|first: char| first.is_ascii_digit())
        || version == wanted
        || version.starts_with(&format!("{wanted}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_of_its_channel() {
        assert!(is_of("rustc 1.95.0 (abc 2026-03-21)", "1.95.0"));
        assert!(is_of("cargo 1.95.1", "1.95"));
        assert!(!is_of("rustc 1.9.0", "1.95"));
        assert!(is_of("rustc 1.96.0-nightly", "nightly"));
    }
}
