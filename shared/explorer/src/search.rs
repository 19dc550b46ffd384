//! The exhaustive search: fewest faults first, then fewest steps, so that the first violation that is found is
//! already the simplest one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rustc_hash::FxHashMap;
use sim::faults::KINDS;
use sim::{Fact, Fault};

use crate::action::{Action, COPIES_MAX};
use crate::endless::{Endless, endless};
use crate::engine::{DRAWS_MAX, Engine};
use crate::history::{CodeKey, End, NodeId};
use crate::layout::{DOCUMENTS, JOURNAL, NODE, Needs, SERVICES};
use crate::narrate;
use crate::observation::{FactKind, FactsRead, Observation};
use crate::progress::FreeSteps;
use crate::property::{Met, Properties, Property};
use crate::run::{Misbehaviour, watched};
use crate::scenario::{Handles, Scenario};
use crate::schedule::Schedule;
use crate::steps::{Step, Steps};
use crate::trace::Trace;
use crate::verdict::{Counts, GridCell, Report, Verdict, Violation};
use crate::visited::{Arrival, Rank, StateId, Visited};

/// Explores every schedule and every placement of faults within the scenario's bounds.
pub fn explore(scenario: &Scenario, properties: &Properties<'_>) -> Report {
    explore_again(scenario, properties, &|| {})
}

/// Explores; `again` is called whenever it begins again, since the world must remember more: what properties said so
/// far does not count.
fn explore_again(scenario: &Scenario, properties: &Properties<'_>, again: &dyn Fn()) -> Report {
    let started = Instant::now();
    let mut needs = first_needs(scenario, properties);
    loop {
        let mut search = Search::new(scenario, properties, &needs, started);
        match search.run() {
            Ended::Needs(more) => {
                debug_assert_ne!(needs, more, "a world that begins again remembers more");
                needs = more;
                again();
            }
            Ended::Decided(verdict) => return search.report(verdict),
        }
    }
}

/// What the world must remember whatever its handlers do.
fn first_needs(scenario: &Scenario, properties: &Properties<'_>) -> Needs {
    let mut needs = Needs::default();
    if properties.can_finish.is_some() {
        for queue in scenario.queues.iter().filter(|queue| queue.deliveries_max.is_some()) {
            needs.facts.insert(FactKind::DeadLettered, &queue.name);
        }
    }
    needs
}

/// What `outcome` says of every quiescent state.
///
/// # Errors
/// The report of an exploration that could not visit every state.
pub fn outcomes(
    scenario: &Scenario,
    outcome: &(dyn Fn(&Observation<'_>) -> String + Sync),
) -> Result<BTreeSet<String>, Box<Report>> {
    let found = std::sync::Mutex::new(BTreeSet::new());
    let all = || found.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let judge = |observation: &Observation<'_>| {
        let outcome = outcome(observation);
        all().insert(outcome);
        Ok(())
    };
    let property = Property { claim: "the outcome can be told", why: "", judge: &judge };
    let properties = Properties { when_quiescent: vec![property], ..Properties::default() };
    let report = explore_again(scenario, &properties, &|| all().clear());
    match report.verdict {
        Verdict::Holds => Ok(std::mem::take(&mut all())),
        _ => Err(Box::new(report)),
    }
}

/// What a schedule does when it is followed again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The schedule, told in full.
    pub trace: Trace,
    /// The first property that it violates, if it still does: the claim, and what is wrong.
    pub violated: Option<(String, String)>,
}

/// Follows a schedule, step by step, by the steps' names.
///
/// # Errors
/// Which step cannot happen where it stands, and what can happen there.
pub fn replay(scenario: &Scenario, properties: &Properties<'_>, schedule: &Schedule) -> Result<Replayed, String> {
    with_enough(scenario, properties, &mut |search| search.follow(schedule))
}

