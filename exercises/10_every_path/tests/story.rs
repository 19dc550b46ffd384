//! What a suite may rely on that searches: no path is missed, a bug is found again, and nothing is judged too early.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use every_path::{explore, is_quiescent};
use kit::paths::{Doing, Explored, Trace, Verdict, World};
use kit::services::call;
use kit::{Cx, Delivery, When};
use review_board::claims::board;
use review_board::{handler_4, reference};
use story::count::many;
use story::{
    Endpoint, Failed, Fault, Faults, Final, Msg, Passed, PathEnd, Paths, Ran, Reductions, Retry, Scenario, Service,
    Size, Story, Trial, came_back,
};

/// Worlds that are nothing but choices. Every path within the bound is run, and none beyond it.
#[test]
fn every_path_is_run() {
    Trial::new("every path is run", |_| {
        let mut paths = 0;
        for (tree, arity) in TREES {
            paths += searched_whole(tree, usize::MAX, arity)?;
        }
        Ok(passed(format!("all {} of {} worlds, each as deep as it goes", many(paths as u64, "path"), TREES.len())))
    })
    .check();
}

/// In the lock's world there is one combination, of 5,040, that opens it.
#[test]
fn a_bug_on_one_path_in_five_thousand_is_found() {
    Trial::new("a bug on one path in 5,040 is found, and found again", |_| {
        let opens = |choices: &[usize]| choices == OPENS;
        let (explored, runs) = searched("a lock", OPENS.len(), arity_of_a_lock, opens)?;
        let property = "a bug on one path is found";
        let Some(choices) = &explored.violated else {
            let runs = many(runs.len() as u64, "run");
            return fails(property, format!("5,040 paths, of which {OPENS:?} has a bug; after {runs} it is not found"));
        };
        let again = traced(choices, arity_of_a_lock, opens);
        if again.verdict == Verdict::Holds {
            return fails("a bug is found again", format!("{choices:?} has no bug; it was {OPENS:?}"));
        }
        Ok(passed(format!("found after {}, by the choices {OPENS:?}", many(runs.len() as u64, "run"))))
    })
    .check();
}

/// Each path of some small worlds in turn is the one that has a bug: the first, the last, the one without a step, and those
/// that are longer than the bound.
#[test]
fn a_bug_is_found_wherever_it_is() {
    Trial::new("a bug is found wherever it is", |_| {
        let mut paths = 0;
        for (tree, bound, arity) in [TREES[0], TREES[1], TREES[2], TREES[3]]
            .map(|(tree, arity)| (tree, 5, arity))
            .into_iter()
            .chain([(WITHOUT_END, 3, arity_without_end as Arity)])
        {
            for bug in all_paths(bound, arity) {
                let has_bug = |choices: &[usize]| choices == bug;
                let (explored, runs) = searched(tree, bound, arity, has_bug)?;
                let Some(choices) = &explored.violated else {
                    let runs = many(runs.len() as u64, "run");
                    let shown = &bug[..bug.len().min(bound)];
                    let not_found =
                        format!("{tree}: the path that begins with {shown:?} has a bug; after {runs} it is not found");
                    return fails("a bug on one path is found", not_found);
                };
                if traced(choices, arity, has_bug).verdict == Verdict::Holds {
                    return fails("a bug is found again", format!("{tree}: {choices:?} has no bug; it was {bug:?}"));
                }
                paths += 1;
            }
        }
        Ok(passed(format!("on each of {} of five worlds", many(paths, "path"))))
    })
    .check();
}

/// A world without an end. The search stays within its bound, whatever that is.
#[test]
fn the_search_keeps_its_bound() {
    Trial::new("the search keeps its bound", |_| {
        let mut paths = 0;
        for bound in [0, 1, 2, 5, 8] {
            paths += searched_whole(WITHOUT_END, bound, arity_without_end)?;
        }
        Ok(passed(format!("all {} within five bounds", many(paths as u64, "path"))))
    })
    .check();
}

