//! Whether a file of the repository still says what was measured.

use std::path::{Path, PathBuf};

/// Where this is set, [`file()`] writes the file. `cargo workshop verify --refresh` sets it.
pub const REFRESH: &str = "WORKSHOP_REFRESH";

/// Whoever reads a stale figure's failure does this.
const WHAT_TO_DO: &str = "cargo workshop verify --refresh";

/// A generated file is the one in the repository. `path` is from the repository's root.
///
/// # Panics
/// If it is not, unless [`REFRESH`] is set: then the file is written.
#[track_caller]
pub fn file(path: &str, text: &str) {
    compare(&root().join(path), path, text, std::env::var_os(REFRESH).is_some()).unwrap_or_else(|why| panic!("{why}"));
}

/// A text, written by hand, has this passage, whichever way its lines are broken. `path` is from the repository's root.
///
/// # Panics
/// If it has not. The text is somebody's own, so it is never written.
#[track_caller]
pub fn passage(path: &str, passage: &str) {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    assert!(has(&text, passage), "{path} does not say what was measured. Write there:\n\n{passage}\n");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("..")
}

fn compare(at: &Path, shown: &str, text: &str, refresh: bool) -> Result<(), String> {
    let found = std::fs::read_to_string(at).unwrap_or_default();
    // A checkout may have other line endings.
    if found.lines().eq(text.lines()) {
        return Ok(());
    }
    if !refresh {
        return Err(format!("{shown} is stale: `{WHAT_TO_DO}`"));
    }
    std::fs::write(at, text).map_err(|error| format!("cannot write {shown}: {error}"))
}

fn has(text: &str, passage: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    words(text).contains(&words(passage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_is_told_and_a_refresh_writes_it() {
        let at = std::env::temp_dir().join(format!("figures-fresh-{}.txt", std::process::id()));
        let compare = |text, refresh| compare(&at, "a.txt", text, refresh);
        assert_eq!(compare("1\n2\n", false), Err("a.txt is stale: `cargo workshop verify --refresh`".into()));
        assert_eq!(compare("1\n2\n", true), Ok(()));
        assert_eq!(compare("1\r\n2\r\n", false), Ok(()), "line endings are the checkout's business");
        assert!(compare("1\n3\n", false).is_err());
        std::fs::remove_file(&at).expect("it was written");
    }

    #[test]
    fn a_passage_may_be_broken_into_lines_anywhere() {
        assert!(has("It keeps\n  53 KB. More.", "It keeps 53 KB."));
        assert!(!has("It keeps 54 KB.", "It keeps 53 KB."));
    }
}