/// Lets something be done in a world, again and again, until the world remembered all that was needed for it.
pub(crate) fn with_enough<T>(
    scenario: &Scenario,
    properties: &Properties<'_>,
    with: &mut dyn FnMut(&mut Search<'_>) -> T,
) -> T {
    let mut needs = first_needs(scenario, properties);
    loop {
        let mut search = Search::new(scenario, properties, &needs, Instant::now());
        let done = with(&mut search);
        let facts = search.asked.borrow().clone();
        match search.more_needs() {
            Some(more) => needs = more,
            None if facts.len() > needs.facts.len() => needs.facts = facts,
            None => return done,
        }
    }
}

/// What to look at when a world is too large.
const GROWS: &str = "does the code write something new at every try, such as a count? If not, shrink the story's world";
/// What to look at when a queue is too full.
const SENDS_ON: &str = "does the code send something at every try, and is there no end of tries?";
const HANDLER_PANICS: &str = "the handler does not panic";
/// A property's own code, or the attendee's view in it, panicked: it met what it did not expect.
const VIEW_PANICS: &str = "a story can read what the code shows and sends";

/// Why an end is no good one.
const GIVEN_UP: &str = "it came to an end, but not to a good one: something was given up";
const STANDS_STILL: &str = "nothing can happen any more, and a run still waits for an answer that never comes";

enum Ended {
    Decided(Verdict),
    /// The world must remember more: begin again.
    Needs(Needs),
}

/// States to expand, with their words one after the other.
#[derive(Default)]
struct Bucket {
    states: Vec<StateId>,
    words: Vec<u32>,
}

/// How a state violates a property.
pub(crate) struct Wrong {
    pub(crate) claim: String,
    pub(crate) why: String,
    pub(crate) wrong: String,
}

/// A property's judgement of an observable state.
type Judged = Result<(), (usize, String)>;

pub(crate) struct Search<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) properties: &'a Properties<'a>,
    pub(crate) engine: Engine<'a>,
    visited: Visited,
    started: Instant,
    transitions: u64,
    faults: u8,
    events: u64,
    met: Vec<bool>,
    judged: FxHashMap<(u32, u32, u32), Judged>,
    judged_quiescent: FxHashMap<(u32, u32, u32), Judged>,
    dead_lettered: FxHashMap<u32, bool>,
    pub(crate) asked: RefCell<FactsRead>,
    misbehaved: Option<Misbehaviour>,
}

impl<'a> Search<'a> {
    fn new(scenario: &'a Scenario, properties: &'a Properties<'a>, needs: &Needs, started: Instant) -> Self {
        Search {
            scenario,
            properties,
            engine: Engine::new(scenario, needs),
            visited: Visited::new(scenario.reductions.budgets, &scenario.faults),
            started,
            transitions: 0,
            faults: 0,
            events: 0,
            met: vec![false; properties.sometimes.len()],
            judged: FxHashMap::default(),
            judged_quiescent: FxHashMap::default(),
            dead_lettered: FxHashMap::default(),
            asked: RefCell::new(needs.facts.clone()),
            misbehaved: None,
        }
    }

