//! Tells a tale in a process of its own: the test binary starts itself again. What a handler prints does not
//! flood the terminal, and a handler that overflows its stack or never comes back gets an answer.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use explorer::Scenario;
use explorer::run::POLLED_AT_MILLIS;
use explorer::schedule::Schedule;

use crate::place::Place;
use crate::report::{Told, VerdictName};
use crate::tale::Tale;
use crate::telling;
use crate::variables;

/// A child whose handler did not come back ends with this.
const STUCK_EXIT_CODE: i32 = 86;
/// libtest ends with this when a test failed: in a child, the story itself broke, not a handler.
const TEST_FAILED_EXIT_CODE: i32 = 101;
/// How long one piece of a handler, between two operations, may compute.
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// What a child prints before the runs of the failing schedule print.
const MARK: &str = "\u{1}the failing schedule prints\u{1}\n";
/// Most bytes of a handler's own output that are shown.
const OUTPUT_BYTES_MAX: usize = 4_000;

/// Tells a tale in a process of its own, and fails the test unless it holds.
pub(crate) fn check(tale: &dyn Tale) {
    let here = format!("{}:{}", tale.told_at().file(), tale.told_at().line());
    match std::env::var(variables::STORY) {
        Ok(wanted) if wanted == here => tell_here(tale),
        Ok(_) => {} // a child that is to tell another tale of this binary
        Err(_) => match asked_schedule() {
            Some(schedule) if schedule.about("story").is_some_and(|name| name != name_of(tale)) => {}
            schedule => {
                let told = tell_in_child(tale, &here);
                // A schedule that is followed again is no news of the exercise, unless somebody wants it.
                if schedule.is_none() || std::env::var_os(variables::REPORTS).is_some() {
                    keep(tale, &told);
                }
                say(&told);
            }
        },
    }
}

/// The schedule that is to be followed instead of exploring.
///
/// # Panics
/// If it cannot be read: nobody asked for anything else.
fn asked_schedule() -> Option<Schedule> {
    let file = PathBuf::from(std::env::var_os(variables::REPLAY)?);
    let read = std::fs::read_to_string(&file).map_err(|error| error.to_string());
    let schedule = read.and_then(|text| Schedule::parse(&text));
    Some(schedule.unwrap_or_else(|error| panic!("the schedule {}: {error}", file.display())))
}

/// The name of the running test; libtest names its threads so, unless it runs one test at a time.
fn test_name() -> Option<String> {
    let name = std::thread::current().name()?.to_owned();
    (name != "main").then_some(name)
}

/// In the child: explores, and writes the result.
fn tell_here(tale: &dyn Tale) {
    let result = PathBuf::from(std::env::var_os(variables::RESULT).expect("a child knows where its result goes"));
    let name = std::env::var(variables::NAME).unwrap_or_default();
    std::thread::spawn(watch);
    let careful = std::env::var_os(variables::CAREFUL);
    let prepare = |scenario: Scenario| {
        let scenario = scenario.before_telling(|| {
            let _ = std::io::stdout().write_all(MARK.as_bytes());
            let _ = std::io::stderr().write_all(MARK.as_bytes());
        });
        let Some(how) = careful.clone() else { return scenario };
        let (result, name) = (result.clone(), name.clone());
        let place = Place::of(tale.told_at().file());
        let line = tale.told_at().line();
        scenario.before_run(Arc::new(move |trace, gets| {
            let how = how.to_string_lossy();
            write(&result, &telling::never_came_back(&place, line, &name, &how, gets, trace));
        }))
    };
    write(&result, &tale.tell(&name, asked_schedule().as_ref(), &prepare));
}

/// Ends the process when a handler computes and computes.
fn watch() {
    let mut seen = (0, Instant::now());
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let polled = POLLED_AT_MILLIS.load(Ordering::Relaxed);
        if polled == 0 || polled != seen.0 {
            seen = (polled, Instant::now());
        } else if seen.1.elapsed() > STUCK_AFTER {
            std::process::exit(STUCK_EXIT_CODE);
        }
    }
}

