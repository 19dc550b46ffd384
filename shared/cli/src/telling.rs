//! Runs a test binary and reads what its stories say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};
use story::report::{StoryReport, Told, VerdictName};
use story::variables;

use crate::cargo::Binary;
use crate::exercise::Exercise;

/// What the stories of one answer said, in the order of the story file.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    pub(crate) stories: Vec<Told>,
}

/// Which tests of a binary.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tests<'a> {
    All,
    /// Those whose path begins so, such as `wrong::send_first::`.
    Under(&'a str),
    /// Those at these paths, such as `wrong::send_first::story::a_cart_is_ordered`.
    At(&'a [String]),
}

/// How to run an answer's tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// The binaries, one after the other.
    pub(crate) binaries: &'a [Binary],
    pub(crate) tests: Tests<'a>,
    /// The folder for the results; what an earlier run left there is deleted.
    pub(crate) reports: &'a Path,
    pub(crate) deep: bool,
    /// Most states to visit in one world.
    pub(crate) states_max: Option<u32>,
    /// Seconds after which a world is given up, if not as it says itself.
    pub(crate) seconds_max: Option<u32>,
    /// A schedule to follow instead of exploring.
    pub(crate) schedule: Option<&'a Path>,
}

impl<'a> Run<'a> {
    /// All tests of these binaries, as attendees run them.
    pub(crate) fn new(binaries: &'a [Binary], reports: &'a Path) -> Self {
        Run { binaries, tests: Tests::All, reports, deep: false, states_max: None, seconds_max: None, schedule: None }
    }

    /// Runs them to their end.
    pub(crate) fn tell(self, exercise: &Exercise, story_text: &str) -> Result<Telling> {
        clear(self.reports)?;
        let outputs: Vec<Output> = self.binaries.iter().map(|binary| self.run(binary)).collect::<Result<_>>()?;
        let mut telling = Telling::read(self.reports, story_text);
        for output in &outputs {
            for (test, words) in failures(&String::from_utf8_lossy(&output.stdout)) {
                let name = test.rsplit("::").next().unwrap_or(&test);
                if !telling.stories.iter().any(|told| told.report.story == name) {
                    telling.stories.push(plain_test_failed(exercise, name, &words));
                }
            }
        }
        let failed = outputs.iter().find(|output| !output.status.success());
        let unexplained = failed.filter(|_| telling.worst().is_none_or(holds));
        if let Some(output) = unexplained {
            let words = String::from_utf8_lossy(&output.stderr);
            let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it printed nothing");
            let message = format!("the tests ended with {}: {last}", output.status);
            telling.stories.push(plain(exercise, "story", VerdictName::Error, "", &message, &message));
        } else if telling.stories.is_empty() {
            let message = "no story was told: is there a test in the story file?";
            telling.stories.push(plain(exercise, "story", VerdictName::Error, "", message, message));
        }
        Ok(telling)
    }

    fn run(&self, binary: &Binary) -> Result<Output> {
        let mut command = Command::new(&binary.path);
        command.current_dir(&binary.package).env("CARGO_MANIFEST_DIR", &binary.package);
        command.env(variables::REPORTS, self.reports);
        if let Some(seconds) = self.seconds_max {
            command.env(variables::SECONDS_MAX, seconds.to_string());
        }
        if let Some(states) = self.states_max {
            command.env(variables::STATES_MAX, states.to_string());
        }
        if self.deep {
            command.env(variables::DEEP, "1");
        }
        if let Some(schedule) = self.schedule {
            command.env(variables::REPLAY, schedule);
        }
        // With one thread, libtest runs tests on the main thread, where a story does not know its name.
        let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        command.arg(format!("--test-threads={threads}"));
        match self.tests {
            Tests::All => &mut command,
            Tests::Under(path) => command.arg(path),
            Tests::At(paths) => command.arg("--exact").args(paths),
        };
        let output = command.stdin(Stdio::null()).output();
        output.with_context(|| format!("cannot run {}", binary.path.display()))
    }
}