    fn run(&mut self) -> Ended {
        let initial = self.engine.initial();
        let width = initial.len();
        // Buckets by rank. Within one number of faults, ranks are expanded in order; a fault leads to the next.
        let mut buckets: BTreeMap<Rank, Bucket> = BTreeMap::new();
        let rank = Rank::new(0, 0);
        let first = self.visited.arrive(&initial, 0, Action::BEGIN, rank, &self.engine.spents);
        buckets.insert(rank, Bucket { states: vec![first.state()], words: initial });
        let mut free_steps = FreeSteps::default();
        let mut bad: FxHashMap<StateId, NodeId> = FxHashMap::default();
        let mut steps = Steps::default();
        let mut steps_so_far = 0;
        let mut faults_so_far = 0;
        let mut expanded: u64 = 0;
        while let Some((rank, bucket)) = buckets.pop_first() {
            if rank.faults() != faults_so_far {
                if let Some(verdict) = self.decide_progress(std::mem::take(&mut free_steps)) {
                    return Ended::Decided(verdict);
                }
                faults_so_far = rank.faults();
                steps_so_far = 0;
            }
            self.faults = self.faults.max(faults_so_far);
            let step = rank.steps();
            debug_assert!(step >= steps_so_far);
            steps_so_far = step;
            let next_rank = |faults: u8| Rank::new(faults, step + 1);
            // Taken out while they are filled: one look-up a rank, not one a state.
            let mut ahead = buckets.remove(&next_rank(faults_so_far)).unwrap_or_default();
            let mut ahead_fault = buckets.remove(&next_rank(faults_so_far + 1)).unwrap_or_default();
            for (state, words) in bucket.states.iter().zip(bucket.words.chunks_exact(width)) {
                let state = *state;
                if self.visited.rank(state) != rank {
                    continue; // reached since with fewer faults or steps
                }
                if let Some(node) = bad.get(&state) {
                    return Ended::Decided(self.misbehaves(state, *node));
                }
                expanded += 1;
                if expanded & 1023 == 0
                    && let Some(verdict) = self.over_budget(&free_steps, &buckets)
                {
                    return Ended::Decided(verdict);
                }
                if let Err(failed) = self.judge(words) {
                    return self.ended_by(state, failed, false);
                }
                if let Some(before_run) = &self.scenario.before_run {
                    self.engine.histories.announce = None;
                    let trace = narrate::trace_so_far(&mut self.engine, &self.visited.path(state));
                    let before_run = before_run.clone();
                    self.engine.histories.announce = Some(Box::new(move |gets| before_run(&trace, gets)));
                }
                self.engine.steps(words, &mut steps);
                if self.engine.crowded {
                    return Ended::Decided(Verdict::Unrefuted {
                        reason: format!("a queue holds more than {COPIES_MAX} copies; {SENDS_ON}"),
                    });
                }
                if let Some(needs) = self.more_needs() {
                    return Ended::Needs(needs);
                }
                if !steps.free {
                    if let Err(failed) = self.judge_quiescent(words) {
                        return self.ended_by(state, failed, true);
                    }
                    let good = !self.has_dead_letters(words[JOURNAL]) && !self.engine.somebody_runs(words);
                    if self.properties.can_finish.is_some() && good {
                        free_steps.finishes(state);
                    }
                }
                if let Some(facts) = self.more_facts() {
                    return Ended::Needs(Needs { facts, ..self.engine.needs.clone() });
                }
                let track = self.properties.can_finish.is_some();
                if track {
                    free_steps.state(state);
                }
                self.transitions += steps.len() as u64;
                for (taken, words) in steps.iter() {
                    self.events |= taken.events;
                    let faults = faults_so_far + u8::from(taken.fault.is_some());
                    let rank = next_rank(faults);
                    let arrival = self.visited.arrive(words, state, taken.action, rank, &self.engine.spents);
                    if let Arrival::Expand(next) = arrival {
                        let bucket = if taken.fault.is_some() { &mut ahead_fault } else { &mut ahead };
                        bucket.states.push(next);
                        bucket.words.extend_from_slice(words);
                        if taken.bad {
                            bad.insert(next, taken.reached);
                        }
                    }
                    if track && taken.fault.is_none() {
                        free_steps.edge(state, arrival.state());
                    }
                }
            }
            for (faults, ahead) in [(faults_so_far, ahead), (faults_so_far + 1, ahead_fault)] {
                if !ahead.states.is_empty() {
                    buckets.insert(next_rank(faults), ahead);
                }
            }
        }
        if let Some(verdict) = self.decide_progress(free_steps) {
            return Ended::Decided(verdict);
        }
        if self.engine.saturated {
            return Ended::Decided(Verdict::Unrefuted {
                reason: format!(
                    "for one message it asked more than {DRAWS_MAX} times for an id, a random number or the time; \
                     does it do so at every try, and is there no end of tries?"
                ),
            });
        }
        self.meet_events();
        match self.met.iter().position(|met| !met) {
            Some(at) => Ended::Decided(Verdict::Vacuous { witness: self.properties.sometimes[at].claim.to_owned() }),
            None => Ended::Decided(Verdict::Holds),
        }
    }

    fn follow(&mut self, schedule: &Schedule) -> Result<Replayed, String> {
        let (path, states) = narrate::follow(&mut self.engine, schedule)?;
        let mut violated = None;
        let mut steps = Steps::default();
        for words in &states {
            self.engine.steps(words, &mut steps);
            if let Some(wrong) = self.wrong_in(words, !steps.free) {
                violated = Some((wrong.claim, wrong.wrong));
                break;
            }
        }
        let end = states.last().expect("there is a state in the beginning");
        violated = violated.or_else(|| self.broken_run(end)).or_else(|| self.stuck_at(end));
        if let Some(before_telling) = &self.scenario.before_telling {
            before_telling();
        }
        let trace = narrate::trace(&mut self.engine, &path, None, true);
        Ok(Replayed { trace, violated })
    }

