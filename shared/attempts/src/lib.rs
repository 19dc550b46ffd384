//! Compiles a solution's wrong attempts and other correct answers into one test binary.
//!
//! An attempt is one file, a drop-in replacement of the exercise's `src/lib.rs`: `solutions/NN_topic/wrong/NAME.rs`,
//! which must die by the property that its header names, or `also_correct/NAME.rs`, which must hold. The solution's
//! `build.rs` is `fn main() { attempts::build(); }`. Its `tests/attempts.rs` includes the file that this writes:
//!
//! ```text
//! mod wrong {
//!     pub mod send_first {
//!         #[path = "/…/out/wrong/send_first/topic.rs"] pub mod topic;   // the attempt
//!         #[path = "/…/out/wrong/send_first/story.rs"] mod story;       // the exercise's story, told against it
//!     }
//! }
//! ```
//!
//! - [`header`]: what an attempt says about itself.
//! - [`mount`]: the changes to an attempt and to the story that make them modules of one binary.

use std::fs;
use std::path::{Path, PathBuf};

pub mod header;
pub mod mount;

/// The folders of a solution that hold attempts, in the order in which they are shown.
pub const FOLDERS: [&str; 2] = ["wrong", "also_correct"];

/// Called by a solution's build script: mounts every attempt. Ends the build with a message where it cannot.
pub fn build() {
    let outcome = match (std::env::var_os("CARGO_MANIFEST_DIR"), std::env::var_os("OUT_DIR")) {
        (Some(solution), Some(out)) => mount_all(Path::new(&solution), Path::new(&out)),
        _ => Err("attempts::build() is for a build script; cargo sets CARGO_MANIFEST_DIR and OUT_DIR there".into()),
    };
    match outcome {
        Ok(watched) => {
            for path in watched {
                println!("cargo::rerun-if-changed={}", path.display());
            }
        }
        Err(message) => {
            println!("cargo::error={message}");
            std::process::exit(1);
        }
    }
}

/// Mounts every attempt of the solution in this folder, and writes `attempts.rs` to `out`. Returns what the result
/// depends on.
///
/// # Errors
/// What could not be read or written, or is not named as it should be.
pub fn mount_all(solution: &Path, out: &Path) -> Result<Vec<PathBuf>, String> {
    let name = solution.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let topic = topic_of(name)
        .ok_or_else(|| format!("a solution's folder is named like 03_lost_or_ghost, but this one is `{name}`"))?;
    let story_path = solution.join("../../exercises").join(name).join("tests/story.rs");
    let story = read(&story_path)?;
    let mut watched = vec![story_path];
    let mut list = String::new();
    for folder in FOLDERS {
        let from = solution.join(folder);
        // A folder that is not there yet is watched as well: cargo then asks again each time.
        watched.push(from.clone());
        let to = out.join(folder);
        if to.exists() {
            fs::remove_dir_all(&to).map_err(|error| format!("cannot empty {}: {error}", to.display()))?;
        }
        list += &format!("mod {folder} {{\n");
        for path in files(&from)? {
            let attempt = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if !is_module_name(attempt) {
                return Err(format!(
                    "{}: an attempt's file is named like a Rust module, such as `send_first.rs`",
                    path.display()
                ));
            }
            let home = to.join(attempt);
            let (answer_file, story_file) = (home.join(format!("{topic}.rs")), home.join("story.rs"));
            fs::create_dir_all(&home).map_err(|error| format!("cannot make {}: {error}", home.display()))?;
            write(&answer_file, &mount::answer(&read(&path)?, &format!("{folder}::{attempt}::{topic}")))?;
            write(&story_file, &mount::story(&story, topic))?;
            list += &format!("    pub mod {attempt} {{\n");
            list += &format!("        #[path = {:?}]\n        pub mod {topic};\n", answer_file.display().to_string());
            list += &format!("        #[path = {:?}]\n        mod story;\n    }}\n", story_file.display().to_string());
            watched.push(path);
        }
        list += "}\n";
    }
    write(&out.join("attempts.rs"), &list)?;
    Ok(watched)
}

/// The Rust files of a folder of attempts, by name; none where there is no such folder.
///
/// # Errors
/// The folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let unreadable = |error| format!("cannot read {}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `lost_or_ghost` of `03_lost_or_ghost`.
pub fn topic_of(folder: &str) -> Option<&str> {
    let (number, topic) = folder.split_once('_')?;
    (number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit()) && is_module_name(topic)).then_some(topic)
}

fn is_module_name(name: &str) -> bool {
    let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    starts_well && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_its_topic() {
        assert_eq!(topic_of("03_lost_or_ghost"), Some("lost_or_ghost"));
        assert_eq!(topic_of("lost_or_ghost"), None);
        assert_eq!(topic_of("03_"), None);
    }
}
