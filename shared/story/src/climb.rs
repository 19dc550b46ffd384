//! Explores the worlds of a story, one after the other, and says what came of it.

use std::time::{Duration, Instant};

use explorer::count::many;
use explorer::paths::Paths;
use explorer::schedule::Schedule;
use explorer::{
    Counts, GridCell, Met, Observation, Progress, Properties, Property, Replayed, Report, Scenario, Verdict, Violation,
    Walks, Witness,
};

use crate::ladder::Size;
use crate::script::{Script, Sometimes};
use crate::story::Story;
use crate::trial::Prepare;
use crate::variables;

/// What came of a story.
pub(crate) struct Climbed {
    pub(crate) verdict: Verdict,
    /// The world that decided, in words.
    pub(crate) world: String,
    /// Its place on the ladder, from 0.
    pub(crate) rung: usize,
    pub(crate) counts: Counts,
    pub(crate) time: Duration,
    pub(crate) grid: Vec<GridCell>,
}

impl Script {
    /// Explores every world, smallest first, up to the first that decides.
    pub(crate) fn climb(&self, prepare: &dyn Fn(Scenario) -> Scenario) -> Climbed {
        let started = Instant::now();
        let mut counts = Counts::default();
        let mut grid = Vec::new();
        let mut met = vec![false; self.sometimes.len()];
        let mut sizes = self.rungs();
        if std::env::var_os(variables::DEEP).is_none() {
            sizes.truncate(self.sizes.len());
        }
        let number = |variable| std::env::var(variable).ok().and_then(|number| number.parse::<u32>().ok());
        let (states_max, seconds_max) = (number(variables::STATES_MAX), number(variables::SECONDS_MAX));
        for (rung, size) in sizes.iter().enumerate() {
            let scenario = prepare((self.scenario)(*size));
            let scenario = match states_max {
                Some(states) => scenario.states_max(states as usize),
                None => scenario,
            };
            let report = self.explore(match seconds_max {
                Some(seconds) => scenario.time_max(Duration::from_secs(seconds.into())),
                None => scenario,
            });
            counts.states += report.counts.states;
            counts.transitions += report.counts.transitions;
            counts.runs += report.counts.runs;
            counts.histories += report.counts.histories;
            counts.faults = counts.faults.max(report.counts.faults);
            grid.extend(report.grid);
            for (met, here) in met.iter_mut().zip(&report.met) {
                *met |= here;
            }
            if !matches!(report.verdict, Verdict::Holds | Verdict::Vacuous { .. }) {
                let (world, time) = (size.to_string(), started.elapsed());
                return Climbed { verdict: report.verdict, world, rung, counts, time, grid };
            }
        }
        grid.sort();
        grid.dedup();
        let verdict = match met.iter().position(|met| !met) {
            Some(at) => Verdict::Vacuous { witness: self.sometimes[at].claim() },
            None => Verdict::Holds,
        };
        let last = sizes.last().map(Size::to_string).unwrap_or_default();
        Climbed { verdict, world: last, rung: sizes.len().saturating_sub(1), counts, time: started.elapsed(), grid }
    }

    /// Explores one world.
    fn explore(&self, scenario: Scenario) -> Report {
        self.with_properties(&scenario, |properties| explorer::explore(&scenario, properties))
            .unwrap_or_else(|report| *report)
    }

    /// Walks at random through one world.
    pub(crate) fn walk_at_random(&self, scenario: Scenario, walks: &Walks) -> Report {
        self.with_properties(&scenario, |properties| explorer::at_random(&scenario, properties, walks))
            .unwrap_or_else(|report| *report)
    }

    /// Follows a schedule in the world of one rung.
    ///
    /// # Errors
    /// Which step cannot happen where it stands.
    pub(crate) fn follow(&self, scenario: &Scenario, schedule: &Schedule) -> Result<Replayed, String> {
        self.with_properties(scenario, |properties| explorer::replay(scenario, properties, schedule))
            .unwrap_or_else(|_| Err("the world's serial outcomes cannot be told".to_owned()))
    }

