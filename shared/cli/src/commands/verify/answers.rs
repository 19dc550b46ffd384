//! What must be run: every answer of every exercise, in parallel, and what each must come to.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use explorer::count::thousands;
use story::report::VerdictName;

use super::Reasons;
use crate::cargo::{Binary, Built};
use crate::commands::wrong_attempts::Attempt;
use crate::exercise::Exercise;
use crate::repo::{Repo, read, same_lines};
use crate::screen::{green, red};
use crate::signatures::{self, Signature};
use crate::telling::{Run, Telling, Tests, verdict_name};

/// Whose answer is told.
#[derive(Clone, Debug)]
enum Answer {
    Start,
    Solution,
    Attempt(Attempt),
}

impl Answer {
    /// The larger worlds are for the solution: it is what the lectures stand on. What must die dies on the ladder that
    /// attendees climb, or that is too short; and other answers would take hours.
    fn climbs_larger_worlds(&self) -> bool {
        matches!(self, Answer::Solution)
    }

    /// The tests in which a wrong attempt is known to die.
    fn dies_at(&self, known: &[Signature]) -> Vec<String> {
        match self {
            Answer::Attempt(attempt) if attempt.is_wrong() => {
                let of_it = known.iter().filter(|signature| signature.attempt == attempt.name);
                of_it.map(|signature| format!("{}story::{}", attempt.filter(), signature.story)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A wrong attempt is to die, and those that do die early: whoever looks on learns nothing new.
    fn states_max(&self) -> Option<u32> {
        matches!(self, Answer::Attempt(attempt) if attempt.is_wrong()).then_some(STATES_OF_WRONG_MAX)
    }
}

/// Patience with one world: a slow machine is no reason to call a right answer undecided.
const SECONDS_MAX: u32 = 240;
/// Most states of one world in which a wrong attempt has to die.
const STATES_OF_WRONG_MAX: u32 = 400_000;

struct Job {
    exercise: Exercise,
    answer: Answer,
    /// Where a wrong attempt died when its signatures were written, as paths of tests. It is told there first: what
    /// it does in the stories that it survives promises nothing to anybody, and is most of the work.
    dies_at: Vec<String>,
    binaries: Vec<Binary>,
    story: String,
    reports: PathBuf,
}

impl Job {
    fn tell(&self, deep: bool) -> Result<Telling> {
        let filter = match &self.answer {
            Answer::Attempt(attempt) => Some(attempt.filter()),
            Answer::Start | Answer::Solution => None,
        };
        let tell = |tests: Tests<'_>| {
            let run = Run {
                tests,
                deep: deep && self.answer.climbs_larger_worlds(),
                states_max: self.answer.states_max(),
                seconds_max: Some(SECONDS_MAX),
                ..Run::new(&self.binaries, &self.reports)
            };
            run.tell(&self.exercise, &self.story)
        };
        if !self.dies_at.is_empty() {
            let telling = tell(Tests::At(&self.dies_at))?;
            if judge(&self.answer, &self.exercise, &telling).is_none() {
                return Ok(telling);
            }
        }
        tell(filter.as_deref().map_or(Tests::All, Tests::Under))
    }
}

/// What came of one answer.
struct Told {
    exercise: String,
    answer: Answer,
    telling: Result<Telling>,
}

/// What came of all answers.
pub(super) struct Answers {
    told: Vec<Told>,
    /// What could not be built.
    missing: BTreeMap<String, Reasons>,
}

/// A row of the table, and what is off.
pub(super) struct Verified {
    start: Option<bool>,
    solution: Option<bool>,
    wrong: (usize, usize),
    also_correct: (usize, usize),
    millis: u64,
    pub(super) reasons: Reasons,
}

impl Answers {
    /// Runs every answer that could be built; a wrong attempt in `every_story`, or in those in which it is known to die,
    /// as long as it does.
    pub(super) fn gather(
        repo: &Repo,
        exercises: &[Exercise],
        attempts: &BTreeMap<String, Vec<Attempt>>,
        built: &Built,
        deep: bool,
        every_story: bool,
    ) -> Result<Answers> {
        let mut jobs = Vec::new();
        let mut missing: BTreeMap<String, Reasons> = BTreeMap::new();
        for exercise in exercises {
            let story = read(&repo.story(exercise)).unwrap_or_default();
            let home = repo.target().join("workshop").join("verify").join(&exercise.number);
            let known = match every_story {
                true => Vec::new(),
                false => signatures::parse(&read(&repo.solution(exercise).join(signatures::FILE)).unwrap_or_default()),
            };
            let mut add = |answer: Answer, folder: &Path, test: Option<&str>, reports: PathBuf| {
                let binaries = built.find(folder, test);
                if !binaries.is_empty() {
                    let (exercise, story, dies_at) = (exercise.clone(), story.clone(), answer.dies_at(&known));
                    jobs.push(Job { exercise, answer, dies_at, binaries, story, reports });
                    return;
                }
                let which = test.map_or("the tests".to_owned(), |test| format!("the tests in tests/{test}.rs"));
                let reason = format!("{which} of {} do not compile, or are not there", repo.shown(folder));
                let reasons = missing.entry(exercise.number.clone()).or_default();
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            };
            if is_untouched(repo, exercise) {
                add(Answer::Start, &repo.exercise(exercise), None, home.join("start"));
            }
            let solution = repo.solution(exercise);
            add(Answer::Solution, &solution, Some("story"), home.join("solution"));
            for attempt in attempts.get(&exercise.number).into_iter().flatten() {
                let reports = home.join(attempt.folder).join(&attempt.name);
                add(Answer::Attempt(attempt.clone()), &solution, Some("attempts"), reports);
            }
        }
        Ok(Answers { told: run_all(jobs, deep), missing })
    }

    /// The first of an exercise's worst stories, as the starting point and the solution tell it.
    pub(super) fn red_and_green(&self, number: &str) -> Option<(&str, &str)> {
        let of = |wanted: fn(&Answer) -> bool| {
            let told = self.told.iter().find(|told| told.exercise == number && wanted(&told.answer))?;
            told.telling.as_ref().ok()
        };
        let (start, solution) = (of(|a| matches!(a, Answer::Start))?, of(|a| matches!(a, Answer::Solution))?);
        let name = &start.worst()?.story;
        let text = |telling: &'_ Telling| telling.stories.iter().position(|told| told.report.story == *name);
        Some((&start.stories[text(start)?].text, &solution.stories[text(solution)?].text))
    }

    /// How many larger worlds the solutions' stories climbed.
    pub(super) fn larger_worlds(&self) -> u32 {
        let solutions = self.told.iter().filter(|told| matches!(told.answer, Answer::Solution));
        let stories = solutions.filter_map(|told| told.telling.as_ref().ok()).flat_map(|telling| &telling.stories);
        stories.map(|story| story.report.larger_worlds).sum()
    }

    /// How the wrong attempts at an exercise fail.
    pub(super) fn signatures(&self, number: &str) -> Vec<Signature> {
        let mut signatures: Vec<Signature> = Vec::new();
        for told in self.told.iter().filter(|told| told.exercise == number) {
            if let (Answer::Attempt(attempt), Ok(telling)) = (&told.answer, &told.telling)
                && attempt.is_wrong()
            {
                signatures
                    .extend(telling.stories.iter().filter_map(|story| Signature::of(&attempt.name, &story.report)));
            }
        }
        signatures.sort();
        signatures
    }

    /// What one exercise's answers come to.
    pub(super) fn judge(&self, repo: &Repo, exercise: &Exercise) -> Verified {
        let mut verified = Verified {
            start: None,
            solution: None,
            wrong: (0, 0),
            also_correct: (0, 0),
            millis: 0,
            reasons: self.missing.get(&exercise.number).cloned().unwrap_or_default(),
        };
        for told in self.told.iter().filter(|told| told.exercise == exercise.number) {
            let who = match &told.answer {
                Answer::Start => "the starting point".to_owned(),
                Answer::Solution => "the solution".to_owned(),
                Answer::Attempt(attempt) => repo.shown(&attempt.path),
            };
            let reason = match &told.telling {
                Err(error) => Some(format!("{error:#}")),
                Ok(telling) => {
                    verified.millis += telling.millis();
                    judge(&told.answer, exercise, telling)
                }
            };
            let fits = reason.is_none();
            match &told.answer {
                Answer::Start => verified.start = Some(fits),
                Answer::Solution => verified.solution = Some(fits),
                Answer::Attempt(attempt) => {
                    let count = if attempt.is_wrong() { &mut verified.wrong } else { &mut verified.also_correct };
                    count.0 += usize::from(fits);
                    count.1 += 1;
                }
            }
            verified.reasons.extend(reason.map(|reason| format!("{who} {reason}")));
        }
        verified
    }
}

impl Verified {
    /// The exercise's row of the table.
    pub(super) fn row(&self, exercise: &Exercise) -> String {
        let coloured = |fits: bool, cell: String| if fits { green(&cell) } else { red(&cell) };
        let one = |fits: Option<bool>, yes: &str, width: usize| {
            let cell = match fits {
                Some(true) => yes,
                Some(false) => "off",
                None => "not run",
            };
            coloured(fits == Some(true), format!("{cell:<width$}"))
        };
        let all = |(fit, all): (usize, usize), verb: &str| {
            coloured(fit == all && all > 0, format!("{:<14}", format!("{fit} of {all} {verb}")))
        };
        format!(
            "{:<34}  {}  {}  {}  {}  {:>6} ms",
            format!("{} {}", exercise.number, exercise.title),
            one(self.start, "red as promised", 15),
            one(self.solution, "holds", 8),
            all(self.wrong, "die"),
            all(self.also_correct, "hold"),
            thousands(self.millis)
        )
    }
}

/// Whether the attendee's file is the starting point; otherwise it says nothing about the kit.
fn is_untouched(repo: &Repo, exercise: &Exercise) -> bool {
    let start = read(&repo.solution(exercise).join("start.rs"));
    let answer = read(&repo.answer(exercise));
    matches!((start, answer), (Ok(start), Ok(answer)) if same_lines(&start, &answer))
}

/// What is off with what an answer came to, if anything.
fn judge(answer: &Answer, exercise: &Exercise, telling: &Telling) -> Option<String> {
    match answer {
        Answer::Start => must_violate_first(exercise.fails_with.as_deref().unwrap_or_default(), telling),
        Answer::Solution => must_hold(telling),
        Answer::Attempt(attempt) if attempt.is_wrong() => {
            must_violate(attempt.header.dies_by.as_deref().unwrap_or_default(), telling)
        }
        Answer::Attempt(_) => must_hold(telling),
    }
}

/// The property on which `check` would end is the promised one.
fn must_violate_first(property: &str, telling: &Telling) -> Option<String> {
    let worst = telling.worst();
    let fits = worst.is_some_and(|worst| worst.verdict == VerdictName::Violated && worst.property == property);
    (!fits).then(|| format!("should first violate \"{property}\", but {}", came_to(telling)))
}

/// Some story is violated by exactly this property.
fn must_violate(property: &str, telling: &Telling) -> Option<String> {
    (!telling.violated().contains(&property))
        .then(|| format!("should violate \"{property}\", but {}", came_to(telling)))
}

fn must_hold(telling: &Telling) -> Option<String> {
    (!telling.holds()).then(|| format!("should hold in all stories, but {}", came_to(telling)))
}

/// What came, in words.
fn came_to(telling: &Telling) -> String {
    let mut words: Vec<String> = Vec::new();
    for told in &telling.stories {
        let report = &told.report;
        let what = match report.verdict {
            VerdictName::Holds => continue,
            VerdictName::Violated if report.larger_worlds > 0 => {
                format!("\"{}\" is violated in a larger world, with {}", report.property, report.world)
            }
            VerdictName::Violated => format!("\"{}\" is violated", report.property),
            VerdictName::Vacuous => format!("\"{}\" never happens", report.property),
            VerdictName::Unrefuted => format!("{} is {}, with {}", report.story, report.message, report.world),
            other => format!("{} is {}: {}", report.story, verdict_name(other), report.message),
        };
        if !words.contains(&what) {
            words.push(what);
        }
    }
    match words.is_empty() {
        true => "every story holds".to_owned(),
        false => words.join(", and "),
    }
}

/// Runs the jobs on as many threads as there are cores.
fn run_all(jobs: Vec<Job>, deep: bool) -> Vec<Told> {
    let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get()).min(jobs.len().max(1));
    let next = AtomicUsize::new(0);
    let told: Mutex<Vec<(usize, Told)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((at, job)) = take(&jobs, &next) {
                    let telling = job.tell(deep);
                    let result = Told { exercise: job.exercise.number.clone(), answer: job.answer.clone(), telling };
                    if let Ok(mut told) = told.lock() {
                        told.push((at, result));
                        show_progress(told.len(), jobs.len());
                    }
                }
            });
        }
    });
    let mut told = told.into_inner().unwrap_or_default();
    told.sort_by_key(|(at, _)| *at);
    told.into_iter().map(|(_, told)| told).collect()
}

