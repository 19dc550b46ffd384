//! Paths: runs of a world by a list of choices, for a search that somebody else makes (exercise 10).

use std::collections::BTreeSet;
use std::time::Duration;

use kit::paths::{Doing, Queue, Trace as Run, Verdict, Worker, World};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::action::ActionKind;
use crate::history::{End, IDLE};
use crate::layout::{Actor, DOCUMENTS, EXTRA, JOURNAL, NODE, SERVICES};
use crate::narrate::Teller;
use crate::operation::Kind;
use crate::property::Properties;
use crate::reductions::Reductions;
use crate::scenario::Scenario;
use crate::search::{Search, with_enough};
use crate::steps::Steps;
use crate::trace::Trace;

/// How long the visibility timeout is that a dead worker's copy waits for. The world does not count it; `quiet_for` does.
const LOCK: Duration = Duration::from_secs(30);
/// How long nothing has happened where nothing will.
const AN_HOUR: Duration = Duration::from_secs(3600);
/// How long nothing may have happened where something still will: a message is due tomorrow, a store is slow.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// A final state, by what it holds: documents, facts, services.
pub type Final = (u32, u32, u32);

/// The paths of one world.
pub struct Paths<'s, 'a> {
    search: &'s mut Search<'a>,
    /// Every state that a run came to: a search comes to most of them often.
    stops: Vec<Stop>,
    /// Their places, by their words.
    places: FxHashMap<Vec<u32>, usize>,
}

/// A state on the way.
struct Stop {
    words: Vec<u32>,
    world: World,
    /// The states that can follow: their words, and their places once somebody came there.
    next: Vec<(Vec<u32>, Option<usize>)>,
    /// Something other than a fault can follow.
    free: bool,
    /// What is wrong here, whatever follows.
    wrong: Option<String>,
    /// What is wrong if the run is over here, once that was asked.
    wrong_at_the_end: Option<Option<String>>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// What a search may know of it.
    pub run: Run,
    /// How it ended.
    pub end: PathEnd,
    /// Its last state.
    pub last: Final,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathEnd {
    /// It was called over, and it was.
    Over,
    /// It was called over, but something can still happen there.
    Early(World),
    /// Nothing can happen there, and it was not called over.
    NotCalled(World),
    /// It went on for more steps than it may have.
    TooLong,
}

/// Lets somebody search a world. `with` may be called again: a world that must remember more begins again.
///
/// Workers of one endpoint are not interchangeable here: where they are, which of them is first depends on which states
/// were met before, and the same choices would make another run after other runs.
pub fn paths<T>(scenario: &Scenario, properties: &Properties<'_>, with: &mut dyn FnMut(&mut Paths<'_, '_>) -> T) -> T {
    let reductions = Reductions { workers: false, ..scenario.reductions };
    let scenario = scenario.clone().reductions(reductions);
    with_enough(&scenario, properties, &mut |search| {
        with(&mut Paths { search, stops: Vec::new(), places: FxHashMap::default() })
    })
}

impl Paths<'_, '_> {
    /// Runs the world by these choices, and by the first that is possible after them. A choice that is too large counts
    /// from the beginning again. Every state is judged; where `is_over` says that the run is over, it ends, and is judged
    /// as one that is.
    pub fn run(&mut self, choices: &[usize], is_over: &mut dyn FnMut(&World) -> bool, steps_max: usize) -> Ran {
        let (mut arity, mut chosen): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut wrong = None;
        let initial = self.search.engine.initial();
        let mut at = self.place(initial);
        let end = loop {
            let stop = &self.stops[at];
            wrong = wrong.or_else(|| stop.wrong.clone());
            let over = is_over(&stop.world);
            if over || stop.next.is_empty() || chosen.len() == steps_max {
                break match (over, stop.free) {
                    (true, false) => PathEnd::Over,
                    (true, true) => PathEnd::Early(stop.world.clone()),
                    (false, _) if stop.next.is_empty() => PathEnd::NotCalled(stop.world.clone()),
                    (false, _) => PathEnd::TooLong,
                };
            }
            let choice = choices.get(chosen.len()).copied().unwrap_or(0) % stop.next.len();
            arity.push(stop.next.len());
            chosen.push(choice);
            at = self.after(at, choice);
        };
        let verdict = match wrong.or_else(|| self.wrong_at_the_end(at)) {
            None => Verdict::Holds,
            Some(wrong) => Verdict::Violated(wrong),
        };
        Ran { run: Run { arity, choices: chosen, verdict }, end, last: last(&self.stops[at].words) }
    }

    /// Every final state that there is, found by visiting each state once; and how many states there are.
    pub fn finals(&mut self) -> (BTreeSet<Final>, u64) {
        let (mut seen, mut finals) = (FxHashSet::default(), BTreeSet::new());
        let mut ahead = vec![self.search.engine.initial()];
        let mut steps = Steps::default();
        while let Some(words) = ahead.pop() {
            if !seen.insert(words.clone()) {
                continue;
            }
            self.search.engine.steps(&words, &mut steps);
            if !steps.free {
                finals.insert(last(&words));
            }
            ahead.extend(steps.iter().map(|(_, words)| words.to_vec()));
        }
        (finals, seen.len() as u64)
    }