    /// How a run of this state has broken off, if one has.
    pub(crate) fn broken_run(&self, words: &[u32]) -> Option<(String, String)> {
        let (layout, histories) = (&self.engine.layout, &self.engine.histories);
        let mut nodes = (0..layout.actors.len()).map(|actor| histories.node(words[layout.slot(actor) + NODE]));
        let broken = nodes.find(|node| node.end == End::Bad)?;
        Some(owned(misbehaviour_words(&histories.misbehaviours[broken.text as usize], HANDLER_PANICS)))
    }

    /// The progress that cannot be made from this state, if it cannot.
    fn stuck_at(&mut self, words: &[u32]) -> Option<(String, String)> {
        let progress = self.properties.can_finish?;
        let stuck = narrate::can_end_well(&mut self.engine, words, &ended_well) == Some(false);
        stuck.then(|| (progress.claim.to_owned(), "from here on it never comes to a good end".to_owned()))
    }

    /// The first property that a state violates, if it does, and how.
    pub(crate) fn wrong_in(&mut self, words: &[u32], quiescent: bool) -> Option<Wrong> {
        let mut judged = self.judge(words).map_err(|failed| (&self.properties.always, failed));
        if judged.is_ok() && quiescent {
            judged = self.judge_quiescent(words).map_err(|failed| (&self.properties.when_quiescent, failed));
        }
        let (properties, (at, wrong)) = judged.err()?;
        let (claim, why, wrong) = match (properties.get(at), self.misbehaved.take()) {
            (Some(property), _) => (property.claim.to_owned(), property.why.to_owned(), wrong),
            (None, Some(bad)) => {
                let (claim, wrong) = owned(misbehaviour_words(&bad, VIEW_PANICS));
                (claim, String::new(), wrong)
            }
            (None, None) => unreachable!("a judgement that did not come back says why"),
        };
        Some(Wrong { claim, why, wrong })
    }

    /// What a walk that ended in this state violates, if it does.
    pub(crate) fn wrong_at_the_end_of_a_walk(&mut self, words: &[u32], quiescent: bool) -> Option<Wrong> {
        if let Some((claim, wrong)) = self.broken_run(words) {
            return Some(Wrong { claim, why: String::new(), wrong });
        }
        let wrong = self.wrong_in(words, quiescent);
        let progress = self.properties.can_finish.filter(|_| quiescent && wrong.is_none());
        match progress {
            Some(progress) if self.has_dead_letters(words[JOURNAL]) || self.engine.somebody_runs(words) => {
                Some(Wrong {
                    claim: progress.claim.to_owned(),
                    why: progress.why.to_owned(),
                    wrong: self.no_good_end(words).to_owned(),
                })
            }
            _ => wrong,
        }
    }

    /// What a step of a walk shows counts, and how many faults that walk has so far.
    pub(crate) fn notes(&mut self, step: &Step, faults: u8) {
        self.events |= step.events;
        self.faults = self.faults.max(faults);
    }

    fn meet_events(&mut self) {
        for (witness, met) in self.properties.sometimes.iter().zip(&mut self.met) {
            if let Met::Event(event) = witness.met {
                *met |= self.events >> event.bit() & 1 == 1;
            }
        }
    }

    /// What the world must remember more than it does, if the last steps showed that.
    fn more_needs(&self) -> Option<Needs> {
        let (engine, histories) = (&self.engine, &self.engine.histories);
        let asleep = histories.sleeps && !engine.needs.sleeps;
        let clock = histories.clock_read && !engine.needs.clock;
        if !engine.more_versions && !asleep && !clock {
            return None; // nearly always, and asked after every state
        }
        let mut needs = engine.needs.clone();
        if engine.more_versions {
            needs.version_words = 2 * engine.layout.version_words;
        }
        needs.sleeps |= histories.sleeps;
        needs.clock |= histories.clock_read;
        Some(needs)
    }

