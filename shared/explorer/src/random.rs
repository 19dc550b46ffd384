//! Random walks, for worlds that are too large to visit: they find violations, and never prove that there is none.
//!
//! Every second walk takes any step that is possible, with equal odds. The others follow priorities: of those who can go
//! on, always the one with the highest goes on, and at a few moments of the walk, chosen before it begins, that one falls
//! behind all others. A bug that needs few changes of who runs is found by such walks with a probability that can be told.
//!
//! Source: Burckhardt, Kothari, Musuvathi and Nagarakatti, "A Randomized Scheduler with Probabilistic Guarantees of Finding
//! Bugs" (ASPLOS 2010), section 2.

use std::hash::BuildHasher;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::action::{Action, ActionKind, COPIES_MAX};
use crate::count::{many, thousands};
use crate::property::Properties;
use crate::scenario::Scenario;
use crate::search::{Search, with_enough};
use crate::steps::{Step, Steps};
use crate::verdict::{Report, Verdict};

/// How to walk at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walks {
    /// The same seed, the same walks (on machines with words of one size).
    pub seed: u64,
    /// How many.
    pub walks: u32,
    /// Most steps of one.
    pub steps_max: usize,
}

/// Changes of priority in one walk, at most.
const CHANGES_MAX: usize = 3;

/// Steps that one participant takes before another has its turn: one that tries again and again would keep all others from
/// what it waits for.
const PATIENCE: usize = 40;

/// How long the first walks are taken to be, in steps; the later ones learn from those before.
const LENGTH: usize = 60;

/// Walks at random through a world, and judges every state on the way. What is said is [`Verdict::Violated`], or that
/// nothing was refuted; never that all is well.
///
/// Within the scenario's faults and its bound of time. A walk that comes to an end with a message given up violates
/// progress; one that comes to no end violates nothing.
pub fn at_random(scenario: &Scenario, properties: &Properties<'_>, walks: &Walks) -> Report {
    with_enough(scenario, properties, &mut |search| search.wander(walks))
}

/// Chooses the steps of one walk.
struct Wanderer {
    rng: SmallRng,
    /// By participant; the higher goes on. `None`: any step will do.
    priorities: Option<Vec<u32>>,
    /// At which steps the first falls behind.
    changes: Vec<usize>,
    /// At which steps something fails.
    faults: Vec<usize>,
    last: Option<usize>,
    in_a_row: usize,
}

impl Wanderer {
    fn new(seed: u64, number: u32, participants: usize, faults_max: u8, length: usize) -> Wanderer {
        let mut rng = SmallRng::seed_from_u64(FxBuildHasher.hash_one((seed, number)));
        let priorities = (number % 2 == 1).then(|| (0..participants).map(|_| rng.random_range(1_000..2_000)).collect());
        let mut moments = |most: usize| -> Vec<usize> {
            let how_many = rng.random_range(0..=most);
            (0..how_many).map(|_| rng.random_range(0..length.max(1))).collect()
        };
        let changes = moments(CHANGES_MAX);
        // Nearly always all that may fail does: what a walk without faults shows, shorter searches have shown.
        let faults = moments(usize::from(faults_max) + 1);
        Wanderer { rng, priorities, changes, faults, last: None, in_a_row: 0 }
    }

    /// The place of the next step among those that are possible.
    fn next(&mut self, steps: &[Step], at: usize) -> Option<usize> {
        let places = |fault: bool| -> Vec<usize> {
            (0..steps.len()).filter(|place| steps[*place].fault.is_some() == fault).collect()
        };
        let (free, faults) = (places(false), places(true));
        if let Some(due) = self.faults.iter().position(|moment| *moment <= at)
            && let Some(place) = faults.choose(&mut self.rng)
        {
            self.faults.remove(due);
            return Some(*place);
        }
        let Some(priorities) = &mut self.priorities else { return free.choose(&mut self.rng).copied() };
        let who = |place: &usize| participant(steps[*place].action);
        let first = free.iter().map(who).max_by_key(|who| priorities.get(*who).copied().unwrap_or_default())?;
        self.in_a_row = if self.last == Some(first) { self.in_a_row + 1 } else { 0 };
        self.last = Some(first);
        let due = self.changes.iter().position(|moment| *moment <= at);
        if let Some(due) = due {
            self.changes.remove(due);
        }
        if (due.is_some() || self.in_a_row > PATIENCE)
            && let Some(priority) = priorities.get_mut(first)
        {
            self.in_a_row = 0;
            *priority = priority.saturating_sub(1_000).min(999).saturating_sub(at as u32 % 500);
        }
        let own: Vec<usize> = free.into_iter().filter(|place| who(place) == first).collect();
        own.choose(&mut self.rng).copied()
    }
}