fn write(path: &Path, told: &Told) {
    let json = serde_json::to_string(told).expect("a report is JSON");
    std::fs::write(path, json).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

/// In the test: starts the child, waits, and reads what it left.
fn tell_in_child(tale: &dyn Tale, here: &str) -> Told {
    match spawn(tale, here, None) {
        Ended::Told(told) => *told,
        Ended::Without(how) => match spawn(tale, here, Some(how)) {
            Ended::Told(told) => *told,
            Ended::NotStarted(message) => telling::could_not_tell(tale, &name_of(tale), &message),
            // Carefully, a handler leaves word of where it was: it is other code.
            Ended::Without(how) => telling::never_returned(tale, &name_of(tale), how),
        },
        Ended::NotStarted(message) => telling::could_not_tell(tale, &name_of(tale), &message),
    }
}

enum Ended {
    Told(Box<Told>),
    Without(&'static str),
    NotStarted(String),
}

/// The story's name: that of its test, or else its claim.
fn name_of(tale: &dyn Tale) -> String {
    match test_name() {
        Some(test) => test.rsplit("::").next().unwrap_or(&test).to_owned(),
        None => tale.claim().to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_"),
    }
}

fn spawn(tale: &dyn Tale, here: &str, careful: Option<&str>) -> Ended {
    let name = name_of(tale);
    // One binary may hold many answers to one exercise, whose tests have the same names: they are counted.
    static SPAWNED: AtomicU64 = AtomicU64::new(0);
    let number = SPAWNED.fetch_add(1, Ordering::Relaxed);
    let unique = format!("workshop-{}-{number}.json", std::process::id());
    let result = std::env::temp_dir().join(unique);
    let binary = match std::env::current_exe() {
        Ok(binary) => binary,
        Err(error) => return Ended::NotStarted(format!("the test's own program cannot be found: {error}")),
    };
    let mut command = Command::new(binary);
    if let Some(test) = test_name() {
        command.args([&test, "--exact"]);
    }
    command.args(["--nocapture", "--test-threads=1"]);
    command.env(variables::STORY, here).env(variables::RESULT, &result).env(variables::NAME, &name);
    if let Some(how) = careful {
        command.env(variables::CAREFUL, how);
    }
    // What a story has to say needs no backtrace.
    command.env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ended::NotStarted(format!("the story's process cannot be started: {error}")),
    };
    let printed = [
        child.stdout.take().map(|stream| std::thread::spawn(|| after_mark(stream))),
        child.stderr.take().map(|stream| std::thread::spawn(|| after_mark(stream))),
    ];
    let status = child.wait();
    let printed: Vec<Printed> = printed.into_iter().flatten().filter_map(|reader| reader.join().ok()).collect();
    let told = std::fs::read_to_string(&result).ok().and_then(|json| serde_json::from_str::<Told>(&json).ok());
    let _ = std::fs::remove_file(&result);
    let code = status.ok().and_then(|status| status.code());
    match told {
        Some(mut told) => {
            let of_the_failing_run: Vec<String> = printed.into_iter().filter_map(|printed| printed.marked).collect();
            telling::add_output(&mut told, &of_the_failing_run);
            Ended::Told(Box::new(told))
        }
        None if code == Some(TEST_FAILED_EXIT_CODE) => {
            let last: String = printed.iter().map(|printed| printed.last.as_str()).collect();
            Ended::NotStarted(format!("the story itself broke:\n{}", what_broke(&last)))
        }
        None if code == Some(STUCK_EXIT_CODE) => Ended::Without(telling::NEVER_RETURNS),
        None if printed.iter().any(|printed| printed.last.contains("has overflowed its stack")) => {
            Ended::Without("overflows its stack")
        }
        None => Ended::Without("ends the process"),
    }
}

/// Of what a failed test printed, what it says of its panic.
fn what_broke(printed: &str) -> String {
    let Some((_, said)) = printed.split_once(" panicked at ") else { return printed.to_owned() };
    let lines: Vec<&str> = said.lines().take_while(|line| !line.starts_with("note: ") && !line.is_empty()).collect();
    format!("  {}", lines.join("\n  "))
}

/// What a child printed to one stream.
struct Printed {
    /// After the mark, without libtest's own closing words; at most [`OUTPUT_BYTES_MAX`].
    marked: Option<String>,
    /// The last words, whatever they are about.
    last: String,
}

fn after_mark(mut stream: impl Read) -> Printed {
    let (mut kept, mut last): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
    let mut marked = false;
    let mut chunk = [0; 16 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        last.extend_from_slice(&chunk[..read]);
        last.drain(..last.len().saturating_sub(OUTPUT_BYTES_MAX));
        kept.extend_from_slice(&chunk[..read]);
        // The last mark counts: a story that begins again prints another.
        let marks = kept.windows(MARK.len()).rposition(|window| window == MARK.as_bytes());
        if let Some(at) = marks {
            kept.drain(..at + MARK.len());
            marked = true;
        } else if !marked {
            kept.drain(..kept.len().saturating_sub(MARK.len()));
        }
        // Room for a mark that is cut in two by the end of a chunk.
        kept.truncate(OUTPUT_BYTES_MAX + MARK.len());
    }
    kept.truncate(OUTPUT_BYTES_MAX);
    let text = String::from_utf8_lossy(&kept).into_owned();
    let text = text.split("\ntest result:").next().unwrap_or_default().trim();
    let text = text.strip_suffix("ok").unwrap_or(text).trim().to_owned();
    Printed { marked: marked.then_some(text), last: String::from_utf8_lossy(&last).into_owned() }
}

/// Stores the report where the command line finds it.
fn keep(tale: &dyn Tale, told: &Told) {
    let folder = Place::of(tale.told_at().file()).reports();
    if std::fs::create_dir_all(&folder).is_ok() {
        write(&folder.join(format!("{}.json", told.report.story)), told);
    }
}

/// Says what came of the story, and fails the test unless it holds.
fn say(told: &Told) {
    if told.report.verdict == VerdictName::Holds {
        // Written past the test's captured output: a pass says how much it covers.
        let _ = writeln!(std::io::stderr(), "{}", told.text);
        return;
    }
    println!("{}", told.text);
    // Not a panic: there is nothing in a backtrace that the story does not say better.
    std::panic::resume_unwind(Box::new(told.report.message.clone()));
}