    /// All facts that properties read, if the world keeps fewer.
    fn more_facts(&self) -> Option<FactsRead> {
        let asked = self.asked.borrow();
        (asked.len() > self.engine.needs.facts.len()).then(|| asked.clone())
    }

    /// True if the world must remember more than it does, for its code or for its properties.
    pub(crate) fn must_remember_more(&self) -> bool {
        self.more_needs().is_some() || self.more_facts().is_some()
    }

    fn over_budget(&self, free_steps: &FreeSteps, buckets: &BTreeMap<Rank, Bucket>) -> Option<Verdict> {
        let bounds = &self.scenario.bounds;
        let reason = if self.visited.len() > bounds.states {
            format!("its bounds allow {} states; {GROWS}", bounds.states)
        } else if self.started.elapsed() > bounds.time {
            format!("it took more than {:?}; {GROWS}", bounds.time)
        } else {
            let frontier: usize = buckets.values().map(|bucket| bucket.words.len() * 4).sum();
            let bytes = self.visited.bytes() + free_steps.bytes() + frontier;
            if bytes <= bounds.bytes {
                return None;
            }
            format!("the tables grew over {} MB; {GROWS}", bounds.bytes >> 20)
        };
        Some(Verdict::Unrefuted { reason })
    }

    // ---- judging

    fn judge(&mut self, words: &[u32]) -> Judged {
        let key = (words[DOCUMENTS], words[JOURNAL], words[SERVICES]);
        if let Some(judged) = self.judged.get(&key) {
            return judged.clone();
        }
        let judged = self.judge_by(words, false);
        self.judged.insert(key, judged.clone());
        judged
    }

    fn judge_quiescent(&mut self, words: &[u32]) -> Judged {
        let key = (words[DOCUMENTS], words[JOURNAL], words[SERVICES]);
        if let Some(judged) = self.judged_quiescent.get(&key) {
            return judged.clone();
        }
        let judged = self.judge_by(words, true);
        self.judged_quiescent.insert(key, judged.clone());
        judged
    }

    fn judge_by(&mut self, words: &[u32], quiescent: bool) -> Judged {
        let docs = self.engine.docs(words);
        let observation = self.engine.observation(words, &docs, &self.asked);
        let properties = if quiescent { &self.properties.when_quiescent } else { &self.properties.always };
        let judged = watched(|| {
            if !quiescent {
                for (witness, met) in self.properties.sometimes.iter().zip(&mut self.met) {
                    if let Met::State(reached) = &witness.met {
                        *met = *met || reached(&observation);
                    }
                }
            }
            for (at, property) in properties.iter().enumerate() {
                (property.judge)(&observation).map_err(|wrong| (at, wrong))?;
            }
            Ok(())
        });
        judged.unwrap_or_else(|bad| {
            self.misbehaved = Some(bad);
            Err((usize::MAX, String::new()))
        })
    }

    /// What is wrong in a state, if something is; with `at_the_end`, taking it for a quiescent one, whether or not it is.
    pub(crate) fn wrong_at(&mut self, words: &[u32], at_the_end: bool) -> Option<String> {
        if let Some((claim, wrong)) = self.broken_run(words) {
            return Some(format!("{claim}: {wrong}"));
        }
        let properties = self.properties;
        let (judged, properties) = match at_the_end {
            true => (self.judge_quiescent(words), &properties.when_quiescent),
            false => (self.judge(words), &properties.always),
        };
        let (at, wrong) = judged.err()?;
        Some(format!("{}: {wrong}", properties.get(at).map_or(VIEW_PANICS, |property| property.claim)))
    }

    fn has_dead_letters(&mut self, journal: u32) -> bool {
        let journals = &self.engine.journals;
        *self
            .dead_lettered
            .entry(journal)
            .or_insert_with(|| journals.value(journal).facts().any(|fact| matches!(fact, Fact::DeadLettered { .. })))
    }

    // ---- endings