fn take<'a>(jobs: &'a [Job], next: &AtomicUsize) -> Option<(usize, &'a Job)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, jobs.get(at)?))
}

/// On a terminal, a line that is overwritten.
fn show_progress(done: usize, all: usize) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let end = if done == all { "\r                              \r" } else { "" };
        let _ = write!(err, "\r{done} of {all} answers explored {end}");
        let _ = err.flush();
    }
}

#[cfg(test)]
mod tests {
    use attempts::header::Header;

    use super::*;
    use crate::telling::tests::told;

    fn telling(stories: &[(VerdictName, &str)]) -> Telling {
        let stories = stories.iter().enumerate();
        Telling {
            stories: stories.map(|(at, (verdict, property))| told(&format!("s{at}"), *verdict, property)).collect(),
        }
    }

    #[test]
    fn a_wrong_attempt_dies_by_its_named_property_and_no_other() {
        let two = telling(&[(VerdictName::Violated, "p"), (VerdictName::Holds, ""), (VerdictName::Violated, "q")]);
        assert_eq!(must_violate("q", &two), None);
        let reason = must_violate("r", &two).unwrap();
        assert_eq!(reason, "should violate \"r\", but \"p\" is violated, and \"q\" is violated");
        let right = telling(&[(VerdictName::Holds, "")]);
        assert!(must_violate("p", &right).unwrap().ends_with("every story holds"));
        let vacuous = telling(&[(VerdictName::Vacuous, "p")]);
        assert!(must_violate("p", &vacuous).is_some());
    }