/// Locked, delayed, sleeping, running: every world that can be is either over, or it is not.
#[test]
fn a_run_is_over_when_nothing_can_happen_any_more() {
    Trial::new("a run is over when nothing can happen any more", |prepare| {
        let mut worlds = BTreeSet::new();
        for scenario in [crashing(), delaying(), sleeping(), acking_first(), forwarding(), acting_alone()] {
            let scenario = scenario.reductions(Reductions { returns: false, ..Reductions::ALL });
            let story = Story::new("").worlds(&[Size::ONE], move |_| scenario.clone());
            worlds.extend(story.paths(prepare, &mut |paths| paths.worlds()));
        }
        for (world, over) in &worlds {
            match (is_quiescent(world), over) {
                (true, false) => return fails("no run is judged before it is over", early(world)),
                (false, true) => return fails("a run that is over is judged", late(world)),
                (true, true) => {}
                // However long it has been quiet.
                (false, false) => {
                    let later = World { quiet_for: A_YEAR, ..world.clone() };
                    if is_quiescent(&later) {
                        return fails("no run is judged before it is over", early(&later));
                    }
                }
            }
        }
        Ok(passed(format!("right about all {} worlds", worlds.len())))
    })
    .check();
}

/// Your search instead of ours, on handlers of the review board: the same ends, and the same bug.
#[test]
fn an_earlier_story_is_searched() {
    Trial::new("your search instead of ours, on the review board", |prepare| {
        let mut remarks = Vec::new();
        for (what, story) in [
            ("two copies, one worker, one fault", board::<reference::Handler>(Size::ONE.copies(2).faults(1))),
            ("two messages, two workers", board::<reference::Handler>(Size::ONE.messages(2).workers(2))),
        ] {
            remarks.push(story.paths(prepare, &mut |paths| same_ends(what, paths))?);
        }
        let bug = board::<handler_4::Handler>(Size::ONE.messages(2).workers(2));
        remarks.push(bug.paths(prepare, &mut finds_the_bug)?);
        Ok(passed(remarks.join("\n")))
    })
    .check();
}

// The worlds that are nothing but choices: how many there are after each list of choices; 0 where the run is over.

type Arity = fn(&[usize]) -> usize;

const TREES: [(&str, Arity); 12] = [
    ("a world in which nothing happens", |_| 0),
    ("a world with one path of five steps", |choices| usize::from(choices.len() < 5)),
    ("a world of three doors, then two, then five", |choices| [3, 2, 5].get(choices.len()).copied().unwrap_or(0)),
    ("a world in which the first choice says how many follow", |choices| match choices {
        [] => 5,
        [first, rest @ ..] if rest.len() < *first => 2,
        _ => 0,
    }),
    ("a world in which runs have different lengths", |choices| match choices.iter().sum::<usize>() {
        sum if sum >= 6 || choices.len() > 8 => 0,
        sum => 1 + sum % 3,
    }),
    ("a world with a choice at every tenth of 40 steps", |choices| match choices.len() {
        40.. => 0,
        steps => {
            if steps % 10 == 9 {
                2
            } else {
                1
            }
        }
    }),
    ("a world of five doors, five times", |choices| if choices.len() < 5 { 5 } else { 0 }),
    ("a world in which the last choice decides", |choices| match (choices.len(), choices.last()) {
        (6.., _) => 0,
        (_, Some(2)) => 1,
        (_, Some(1)) => 2,
        _ => 3,
    }),
    ("a world that goes on as long as the second choice is taken", |choices| {
        if choices.len() < 30 && choices.iter().all(|choice| *choice == 1) { 2 } else { 0 }
    }),
    ("a world of two steps with 40 choices each", |choices| if choices.len() < 2 { 40 } else { 0 }),
    ("a world with a choice at every 25th of 100 steps", |choices| match choices.len() {
        100.. => 0,
        steps => 1 + usize::from(steps % 25 == 24),
    }),
    ("a world of 14 steps with two choices each", |choices| if choices.len() < 14 { 2 } else { 0 }),
];

const WITHOUT_END: &str = "a world of 40 steps with two choices each";

fn arity_without_end(choices: &[usize]) -> usize {
    if choices.len() < 40 { 2 } else { 0 }
}

/// Seven messages in any order.
fn arity_of_a_lock(choices: &[usize]) -> usize {
    7_usize.saturating_sub(choices.len())
}

const OPENS: &[usize] = &[4, 5, 2, 3, 0, 1, 0];

/// What `run` says of these choices in such a world.
fn traced(choices: &[usize], arity: impl Fn(&[usize]) -> usize, violates: impl Fn(&[usize]) -> bool) -> Trace {
    let mut trace = Trace { arity: Vec::new(), choices: Vec::new(), verdict: Verdict::Holds };
    loop {
        match arity(&trace.choices) {
            0 => break,
            many => {
                let choice = choices.get(trace.choices.len()).copied().unwrap_or(0) % many;
                trace.arity.push(many);
                trace.choices.push(choice);
            }
        }
    }
    if violates(&trace.choices) {
        trace.verdict = Verdict::Violated("the lock opens".into());
    }
    trace
}