    /// A property failed. If it asked for facts that the world does not keep, begin again with those.
    fn ended_by(&mut self, state: StateId, (at, wrong): (usize, String), quiescent: bool) -> Ended {
        if let Some(facts) = self.more_facts() {
            return Ended::Needs(Needs { facts, ..self.engine.needs.clone() });
        }
        if at == usize::MAX {
            let bad = self.misbehaved.take().expect("a judgement that did not come back says why");
            return Ended::Decided(self.misbehaviour(state, bad, VIEW_PANICS));
        }
        let list = if quiescent { &self.properties.when_quiescent } else { &self.properties.always };
        let Property { claim, why, .. } = list[at];
        Ended::Decided(self.violation(state, claim.to_owned(), why.to_owned(), wrong, quiescent))
    }

    fn decide_progress(&mut self, free_steps: FreeSteps) -> Option<Verdict> {
        let progress = self.properties.can_finish?;
        if self.engine.saturated {
            return None; // steps are missing, so that states may only seem to be stuck
        }
        let stuck = free_steps.stuck(self.visited.len());
        let state = *stuck.first()?;
        let mut path = self.visited.path(state);
        let words = narrate::end_of(&mut self.engine, &path);
        let Endless { steps, round } = endless(&mut self.engine, &words);
        path.extend(steps);
        let wrong = match round {
            0 => {
                let words = narrate::end_of(&mut self.engine, &path);
                self.no_good_end(&words).to_owned()
            }
            1 => "and so on, for ever: the last step leads back to where it began, though nothing fails".to_owned(),
            round => format!(
                "and so on, for ever: the last {round} steps lead back to where they began, though nothing fails"
            ),
        };
        let faults = self.visited.rank(state).faults();
        Some(self.violation_on(&path, faults, progress.claim.to_owned(), progress.why.to_owned(), wrong, true))
    }

    /// Why a state in which nothing can happen any more is no good end.
    fn no_good_end(&mut self, words: &[u32]) -> &'static str {
        if self.has_dead_letters(words[JOURNAL]) { GIVEN_UP } else { STANDS_STILL }
    }

    fn misbehaves(&mut self, state: StateId, node: NodeId) -> Verdict {
        let histories = &self.engine.histories;
        let bad = histories.misbehaviours[histories.node(node).text as usize].clone();
        self.misbehaviour(state, bad, HANDLER_PANICS)
    }

    fn misbehaviour(&mut self, state: StateId, bad: Misbehaviour, panics: &str) -> Verdict {
        if let Misbehaviour::NotWritten { message, at } = bad {
            return Verdict::NotWritten { message, at };
        }
        let (claim, wrong) = misbehaviour_words(&bad, panics);
        let mut verdict = self.violation(state, claim.to_owned(), String::new(), wrong, false);
        if let Verdict::Violated(violation) = &mut verdict {
            violation.trace.quiescent = false; // it broke off
        }
        verdict
    }

    fn violation(
        &mut self,
        state: StateId,
        property: String,
        why: String,
        explanation: String,
        looks_back: bool,
    ) -> Verdict {
        let path = self.visited.path(state);
        let faults = self.visited.rank(state).faults();
        self.violation_on(&path, faults, property, why, explanation, looks_back)
    }

    pub(crate) fn violation_on(
        &mut self,
        path: &[Action],
        faults: u8,
        property: String,
        why: String,
        explanation: String,
        looks_back: bool,
    ) -> Verdict {
        self.meet_events();
        if let Some(before_telling) = &self.scenario.before_telling {
            before_telling();
        }
        let judge = self.good_end();
        let judge: &narrate::GoodEnd<'_> = &judge;
        let trace = narrate::trace(&mut self.engine, path, looks_back.then_some(judge), true);
        Verdict::Violated(Box::new(Violation { property, why, explanation, trace, faults }))
    }

    /// Tells whether a quiescent state is a good end.
    fn good_end(&self) -> impl Fn(&Engine<'_>, &[u32]) -> bool + use<'a> {
        let properties = self.properties;
        move |engine: &Engine<'_>, words: &[u32]| {
            let (docs, asked) = (engine.docs(words), RefCell::new(FactsRead::default()));
            let observation = engine.observation(words, &docs, &asked);
            let all = || properties.when_quiescent.iter().all(|property| (property.judge)(&observation).is_ok());
            ended_well(engine, words) && watched(all).unwrap_or(false)
        }
    }

    pub(crate) fn report(&self, verdict: Verdict) -> Report {
        let histories = &self.engine.histories;
        Report {
            verdict,
            counts: Counts {
                states: self.visited.len() as u64,
                transitions: self.transitions,
                runs: histories.runs,
                histories: histories.len() as u64,
                faults: self.faults,
            },
            time: self.started.elapsed(),
            met: self.met.clone(),
            grid: self.grid(),
        }
    }

    /// Which kinds of fault may strike which operations here, and whether they did.
    fn grid(&self) -> Vec<GridCell> {
        let histories = &self.engine.histories;
        /// Which faults may strike, and which did, as bits.
        type Bits = (u32, u32);
        let mut cells: BTreeMap<((&str, u32), String), Bits> = BTreeMap::new();
        for node in histories.nodes() {
            let holds_a_copy = match histories.codes.value(node.code) {
                CodeKey::Endpoint { endpoint, .. } => {
                    matches!(self.scenario.endpoints[*endpoint].handles, Handles::Messages(_))
                }
                _ => false,
            };
            for ask in &node.pending {
                let op = &histories.ops[ask.op as usize];
                let cell = cells.entry(((ask.at.file(), ask.at.line()), op.label())).or_default();
                cell.0 |= op.kind.faults(holds_a_copy).iter().fold(0, |bits, fault| bits | 1 << *fault as u32);
                cell.1 |= ask.struck;
            }
        }
        let faults = &self.scenario.faults;
        let here = |fault: &Fault| faults.total() > 0 && faults.of(*fault) > 0;
        let mut grid = Vec::new();
        for (((file, line), operation), (may, struck)) in cells {
            for fault in Fault::ALL.into_iter().filter(here).filter(|fault| (may | struck) >> *fault as u32 & 1 == 1) {
                let struck = struck >> fault as u32 & 1 == 1;
                let at = (file.to_owned(), line);
                grid.push(GridCell { at, operation: operation.clone(), fault: fault.name().to_owned(), struck });
            }
        }
        const { assert!(KINDS <= 32, "the kinds of fault fit the bits") };
        grid
    }
}