    #[test]
    fn a_starting_point_is_red_first_by_its_promise() {
        let two = telling(&[(VerdictName::Violated, "p"), (VerdictName::Violated, "q")]);
        assert_eq!(must_violate_first("p", &two), None);
        assert!(must_violate_first("q", &two).is_some());
        let error = telling(&[(VerdictName::Violated, "p"), (VerdictName::Error, "")]);
        assert!(must_violate_first("p", &error).is_some(), "a story that cannot be told is worse");
    }

    #[test]
    fn what_is_off_in_a_larger_world_names_that_world() {
        let off = |verdict, larger_worlds| {
            let mut telling = telling(&[(verdict, "p")]);
            let report = &mut telling.stories[0].report;
            (report.larger_worlds, report.world) = (larger_worlds, "3 messages".into());
            report.message = "undecided after 9 states".into();
            must_hold(&telling).unwrap()
        };
        assert!(off(VerdictName::Violated, 2).ends_with("\"p\" is violated in a larger world, with 3 messages"));
        assert!(off(VerdictName::Violated, 0).ends_with("\"p\" is violated"));
        assert!(off(VerdictName::Unrefuted, 1).ends_with("s0 is undecided after 9 states, with 3 messages"));
    }

    #[test]
    fn a_wrong_attempt_is_told_first_where_it_died() {
        let attempt = |folder, name: &str| {
            Answer::Attempt(Attempt { folder, name: name.into(), header: Header::default(), path: PathBuf::new() })
        };
        let known = signatures::parse("a\tone\tp\t1 put\nb\ttwo\tp\t1 put\na\tthree\tq\t1 put\n");
        let expected = ["wrong::a::story::one", "wrong::a::story::three"];
        assert_eq!(attempt("wrong", "a").dies_at(&known), expected);
        assert!(attempt("wrong", "c").dies_at(&known).is_empty());
        assert!(attempt("also_correct", "a").dies_at(&known).is_empty(), "a right answer is told in every story");
        assert!(Answer::Solution.dies_at(&known).is_empty());
    }

    #[test]
    fn the_solution_alone_climbs_the_larger_worlds() {
        assert!(Answer::Solution.climbs_larger_worlds());
        assert!(!Answer::Start.climbs_larger_worlds());
    }

    #[test]
    fn another_answer_holds_in_all_stories() {
        assert_eq!(must_hold(&telling(&[(VerdictName::Holds, "")])), None);
        assert!(must_hold(&telling(&[(VerdictName::Holds, ""), (VerdictName::Unrefuted, "")])).is_some());
        assert!(must_hold(&telling(&[])).is_some(), "no story is no proof");
    }
}