/// Slots, as far as actions name them; the rest is the world: its queues, its network, its clock.
const WORLD: usize = 256;

/// Who takes a step.
fn participant(action: Action) -> usize {
    match action.kind() {
        ActionKind::DeadLockExpired
        | ActionKind::Due
        | ActionKind::Served
        | ActionKind::OutageEnds
        | ActionKind::Timer => WORLD + action.slot(),
        _ => action.slot(),
    }
}

impl Search<'_> {
    fn wander(&mut self, walks: &Walks) -> Report {
        let began = Instant::now();
        let mut seen: FxHashSet<u64> = FxHashSet::default();
        let mut out = Steps::default();
        let (mut taken, mut ended, mut walked, mut crowded) = (0_u64, 0_u32, 0_u32, 0_u32);
        let initial = self.engine.initial();
        'walks: for number in 0..walks.walks {
            if began.elapsed() > self.scenario.bounds.time {
                break;
            }
            walked += 1;
            let length = if ended < 8 { LENGTH } else { (taken / u64::from(walked)) as usize };
            let mut wanderer = Wanderer::new(walks.seed, number, 2 * WORLD, self.scenario.faults.total(), length);
            let (mut words, mut path, mut faults) = (initial.clone(), Vec::new(), 0);
            for at in 0..=walks.steps_max {
                seen.insert(FxBuildHasher.hash_one(&words));
                self.engine.steps(&words, &mut out);
                if std::mem::take(&mut self.engine.crowded) {
                    crowded += 1;
                    continue 'walks; // what can happen here cannot be told
                }
                let wrong = self.wrong_at_the_end_of_a_walk(&words, !out.free);
                if self.must_remember_more() {
                    return self.random_report(Verdict::Holds, 0, 0); // nobody reads it: this begins again
                }
                if let Some(wrong) = wrong {
                    let verdict = self.violation_on(&path, faults, wrong.claim, wrong.why, wrong.wrong, !out.free);
                    return self.random_report(verdict, seen.len(), taken);
                }
                let possible: Vec<Step> = out.iter().map(|(step, _)| *step).collect();
                let next = if at < walks.steps_max { wanderer.next(&possible, at) } else { None };
                let Some(next) = next else { break };
                let (step, after) = out.iter().nth(next).expect("a step that was chosen among them");
                path.push(step.action);
                words = after.to_vec();
                faults += u8::from(possible[next].fault.is_some());
                self.notes(&possible[next], faults);
                taken += 1;
            }
            ended += u32::from(!out.free);
        }
        if taken == 0 && crowded > 0 {
            let witness =
                format!("a walk takes a step: a queue holds more than {COPIES_MAX} copies from the beginning");
            return self.random_report(Verdict::Vacuous { witness }, seen.len(), taken);
        }
        let cut = match crowded {
            0 => String::new(),
            cut => format!(", {} cut short by a queue of more than {COPIES_MAX} copies", thousands(u64::from(cut))),
        };
        let reason = format!(
            "{} refuted nothing, and prove nothing: {} steps, {} of them came to an end{cut} (seed {})",
            many(u64::from(walked), "random walk"),
            thousands(taken),
            thousands(u64::from(ended)),
            walks.seed,
        );
        self.random_report(Verdict::Unrefuted { reason }, seen.len(), taken)
    }

    fn random_report(&self, verdict: Verdict, states: usize, steps: u64) -> Report {
        let mut report = self.report(verdict);
        report.counts.states = states as u64;
        report.counts.transitions = steps;
        report
    }
}