impl Telling {
    /// What an earlier run left in this folder.
    pub(crate) fn read(reports: &Path, story_text: &str) -> Telling {
        let files = files(reports, &["json"]);
        let read = |path: &PathBuf| serde_json::from_str(&fs::read_to_string(path).ok()?).ok();
        let mut stories: Vec<Told> = files.iter().filter_map(read).collect();
        let names = story_names(story_text);
        let place = |told: &Told| names.iter().position(|name| *name == told.report.story).unwrap_or(usize::MAX);
        stories.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.report.story.cmp(&b.report.story)));
        Telling { stories }
    }

    /// The worst story; the first of them in the story file.
    pub(crate) fn worst(&self) -> Option<&StoryReport> {
        let worst = self.stories.iter().map(|told| told.report.verdict).max()?;
        self.stories.iter().map(|told| &told.report).find(|report| report.verdict == worst)
    }

    pub(crate) fn holds(&self) -> bool {
        self.worst().is_some_and(holds)
    }

    /// The properties that are violated, each once, in order.
    pub(crate) fn violated(&self) -> Vec<&str> {
        let mut violated: Vec<&str> = Vec::new();
        for told in &self.stories {
            if told.report.verdict == VerdictName::Violated && !violated.contains(&told.report.property.as_str()) {
                violated.push(&told.report.property);
            }
        }
        violated
    }

    pub(crate) fn states(&self) -> u64 {
        self.stories.iter().map(|told| told.report.states).sum()
    }

    pub(crate) fn millis(&self) -> u64 {
        self.stories.iter().map(|told| told.report.millis).sum()
    }
}

fn holds(report: &StoryReport) -> bool {
    report.verdict == VerdictName::Holds
}

/// The verdict, as JSON and people call it.
pub(crate) fn verdict_name(verdict: VerdictName) -> &'static str {
    match verdict {
        VerdictName::Holds => "holds",
        VerdictName::Vacuous => "vacuous",
        VerdictName::Unrefuted => "unrefuted",
        VerdictName::NotWritten => "not_written",
        VerdictName::Violated => "violated",
        VerdictName::Error => "error",
    }
}