/// All paths within a bound, by another way of searching than the exercise's.
fn all_paths(bound: usize, arity: impl Fn(&[usize]) -> usize) -> BTreeSet<Vec<usize>> {
    let (mut ahead, mut ends) = (vec![Vec::new()], BTreeSet::new());
    while let Some(choices) = ahead.pop() {
        match arity(&choices) {
            0 => drop(ends.insert(choices)),
            many if choices.len() < bound => ahead.extend((0..many).map(|next| [choices.as_slice(), &[next]].concat())),
            _ => ahead.push([choices.as_slice(), &[0]].concat()),
        }
    }
    ends
}

// What must hold of a search.

type Judged<T> = Result<T, Box<Failed>>;

/// Runs that a search may need for each path: some need more than one.
const RUNS_EACH_MAX: usize = 20;
/// More than that in any world of the review board.
const RUNS_MAX: usize = 1_000_000;

const ENDS: &str = "the search ends when every path is run";

/// Lets `explore` search such a world: what it says, and every run in order.
fn searched(
    what: &str,
    bound: usize,
    arity: impl Fn(&[usize]) -> usize,
    violates: impl Fn(&[usize]) -> bool,
) -> Judged<(Explored, Vec<Vec<usize>>)> {
    let all = all_paths(bound, &arity);
    let runs_max = 1_000 + RUNS_EACH_MAX * all.len();
    let twice = [(); 2].map(|()| {
        let mut runs = Vec::new();
        let explored = ends(bound, &mut |choices| {
            let trace = traced(choices, &arity, &violates);
            if runs.len() == runs_max {
                let (paths, runs) = (many(all.len() as u64, "path"), many(runs_max as u64, "run"));
                return fails(ENDS, format!("{what} has {paths}; after {runs} the search was not over"));
            }
            if !all.contains(&trace.choices) {
                let beyond = format!("{what}, bound {bound}: {:?} was run", trace.choices);
                return fails("no path is run beyond the bound", beyond);
            }
            runs.push(trace.choices.clone());
            Ok(trace)
        });
        explored.map(|explored| (explored, runs))
    });
    let [first, second] = twice;
    let (first, second) = (first?, second?);
    if first.1 != second.1 {
        return fails("the search is deterministic", format!("{what}, searched twice: the runs came in another order"));
    }
    Ok(first)
}

/// Searches a world that has no bug: every path within the bound is run, and no other. Without a bound, as deep as it
/// goes.
fn searched_whole(what: &str, bound: usize, arity: fn(&[usize]) -> usize) -> Judged<usize> {
    let all = all_paths(bound, arity);
    let whole = bound == usize::MAX;
    let deepest = all.iter().map(Vec::len).max().unwrap_or(0);
    let (explored, runs) = searched(what, if whole { deepest + 1 } else { bound }, arity, |_| false)?;
    let run: BTreeSet<Vec<usize>> = runs.into_iter().collect();
    if let Some(missed) = all.difference(&run).next() {
        let within = if whole { String::new() } else { format!(", within the bound {bound},") };
        let paths = many(all.len() as u64, "path");
        let missing = all.difference(&run).count();
        let missing = if missing == 1 { "1 was" } else { &format!("{missing} were") };
        let missed = &missed[..missed.len().min(bound)];
        let such_as = format!("such as the one that begins with {missed:?}");
        return fails("every path is run", format!("{what}{within} has {paths}; {missing} not run, {such_as}"));
    }
    match explored.violated {
        None => Ok(all.len()),
        Some(choices) => fails("what is found is a bug", format!("{what}: {choices:?} violates nothing")),
    }
}

/// Calls `explore`, and takes the word away from it when a run goes wrong.
fn ends(bound: usize, run: &mut dyn FnMut(&[usize]) -> Judged<Trace>) -> Judged<Explored> {
    let mut wrong = None;
    let explored = catch_unwind(AssertUnwindSafe(|| {
        explore(bound, &mut |choices| {
            came_back();
            run(choices).unwrap_or_else(|failed| {
                wrong = Some(failed);
                resume_unwind(Box::new(()))
            })
        })
    }));
    match (wrong, explored) {
        (Some(wrong), _) => Err(wrong),
        (None, Ok(explored)) => Ok(explored),
        (None, Err(panic)) => resume_unwind(panic),
    }
}

// Worlds in which a run may not be over yet.

