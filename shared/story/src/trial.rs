//! A claim that is judged by other means than exploring one world: the attendee's schedules, the attendee's own search.

use std::panic::Location;
use std::time::{Duration, Instant};

use explorer::run::{Broke, caught};
use explorer::{Counts, Scenario, Trace, Verdict, Walks};

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
        let (script, told_at) = (self.script, Location::caller());
        let claim = script.claim.clone();
        Trial::told_at(told_at, claim, move |prepare| {
            let size = script.largest();
            let report = script.walk_at_random(prepare((script.scenario)(size)), &walks);
            let came = |property: &str, explanation: String| Err(Box::new(Failed::new(property, explanation)));
            match report.verdict {
                Verdict::Violated(violation) => {
                    let standard = Some(script.kind_of(&violation.property));
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

#[cfg(test)]
mod tests {
    use kit::{Cx, Delivery, Docs, Endpoint, Msg, Retry, When};

    use super::*;
    use crate::ladder::Size;
    use crate::properties::NO_DUPLICATE_PROCESSING;

    /// Writes how often it was called.
    #[derive(Default)]
    struct Counts;

    impl Endpoint for Counts {
        async fn on_message(&self, cx: &Cx, _: &Delivery) -> Result<(), Retry> {
            let so_far = cx.docs.get::<u8>("count").await?.map_or(0, |(count, _)| count);
            cx.docs.put("count", &(so_far + 1), When::Always).await?;
            Ok(())
        }
    }

    fn walked(most: u8) -> Came {
        let trial = Story::new("it is called a few times")
            .worlds(&[Size::ONE, Size::ONE.copies(3)], |size| {
                Scenario::new().endpoint::<Counts>("Worker", "queue", 1).message(
                    "queue",
                    Msg::new("m1", "Count", &()),
                    size.copies,
                )
            })
            .view(|docs: &Docs| docs.get::<u8>("count").unwrap_or_default())
            .always(NO_DUPLICATE_PROCESSING, "a few times", move |seen| *seen.view() <= most)
            .walked(Walks { seed: 1, walks: 2, steps_max: 100 });
        trial.judge(&|scenario| scenario).result
    }

    /// What a walk finds is told by its property, and the walks are through the largest world.
    #[test]
    fn walks_find_what_they_come_by() {
        let Came::Failed(failed) = walked(2) else { panic!("three copies are three calls") };
        assert_eq!(failed.property, "a few times");
        assert_eq!(failed.standard, Some(NO_DUPLICATE_PROCESSING));
        assert!(failed.trace.is_none());
    }

    /// That they find nothing is no proof, and they say so.
    #[test]
    fn walks_that_find_nothing_say_that_they_prove_nothing() {
        let Came::Passed(passed) = walked(3) else { panic!("three copies are no more than three calls") };
        assert!(passed.message.starts_with("with 1 message, 3 copies each, 1 worker, no fault: 2 random walks"));
        assert!(passed.message.contains("prove nothing"), "{}", passed.message);
    }
}