/// Whether a state in which nothing can happen any more is an end at which nobody waits, and nothing was given up.
fn ended_well(engine: &Engine<'_>, words: &[u32]) -> bool {
    let mut facts = engine.journals.value(words[JOURNAL]).facts();
    !engine.somebody_runs(words) && !facts.any(|fact| matches!(fact, Fact::DeadLettered { .. }))
}

fn owned((claim, wrong): (&str, String)) -> (String, String) {
    (claim.to_owned(), wrong)
}

/// The property that a misbehaviour violates, and what is wrong.
fn misbehaviour_words<'a>(bad: &Misbehaviour, panics: &'a str) -> (&'a str, String) {
    let place = |at: &Option<(String, u32)>| match at {
        Some((file, line)) => format!(" at {file}:{line}"),
        None => String::new(),
    };
    match bad {
        Misbehaviour::NotWritten { message, at } => ("the code is written", format!("{message}{}", place(at))),
        Misbehaviour::Panics { message, at } => (panics, format!("it panicked{}: {message}", place(at))),
        Misbehaviour::NotDeterministic { first, second } => (
            "the handler is deterministic",
            format!(
                "run twice with the same answers, it first asked for\n  {first}\nand then for\n  {second}\n\
                 ids come from cx.fresh_id(), time from cx.now(), chance from cx.rng(); \
                 a BTreeMap has an order;\nnothing may be kept in a static"
            ),
        ),
        Misbehaviour::WaitsOutside => (
            "the handler waits only on Cx",
            "it waits for something outside the workshop's world: a timer, a socket, a task of its own.\n\
             Await only what cx offers"
                .to_owned(),
        ),
        Misbehaviour::DoesNotFinish { operations } => {
            ("the handler finishes", format!("it asked for {operations} operations in one go, and was not done"))
        }
        Misbehaviour::WakesItself => (
            "the handler finishes",
            "it asks to be polled again and again, and waits for no answer: a loop that only yields?".to_owned(),
        ),
    }
}