/// However long one waits.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// Longer than anybody waits.
const THREE_DAYS: Duration = Duration::from_secs(3 * 24 * 3600);

fn message(id: &str) -> Msg {
    Msg::new(id, "Say", &"hello")
}

fn one_message<E: Endpoint>() -> Scenario {
    Scenario::new().message("queue", message("m1"), 1).endpoint::<E>("Worker", "queue", 1)
}

/// A node dies, and holds a message: it is visible again when the lock expires.
fn crashing() -> Scenario {
    Scenario::new()
        .message("queue", message("m1"), 2)
        .endpoint::<Writes>("Worker", "queue", 2)
        .faults(Faults::upto(1).only(&[Fault::Crash]))
}

/// A message is sent that is due later.
fn delaying() -> Scenario {
    one_message::<SendsLater>()
}

/// A run waits for a while.
fn sleeping() -> Scenario {
    one_message::<Sleeps>()
}

/// Runs go on whose message is gone: no queue tells of them.
fn acking_first() -> Scenario {
    Scenario::new().message("queue", message("m1"), 2).endpoint::<AcksFirst>("Worker", "queue", 2)
}

/// A second queue, with a worker of its own.
fn forwarding() -> Scenario {
    Scenario::new()
        .message("queue", message("m1"), 1)
        .endpoint::<Forwards>("Worker", "queue", 1)
        .endpoint::<AcksFirst>("Other", "others", 1)
        .faults(Faults::upto(1).only(&[Fault::Crash]))
}

/// A system that acts on its own, some time after it was called.
fn acting_alone() -> Scenario {
    let alarm = Service::new(ALARM, "0", |_, _| ("2".to_owned(), "null".to_owned()))
        .with_timer(|left| left.parse::<u8>().ok()?.checked_sub(1).map(|left| left.to_string()));
    one_message::<Calls>().service(alarm)
}

const ALARM: &str = "Alarm";

macro_rules! endpoint {
    ($name:ident($cx:ident, $delivery:ident) $body:block) => {
        #[derive(Default)]
        struct $name;
        impl Endpoint for $name {
            async fn on_message(&self, $cx: &Cx, $delivery: &Delivery) -> Result<(), Retry> {
                $body
                Ok(())
            }
        }
    };
}

endpoint! {
    Writes(cx, delivery) {
        cx.docs.put(delivery.id(), &"hello", When::Always).await?;
    }
}

endpoint! {
    SendsLater(cx, delivery) {
        if &**delivery.id() == "m1" {
            cx.bus.send_later("queue", message("m2"), THREE_DAYS).await?;
        }
    }
}

endpoint! {
    Sleeps(cx, _delivery) {
        cx.sleep(THREE_DAYS).await;
    }
}

endpoint! {
    AcksFirst(cx, delivery) {
        delivery.ack(cx).await?;
        cx.docs.put(delivery.id(), &"hello", When::Always).await?;
        cx.sleep(THREE_DAYS).await;
    }
}

endpoint! {
    Forwards(cx, _delivery) {
        cx.bus.send("others", message("m2")).await?;
        cx.bus.send_later("others", message("m3"), THREE_DAYS).await?;
    }
}

endpoint! {
    Calls(cx, _delivery) {
        call::<_, ()>(cx, ALARM, "in a while, twice").await?;
    }
}

// What must hold of a search of the review board.

/// As deep as any run of these worlds goes.
const BOUND: usize = 24;
/// A run that is longer will not end.
const STEPS_MAX: usize = 100;

/// What `run` says where the attendee decides when a run is over.
fn run_in(paths: &mut Paths<'_, '_>, choices: &[usize]) -> Judged<Ran> {
    let ran = paths.run(choices, &mut is_quiescent, STEPS_MAX);
    match &ran.end {
        PathEnd::Over => Ok(ran),
        PathEnd::Early(world) => shown(paths, &ran, "no run is judged before it is over", early(world)),
        PathEnd::NotCalled(world) => shown(paths, &ran, "a run that is over is judged", late(world)),
        PathEnd::TooLong => {
            shown(paths, &ran, "a run that is over is judged", format!("it goes on after {STEPS_MAX} steps"))
        }
    }
}

/// What came of a search of the review board.
struct Found {
    explored: Explored,
    /// The last state of every run, each once.
    ends: BTreeSet<Final>,
    runs: usize,
    time: Duration,
}

