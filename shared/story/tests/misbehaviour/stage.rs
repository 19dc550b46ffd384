//! Runs a story of this binary as `cargo test` would, in a process of its own, and collects what came of it.

use std::path::PathBuf;
use std::process::Command;

use story::report::Told;
use story::variables::{DEEP, REPLAY, REPORTS};

/// Set where the stories are to be told.
const ON_STAGE: &str = "STORY_TEST_ON_STAGE";

/// Tells a story, but only where it is asked for.
pub(crate) fn on_stage(tell: impl FnOnce()) {
    if std::env::var_os(ON_STAGE).is_some() {
        tell();
    }
}

/// What came of a story.
pub(crate) struct Staged {
    /// What it left for the command line.
    pub(crate) told: Told,
    /// What the terminal showed.
    pub(crate) terminal: String,
    pub(crate) passed: bool,
}

/// Runs one of `stories.rs`, with backtraces asked for.
///
/// # Panics
/// If it leaves no report.
pub(crate) fn tell(name: &str) -> Staged {
    tell_with(name, &[])
}

/// The same, in the larger worlds as well.
pub(crate) fn tell_deep(name: &str) -> Staged {
    tell_with(name, &[(DEEP, "1")])
}

fn tell_with(name: &str, variables: &[(&str, &str)]) -> Staged {
    let folder = Folder::new(name);
    let (terminal, passed) = run(name, &folder, variables);
    let report = folder.0.join(format!("{name}.json"));
    let json = std::fs::read_to_string(&report).unwrap_or_else(|error| panic!("no report: {error}\n{terminal}"));
    let told = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error} in {json}"));
    Staged { told, terminal, passed }
}

/// Runs one of them twice: first it explores, then it follows the schedule that it has found, which may be edited
/// before. Returns what the terminal showed then.
pub(crate) fn tell_and_replay(name: &str, edit: impl FnOnce(String) -> String) -> (String, bool) {
    find_and_replay(name, &[], edit)
}

/// The same, where it explores the larger worlds as well; what it has found is followed as any other schedule.
pub(crate) fn tell_deep_and_replay(name: &str) -> (String, bool) {
    find_and_replay(name, &[(DEEP, "1")], |schedule| schedule)
}

fn find_and_replay(name: &str, variables: &[(&str, &str)], edit: impl FnOnce(String) -> String) -> (String, bool) {
    let folder = Folder::new(name);
    let (terminal, _) = run(name, &folder, variables);
    let schedule = folder.0.join(format!("{name}.schedule"));
    let text = std::fs::read_to_string(&schedule).unwrap_or_else(|error| panic!("no schedule: {error}\n{terminal}"));
    std::fs::write(&schedule, edit(text)).expect("the folder is writable");
    run(name, &folder, &[(REPLAY, &schedule.to_string_lossy())])
}

fn run(name: &str, folder: &Folder, variables: &[(&str, &str)]) -> (String, bool) {
    let mut command = Command::new(std::env::current_exe().expect("a test has a binary"));
    command.args([&format!("stories::{name}"), "--exact", "--test-threads=2"]);
    command.env(ON_STAGE, "1").env(REPORTS, &folder.0).env("RUST_BACKTRACE", "1");
    command.envs(variables.iter().copied());
    let output = command.output().expect("a test can start itself");
    let terminal = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if std::env::var_os("STORY_TEST_SHOW").is_some() {
        println!("{terminal}");
    }
    (terminal.into_owned(), output.status.success())
}

/// A folder for one test's reports, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let asked_by = std::thread::current().name().unwrap_or("main").replace("::", "-");
        let folder = std::env::temp_dir().join(format!("story-test-{}-{asked_by}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the folder for temporary files is writable");
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
