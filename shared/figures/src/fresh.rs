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

/// A table in a file has this row, and no other that begins so. `path` is from the repository's root.
///
/// # Panics
/// If not, unless [`REFRESH`] is set: then the row is written in the place of the one that begins so.
#[track_caller]
pub fn row(path: &str, begins: &str, row: &str) {
    let at = root().join(path);
    let text = std::fs::read_to_string(&at).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    let fresh = with_row(&text, begins, row).unwrap_or_else(|| panic!("{path} has no row that begins with `{begins}`"));
    compare(&at, path, &fresh, std::env::var_os(REFRESH).is_some()).unwrap_or_else(|why| panic!("{why}"));
}

/// The text with this row in the place of the one that begins so.
fn with_row(text: &str, begins: &str, row: &str) -> Option<String> {
    text.lines().any(|line| line.starts_with(begins)).then(|| {
        let lines = text.lines().map(|line| if line.starts_with(begins) { row } else { line });
        lines.flat_map(|line| [line, "\n"]).collect()
    })
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
    fn a_row_is_replaced_by_the_one_that_begins_like_it() {
        assert_eq!(with_row("| a |\n| b | 1 |\n", "| b |", "| b | 2 |"), Some("| a |\n| b | 2 |\n".into()));
        assert_eq!(with_row("| a |\n", "| b |", "| b | 2 |"), None);
    }

    #[test]
    fn a_passage_may_be_broken_into_lines_anywhere() {
        assert!(has("It keeps\n  53 KB. More.", "It keeps 53 KB."));
        assert!(!has("It keeps 54 KB.", "It keeps 53 KB."));
    }
}