    /// Makes the story's properties for one world.
    ///
    /// # Errors
    /// The report of the serial world's exploration, if that could not visit every state.
    pub(crate) fn with_properties<R>(
        &self,
        scenario: &Scenario,
        with: impl FnOnce(&Properties<'_>) -> R,
    ) -> Result<R, Box<Report>> {
        let why: Vec<String> = self
            .always
            .iter()
            .chain(&self.when_quiescent)
            .map(|claim| format!("{}: {}", claim.standard.name, claim.standard.why))
            .collect();

        let serial = match &self.serial {
            None => None,
            Some((claim, outcome)) => match explorer::outcomes(&scenario.clone().serial(), &**outcome) {
                Ok(outcomes) => Some((claim, outcome, outcomes)),
                Err(report) => return Err(report),
            },
        };
        let serial_judge = serial.as_ref().map(|(_, outcome, outcomes)| {
            move |observation: &Observation<'_>| {
                let outcome = outcome(observation);
                if outcomes.contains(&outcome) {
                    return Ok(());
                }
                let serial = outcomes.iter().take(3).cloned().collect::<Vec<_>>().join("\n  or ");
                Err(format!("the outcome is {outcome}\n  one after the other, it would be {serial}"))
            }
        });

        let mut properties = Properties::default();
        for (at, claim) in self.always.iter().enumerate() {
            properties.always.push(Property { claim: &claim.words, why: &why[at], judge: &*claim.judge });
        }
        for (at, claim) in self.when_quiescent.iter().enumerate() {
            let why = &why[self.always.len() + at];
            properties.when_quiescent.push(Property { claim: &claim.words, why, judge: &*claim.judge });
        }
        let serial_why = format!("{}: {}", crate::SERIAL_EQUIVALENCE.name, crate::SERIAL_EQUIVALENCE.why);
        if let (Some((claim, ..)), Some(judge)) = (&serial, &serial_judge) {
            properties.when_quiescent.push(Property { claim, why: &serial_why, judge });
        }
        let progress_why = format!("{}: {}", crate::PROGRESS.name, crate::PROGRESS.why);
        properties.can_finish = self.can_finish.as_ref().map(|claim| Progress { claim, why: &progress_why });

        let claims: Vec<String> = self.sometimes.iter().map(Sometimes::claim).collect();
        for (sometimes, claim) in self.sometimes.iter().zip(&claims) {
            let met = match sometimes {
                Sometimes::Event(event) => Met::Event(*event),
                Sometimes::State(_, reached) => Met::State(&**reached),
            };
            properties.sometimes.push(Witness { claim, met });
        }
        Ok(with(&properties))
    }
}

impl<V: 'static> Story<V> {
    /// What the story's worlds come to, explored in this very process: for whoever shows a schedule elsewhere.
    pub fn verdict(&self) -> Verdict {
        self.script.climb(&|scenario| scenario).verdict
    }

    /// What walks at random through the largest of the story's worlds find, in this very process: for worlds that are too
    /// large to be visited. That nothing was found is no proof, and the verdict says so.
    pub fn at_random(&self, walks: &Walks) -> Report {
        let script = &*self.script;
        script.walk_at_random((script.scenario)(script.largest()), walks)
    }

    /// Lets somebody else search the smallest world of this story, by its paths. `with` may be called again: a world
    /// that must remember more begins again.
    ///
    /// # Panics
    /// If the story compares with a serial world.
    pub fn paths<T>(&self, prepare: Prepare<'_>, with: &mut dyn FnMut(&mut Paths<'_, '_>) -> T) -> T {
        let script = &*self.script;
        assert!(script.serial.is_none(), "a serial world is searched by the explorer alone");
        let scenario = prepare(script.smallest());
        script
            .with_properties(&scenario, |properties| explorer::paths::paths(&scenario, properties, with))
            .unwrap_or_else(|_| unreachable!("nothing serial was explored"))
    }
}

/// Whether a violation happened in a world where nothing had failed.
pub(crate) fn steps_and_faults(violation: &Violation) -> String {
    let steps = many(violation.trace.steps.len() as u64, "step");
    match violation.faults {
        0 => format!("without any fault in {steps}"),
        1 => format!("with 1 fault in {steps}"),
        faults => format!("with {faults} faults in {steps}"),
    }
}