    /// Every world that there is in this scenario, each once, and whether it is over: whether nothing but faults can
    /// happen. One that is not over is there once more after a day in which nothing has happened.
    pub fn worlds(&mut self) -> BTreeSet<(World, bool)> {
        let mut worlds = BTreeSet::new();
        let initial = self.search.engine.initial();
        self.place(initial);
        let mut at = 0; // places are given in the order in which somebody comes there first
        while at < self.stops.len() {
            for choice in 0..self.stops[at].next.len() {
                self.after(at, choice);
            }
            let Stop { world, free, .. } = &self.stops[at];
            worlds.insert((world.clone(), !free));
            if *free {
                worlds.insert((World { quiet_for: A_DAY, ..world.clone() }, false));
            }
            at += 1;
        }
        worlds
    }

    /// A run, told in full.
    pub fn trace(&mut self, choices: &[usize]) -> Trace {
        let mut teller = Teller::new(&mut self.search.engine);
        for choice in choices {
            teller.steps_here();
            if *choice >= teller.out.len() {
                break;
            }
            teller.take(*choice);
        }
        teller.steps_here();
        let quiescent = !teller.out.free;
        teller.finish(quiescent, true)
    }

    /// The place of a state.
    fn place(&mut self, words: Vec<u32>) -> usize {
        if let Some(at) = self.places.get(&words) {
            return *at;
        }
        let mut steps = Steps::default();
        self.search.engine.steps(&words, &mut steps);
        let world = self.world(&words, &steps);
        let next = steps.iter().map(|(_, words)| (words.to_vec(), None)).collect();
        let wrong = self.search.wrong_at(&words, false);
        let at = self.stops.len();
        self.places.insert(words.clone(), at);
        self.stops.push(Stop { words, world, next, free: steps.free, wrong, wrong_at_the_end: None });
        at
    }

    /// The place that follows by this choice.
    fn after(&mut self, at: usize, choice: usize) -> usize {
        let (words, next) = &self.stops[at].next[choice];
        if let Some(next) = next {
            return *next;
        }
        let words = words.clone();
        let next = self.place(words);
        self.stops[at].next[choice].1 = Some(next);
        next
    }

    fn wrong_at_the_end(&mut self, at: usize) -> Option<String> {
        let stop = &mut self.stops[at];
        let search = &mut *self.search;
        stop.wrong_at_the_end.get_or_insert_with(|| search.wrong_at(&stop.words, true)).clone()
    }

    fn world(&self, words: &[u32], steps: &Steps) -> World {
        let engine = &self.search.engine;
        let (layout, scenario) = (&engine.layout, engine.scenario);
        let clock = &engine.extras.value(words[EXTRA]).clock;
        let mut workers = Vec::new();
        let mut held = vec![0; scenario.queues.len()];
        for (slot, actor) in layout.actors.iter().enumerate() {
            let Actor::Worker { endpoint } = actor else { continue };
            let spec = &scenario.endpoints[*endpoint];
            let node = words[layout.slot(slot) + NODE];
            held[spec.queue] += usize::from(words[layout.slot(slot) + crate::layout::HELD] > 0);
            let sleeps = || {
                let node = engine.histories.node(node);
                let sleep = |op: u32| matches!(engine.histories.ops[op as usize].kind, Kind::Sleep);
                node.end == End::Running && node.pending.iter().all(|ask| sleep(ask.op))
            };
            let doing = match node {
                IDLE => Doing::Idle,
                _ if sleeps() => Doing::Sleeping,
                _ => Doing::Running,
            };
            let at = workers.iter().filter(|worker: &&Worker| worker.name.starts_with(&*spec.name)).count();
            let letter = if spec.workers > 1 { format!(" {}", (b'A' + at as u8) as char) } else { String::new() };
            workers.push(Worker { name: format!("{}{letter}", spec.name), doing });
        }
        let mut queues = Vec::new();
        for (at, spec) in scenario.queues.iter().enumerate().filter(|(at, _)| engine.consumed(*at)) {
            let queue = engine.queues.value(words[layout.queue(at)]);
            queues.push(Queue {
                name: spec.name.to_string(),
                visible: queue.visible().len(),
                locked: queue.locked().len() + held[at],
                delayed: clock.delayed().iter().filter(|(_, of, _)| usize::from(*of) == at).count(),
            });
        }
        let free = || steps.iter().filter(|(step, _)| step.fault.is_none()).map(|(step, _)| step.action.kind());
        let timed = |kind| {
            matches!(kind, ActionKind::DeadLockExpired | ActionKind::Due | ActionKind::Woken | ActionKind::Timer)
        };
        let quiet_for = match (free().next().is_some(), free().all(timed)) {
            (false, _) => AN_HOUR,
            (true, true) => LOCK,
            (true, false) => Duration::ZERO,
        };
        let timers = free().filter(|kind| matches!(kind, ActionKind::Timer)).count();
        World { queues, workers, timers, quiet_for }
    }
}

fn last(words: &[u32]) -> Final {
    (words[DOCUMENTS], words[JOURNAL], words[SERVICES])
}