/// The tests of a story file, in order.
pub(crate) fn story_names(story_text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in story_text.lines().map(str::trim) {
        is_test |= line.starts_with("#[test]");
        let Some(at) = line.find("fn ") else { continue };
        if is_test && !line.starts_with("//") {
            names.push(line[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            is_test = false;
        }
    }
    names
}

/// The tests of a story file that tell a story and leave a result. The others are plain tests.
pub(crate) fn story_tests(story_text: &str) -> Vec<String> {
    let tests = story_text.split("#[test]").skip(1).filter(|body| body.contains(".check()"));
    tests.flat_map(|body| story_names(&format!("#[test]\n{body}"))).collect()
}

/// Deletes what an earlier run left, and nothing else.
pub(crate) fn clear(reports: &Path) -> Result<()> {
    for file in files(reports, &["json", "schedule", "html"]) {
        fs::remove_file(&file).with_context(|| format!("cannot delete the old result {}", file.display()))?;
    }
    Ok(())
}

/// The files of a folder with one of these extensions, by name.
pub(crate) fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let fits = |path: &PathBuf| path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(fits).collect();
    files.sort();
    files
}

/// The failed tests that libtest tells of, each with what it printed.
fn failures(printed: &str) -> Vec<(String, String)> {
    let failed = printed.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    failed
        .map(|test| {
            let test = test.trim_end_matches(" - should panic");
            let words = printed.split_once(&format!("---- {test} stdout ----\n")).map_or("", |(_, rest)| rest);
            let end = ["\n---- ", "\nfailures:\n"].iter().filter_map(|end| words.find(end)).min();
            (test.to_owned(), words[..end.unwrap_or(words.len())].trim().to_owned())
        })
        .collect()
}

/// A test that is no story and fails: its name is the property.
fn plain_test_failed(exercise: &Exercise, name: &str, words: &str) -> Told {
    let property = name.replace('_', " ");
    let mut lines = words.lines().filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE"));
    let message = lines.clone().find(|line| !line.trim().is_empty() && !line.starts_with("thread '"));
    let message = message.or(lines.next()).unwrap_or("the test fails").trim().to_owned();
    plain(exercise, name, VerdictName::Violated, &property, &message, words)
}

fn plain(exercise: &Exercise, name: &str, verdict: VerdictName, property: &str, message: &str, words: &str) -> Told {
    let report = StoryReport {
        exercise: exercise.number.clone(),
        story: name.to_owned(),
        verdict,
        property: property.to_owned(),
        message: message.to_owned(),
        states: 0,
        transitions: 0,
        faults: 0,
        millis: 0,
        larger_worlds: 0,
        world: String::new(),
        shape: String::new(),
        schedule: None,
        page: None,
    };
    let title = if property.is_empty() { name } else { property };
    let mut text = format!("✗ {title}");
    for line in words.lines() {
        text += &format!("\n  {line}");
    }
    Told { report, text, grid: Vec::new() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A result, as the story crate would have written it.
    pub(crate) fn told(story: &str, verdict: VerdictName, property: &str) -> Told {
        let report = StoryReport {
            exercise: "03".into(),
            story: story.into(),
            verdict,
            property: property.into(),
            message: String::new(),
            states: 10,
            transitions: 20,
            faults: 1,
            millis: 3,
            larger_worlds: 0,
            world: String::new(),
            shape: String::new(),
            schedule: None,
            page: None,
        };
        Told { report, text: String::new(), grid: Vec::new() }
    }

    #[test]
    fn the_first_of_the_worst_stories_gives_the_verdict() {
        let telling = Telling {
            stories: vec![
                told("a", VerdictName::Holds, ""),
                told("b", VerdictName::Violated, "p"),
                told("c", VerdictName::Violated, "q"),
                told("d", VerdictName::Vacuous, "w"),
            ],
        };
        assert_eq!(telling.worst().unwrap().property, "p");
        assert_eq!(telling.violated(), ["p", "q"]);
        assert!(!telling.holds());
        assert!(!Telling::default().holds());
        assert_eq!((telling.states(), telling.millis()), (40, 12));
    }

    #[test]
    fn stories_come_in_the_order_of_their_file() {
        let text = "#[test]\nfn z_first() {}\n\nfn helper() {}\n/// fn\n#[test]\n#[ignore]\nfn a_second() {}";
        assert_eq!(story_names(text), ["z_first", "a_second"]);
        let text_with_check = "#[test]\nfn plain() { a(); }\n#[test]\nfn told() { s().check(); }";
        assert_eq!(story_tests(text_with_check), ["told"]);
        let folder = crate::commands::scratch("telling-order");
        for story in ["a_second", "z_first"] {
            let json = serde_json::to_string(&told(story, VerdictName::Holds, "")).unwrap();
            fs::write(folder.join(format!("{story}.json")), json).unwrap();
        }
        fs::write(folder.join("half.json"), "{").unwrap();
        let telling = Telling::read(&folder, text);
        let names: Vec<&str> = telling.stories.iter().map(|told| told.report.story.as_str()).collect();
        assert_eq!(names, ["z_first", "a_second"]);
    }

    #[test]
    fn old_results_go_and_other_files_stay() {
        let folder = crate::commands::scratch("telling-clear");
        for name in ["a.json", "a.schedule", "a.html", "notes.txt"] {
            fs::write(folder.join(name), "").unwrap();
        }
        clear(&folder).unwrap();
        assert_eq!(files(&folder, &["json", "schedule", "html", "txt"]), [folder.join("notes.txt")]);
        clear(&folder.join("not there")).unwrap();
    }

    #[test]
    fn a_plain_test_that_fails_is_told_by_its_name() {
        let printed = "test wrong::a::story::five_calls ... FAILED\ntest wrong::a::story::b ... ok\n\nfailures:\n\n\
                       ---- wrong::a::story::five_calls stdout ----\n\nthread 'five_calls' panicked at x:1:2:\n95% is not 99%\n\
                       note: run with `RUST_BACKTRACE=1`\n\n\nfailures:\n    wrong::a::story::five_calls\n";
        let (test, words) = failures(printed).remove(0);
        assert_eq!(test, "wrong::a::story::five_calls");
        assert!(words.ends_with("`RUST_BACKTRACE=1`"), "{words}");
        let catalogue =
            "[part-1]\ntitle=\"\"\n[exercise-03]\ntitle=\"\"\nfolder=\"03_a\"\npart=1\nday=1\nminutes=1\nstory=\"s\"";
        let catalogue = crate::catalogue::Catalogue::parse(catalogue).unwrap();
        let told = plain_test_failed(&catalogue.exercises[0], "five_calls", &words);
        assert_eq!((told.report.property.as_str(), told.report.message.as_str()), ("five calls", "95% is not 99%"));
    }
}
