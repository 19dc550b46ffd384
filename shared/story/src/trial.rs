//! A claim that is judged by other means than exploring one world: the attendee's schedules, the attendee's own search.

use std::panic::Location;
use std::time::{Duration, Instant};

use explorer::run::{Broke, caught};
use explorer::{Counts, Scenario, Trace, Verdict, Walks, at_random};

use crate::ladder::Size;
use crate::properties::Standard;
use crate::story::Story;

/// What a trial that passed says.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// One line or more for people: how much was covered, and remarks.
    pub message: String,
    /// How much was done for it.
    pub counts: Counts,
    /// A schedule to look at.
    pub trace: Option<Trace>,
}

/// What a trial that failed says.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The property that is violated, in words.
    pub property: String,
    /// What kind of property it is, if it is one of the standard ones.
    pub standard: Option<Standard>,
    /// What is wrong.
    pub explanation: String,
    /// The schedule that shows it.
    pub trace: Option<Trace>,
}

impl Failed {
    /// Without a schedule.
    pub fn new(property: impl Into<String>, explanation: impl Into<String>) -> Self {
        Failed { property: property.into(), standard: None, explanation: explanation.into(), trace: None }
    }

    /// With the schedule that shows it.
    #[must_use]
    pub fn shown_by(self, trace: Trace) -> Self {
        Failed { trace: Some(trace), ..self }
    }
}

/// Makes a world of attendees' code ready to be run in this process.
pub type Prepare<'a> = &'a dyn Fn(Scenario) -> Scenario;

type Judge = Box<dyn Fn(Prepare<'_>) -> Result<Passed, Box<Failed>> + Sync>;

/// A claim about the attendee's code, and what judges it.
pub struct Trial {
    pub(crate) claim: String,
    pub(crate) told_at: &'static Location<'static>,
    judge: Judge,
}

/// What came of a trial, and how long it took.
pub(crate) struct Tried {
    pub(crate) result: Came,
    pub(crate) time: Duration,
}

pub(crate) enum Came {
    Passed(Passed),
    Failed(Failed),
    NotWritten { message: String, at: Option<(String, u32)> },
}

impl Trial {
    /// A trial of this claim. The judge runs in a process of its own.
    #[track_caller]
    pub fn new(
        claim: impl Into<String>,
        judge: impl Fn(Prepare<'_>) -> Result<Passed, Box<Failed>> + Sync + 'static,
    ) -> Self {
        Trial::told_at(Location::caller(), claim, judge)
    }

    /// A trial that is told elsewhere than where it is made.
    pub(crate) fn told_at(
        told_at: &'static Location<'static>,
        claim: impl Into<String>,
        judge: impl Fn(Prepare<'_>) -> Result<Passed, Box<Failed>> + Sync + 'static,
    ) -> Self {
        Trial { claim: claim.into(), told_at, judge: Box::new(judge) }
    }

    pub(crate) fn judge(&self, prepare: Prepare<'_>) -> Tried {
        let started = Instant::now();
        let result = match caught(|| (self.judge)(prepare)) {
            Ok(Ok(passed)) => Came::Passed(passed),
            Ok(Err(failed)) => Came::Failed(*failed),
            Err(Broke::NotWritten { message, at }) => Came::NotWritten { message, at },
            Err(Broke::Panicked { message, at }) => {
                let place = at.map(|(file, line)| format!(" at {file}:{line}")).unwrap_or_default();
                Came::Failed(Failed::new("the code does not panic", format!("it panicked{place}: {message}")))
            }
        };
        Tried { result, time: started.elapsed() }
    }
}

impl<V: 'static> Story<V> {
    /// For a largest world that is too large to be visited: walks through it at random, instead of every schedule. That
    /// they find nothing is no proof, and the trial says so. What they find is told in words: a way of a thousand steps
    /// is nothing to look at.
    #[track_caller]
    pub fn walked(self, walks: Walks) -> Trial {
        let (told_at, claim) = (Location::caller(), self.claim.clone());
        Trial::told_at(told_at, claim, move |prepare| {
            let size = self.sizes.last().copied().unwrap_or(Size::ONE);
            let scenario = prepare((self.scenario)(size));
            let report = self
                .with_properties(&scenario, |properties| at_random(&scenario, properties, &walks))
                .unwrap_or_else(|report| *report);
            let came = |property: &str, explanation: String| Err(Box::new(Failed::new(property, explanation)));
            match report.verdict {
                Verdict::Violated(violation) => {
                    let standard = Some(self.kind_of(&violation.property));
                    Err(Box::new(Failed { standard, ..Failed::new(violation.property, violation.explanation) }))
                }
                Verdict::NotWritten { message, .. } => came("the code is written", message),
                Verdict::Vacuous { witness } => came(&witness, "it never happens".into()),
                Verdict::Holds => came("the walks are told as walks", "nothing visited every state".into()),
                Verdict::Unrefuted { reason } => {
                    Ok(Passed { message: format!("with {size}: {reason}"), counts: report.counts, trace: None })
                }
            }
        })
    }
}

/// Tells the watchdog that the attendee's code has come back, for now. A judge says so whenever code that it calls once
/// calls it in turn, as a search does for each run: only a piece between two calls may be stuck.
pub fn came_back() {
    let _ = caught(|| ());
}
