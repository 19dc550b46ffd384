//! Puts an exercise's starting point back, and loses nothing that an attendee wrote.
//!
//! The pristine copy is `solutions/NN_topic/start.rs`, because a clone may be a download without git, and `src/lib.rs`
//! is the attendee's. `verify` proves that the two are equal where nobody has worked yet.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::repo::{read, same_lines};

/// What putting it back did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PutBack {
    /// The file was the starting point already.
    Already,
    /// The file is the starting point now; the attendee's is kept here.
    Kept(PathBuf),
    /// There was no file, and now there is the starting point.
    Missing,
}

/// Makes `answer` the starting point again, after keeping what is there beside it.
pub(crate) fn put_back(answer: &Path, start: &Path) -> Result<PutBack> {
    let pristine = read(start).context("the kit's copy of the starting point is missing: is this clone complete?")?;
    let mine = match fs::read(answer) {
        Ok(mine) => mine,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            write(answer, &pristine)?;
            return Ok(PutBack::Missing);
        }
        Err(error) => bail!("cannot read {}: {error}; nothing was changed", answer.display()),
    };
    if same_lines(&String::from_utf8_lossy(&mine), &pristine) {
        return Ok(PutBack::Already);
    }
    let kept = keep(answer, &mine)?;
    write(answer, &pristine).with_context(|| format!("your file is safe at {}", kept.display()))?;
    Ok(PutBack::Kept(kept))
}

/// Writes a copy to `lib.rs.saved-1`, or the next number that is free. A copy with the same content will do.
fn keep(answer: &Path, mine: &[u8]) -> Result<PathBuf> {
    for number in 1.. {
        let mut name = answer.file_name().unwrap_or_default().to_owned();
        name.push(format!(".saved-{number}"));
        let path = answer.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                let written = file.write_all(mine).and_then(|()| file.sync_all());
                written.with_context(|| format!("cannot write {}; nothing was changed", path.display()))?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if fs::read(&path).is_ok_and(|saved| saved == mine) {
                    return Ok(path);
                }
            }
            Err(error) => bail!("cannot write {}: {error}; nothing was changed", path.display()),
        }
    }
    unreachable!("numbers do not end")
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(name: &str, mine: Option<&str>) -> (PathBuf, PathBuf) {
        let folder = crate::commands::scratch(name);
        let (answer, start) = (folder.join("lib.rs"), folder.join("start.rs"));
        fs::write(&start, "start\n").unwrap();
        if let Some(mine) = mine {
            fs::write(&answer, mine).unwrap();
        }
        (answer, start)
    }

    #[test]
    fn no_work_is_ever_lost() {
        let (answer, start) = files("start-keeps", Some("first"));
        let saved = |number| answer.with_file_name(format!("lib.rs.saved-{number}"));
        assert_eq!(put_back(&answer, &start).unwrap(), PutBack::Kept(saved(1)));
        assert_eq!(read(&answer).unwrap(), "start\n");
        fs::write(&answer, "second").unwrap();
        assert_eq!(put_back(&answer, &start).unwrap(), PutBack::Kept(saved(2)));
        assert_eq!(read(&saved(1)).unwrap(), "first");
        assert_eq!(read(&saved(2)).unwrap(), "second");
        fs::write(&answer, "first").unwrap();
        assert_eq!(put_back(&answer, &start).unwrap(), PutBack::Kept(saved(1)), "the same work is there already");
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_too() {
        let (answer, start) = files("start-bytes", None);
        fs::write(&answer, [0xff, 0xfe]).unwrap();
        put_back(&answer, &start).unwrap();
        assert_eq!(fs::read(answer.with_file_name("lib.rs.saved-1")).unwrap(), [0xff, 0xfe]);
    }

    #[test]
    fn an_untouched_or_missing_file_leaves_no_copy() {
        let (answer, start) = files("start-already", Some("start\r\n"));
        assert_eq!(put_back(&answer, &start).unwrap(), PutBack::Already);
        fs::remove_file(&answer).unwrap();
        assert_eq!(put_back(&answer, &start).unwrap(), PutBack::Missing);
        assert!(!answer.with_file_name("lib.rs.saved-1").exists());
    }

    #[test]
    fn without_a_starting_point_nothing_changes() {
        let (answer, start) = files("start-none", Some("mine"));
        fs::remove_file(&start).unwrap();
        assert!(put_back(&answer, &start).is_err());
        assert_eq!(read(&answer).unwrap(), "mine");
    }
}