/// Searches a world by `explore`.
fn search(what: &str, paths: &mut Paths<'_, '_>) -> Judged<Found> {
    let began = Instant::now();
    let (mut found, mut runs) = (BTreeSet::new(), 0);
    let explored = ends(BOUND, &mut |choices| {
        if runs == RUNS_MAX {
            let runs = many(runs as u64, "run");
            return fails(ENDS, format!("{what}: after {runs} the search was not over"));
        }
        let ran = run_in(paths, choices)?;
        runs += 1;
        found.insert(ran.last);
        Ok(ran.run)
    })?;
    Ok(Found { explored, ends: found, runs, time: began.elapsed() })
}

/// The search comes to every end that there is, and to no other.
fn same_ends(what: &str, paths: &mut Paths<'_, '_>) -> Judged<String> {
    let Found { explored, ends, runs, time } = search(what, paths)?;
    if let Some(choices) = explored.violated {
        return fails("what is found is a bug", format!("{what}: {choices:?} violates nothing"));
    }
    let began = Instant::now();
    let (finals, states) = paths.finals();
    let ours = began.elapsed();
    let missing = finals.difference(&ends).count();
    if missing > 0 {
        let all = many(finals.len() as u64, "way");
        return fails(
            "every path is run",
            format!("{what}: the world can end in {all}; your search does not come to {missing} of them"),
        );
    }
    Ok(format!(
        "{what}: your {} come to {} ({} ms); our search visits {} instead ({} ms)",
        many(runs as u64, "run"),
        many(ends.len() as u64, "end"),
        time.as_millis(),
        many(states, "state"),
        ours.as_millis()
    ))
}

/// The search finds handler 4's bug, and finds it again by its choices.
fn finds_the_bug(paths: &mut Paths<'_, '_>) -> Judged<String> {
    let Found { explored, runs, time, .. } = search("handler 4", paths)?;
    let runs = many(runs as u64, "run");
    let Some(choices) = explored.violated else {
        return fails("a bug of handler 4 is found", format!("after {runs} it is not"));
    };
    let ran = run_in(paths, &choices)?;
    if ran.run.verdict == Verdict::Holds {
        return shown(paths, &ran, "a bug is found again", format!("{choices:?} violates nothing"));
    }
    Ok(format!("handler 4: a bug after {runs} ({} ms), and again by its choices", time.as_millis()))
}

fn early(world: &World) -> String {
    format!("something can still happen: {}\n{}", waiting(world).join(", "), told(world))
}

fn late(world: &World) -> String {
    format!("nothing can happen here any more:\n{}", told(world))
}

/// What something will still come of.
fn waiting(world: &World) -> Vec<String> {
    let mut waiting = Vec::new();
    for queue in &world.queues {
        for (copies, how) in [(queue.visible, "visible"), (queue.locked, "locked"), (queue.delayed, "delayed")] {
            if copies > 0 {
                waiting.push(format!("{} {how} in {}", many(copies as u64, "message"), queue.name));
            }
        }
    }
    for worker in world.workers.iter().filter(|worker| worker.doing != Doing::Idle) {
        waiting.push(format!("{} is {}", worker.name, format!("{:?}", worker.doing).to_lowercase()));
    }
    if world.timers > 0 {
        waiting.push(many(world.timers as u64, "timer"));
    }
    waiting
}

/// A world in words.
fn told(world: &World) -> String {
    let mut lines = Vec::new();
    for queue in &world.queues {
        let (visible, locked, delayed) = (queue.visible, queue.locked, queue.delayed);
        lines.push(format!("queue {}: {visible} visible, {locked} locked, {delayed} delayed", queue.name));
    }
    for worker in &world.workers {
        lines.push(format!("{}: {:?}", worker.name, worker.doing));
    }
    lines.push(format!("timers: {}; nothing has happened for {}", world.timers, time(world.quiet_for)));
    lines.join("\n")
}

fn time(time: Duration) -> String {
    match time.as_secs() {
        0 => "0 s".into(),
        3_600 => "an hour".into(),
        86_400 => "a day".into(),
        31_536_000 => "a year".into(),
        seconds => format!("{seconds} s"),
    }
}

fn passed(message: String) -> Passed {
    Passed { message, ..Passed::default() }
}

fn fails<T>(property: &str, explanation: String) -> Judged<T> {
    Err(Box::new(Failed::new(property, explanation)))
}

/// Fails, and shows the run.
fn shown<T>(paths: &mut Paths<'_, '_>, ran: &Ran, property: &str, explanation: String) -> Judged<T> {
    Err(Box::new(Failed::new(property, explanation).shown_by(paths.trace(&ran.run.choices))))
}
