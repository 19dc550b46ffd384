//! A challenge: a schedule of a few steps that must break one handler by a named property, and leave another alone.

use std::panic::Location;

use explorer::count::many;
use explorer::{Counts, Reductions, Scenario, Trace, Walked};
use kit::schedule::Schedule;

use crate::properties::Standard;
use crate::script::Script;
use crate::story::Story;
use crate::trial::{Failed, Passed, Prepare, Trial};
use crate::unfold::{Otherwise, Unfolding, too_long};

/// A challenge. The stories hold the worlds and the properties: one for each handler, with equal claims.
pub struct Challenge {
    claim: String,
    told_at: &'static Location<'static>,
    schedule: fn() -> Schedule,
    breaks: Option<(String, Box<Script>, Standard)>,
    leaves_alone: Option<Box<Script>>,
    shortest: usize,
}

impl Challenge {
    /// A challenge that this schedule is to meet.
    #[track_caller]
    pub fn new(claim: impl Into<String>, schedule: fn() -> Schedule) -> Self {
        let told_at = Location::caller();
        Challenge { claim: claim.into(), told_at, schedule, breaks: None, leaves_alone: None, shortest: 0 }
    }

    /// The handler that it must break, what it is called, and by which kind of property.
    #[must_use]
    pub fn breaks<V>(self, handler: impl Into<String>, story: Story<V>, by: Standard) -> Self {
        Challenge { breaks: Some((handler.into(), story.script, by)), ..self }
    }

    /// The handler that it must leave alone.
    #[must_use]
    pub fn leaves_alone<V>(self, story: Story<V>) -> Self {
        Challenge { leaves_alone: Some(story.script), ..self }
    }

    /// How many steps are enough.
    #[must_use]
    pub fn enough(self, steps: usize) -> Self {
        Challenge { shortest: steps, ..self }
    }

    /// Fails the test unless the schedule is legal, breaks the one handler, and leaves the other alone.
    ///
    /// # Panics
    /// If it was not said which handlers.
    pub fn check(self) {
        let Challenge { claim, told_at, schedule, breaks, leaves_alone, shortest } = self;
        let (handler, broken, by) = breaks.expect("a challenge has a handler to break");
        let whole = leaves_alone.expect("a challenge has a handler to leave alone");
        Trial::told_at(told_at, claim, move |prepare| {
            judge(schedule(), &handler, &broken, by, &whole, shortest, prepare)
        })
        .check();
    }
}

/// What a schedule does to the handler of a story.
#[derive(Clone, Debug)]
pub struct Unfolded {
    /// The way.
    pub trace: Trace,
    /// The kinds of the properties that it violates, in the order in which it does.
    pub violated: Vec<Standard>,
    /// The first step, from 1, that cannot happen, and the rule that it breaks: then the way ends there.
    pub illegal: Option<(usize, String)>,
}

/// Follows a schedule in the smallest world of a story.
pub fn unfold<V>(story: &Story<V>, schedule: &Schedule) -> Unfolded {
    let story = &*story.script;
    let (walked, illegal) = follow(story, schedule, Otherwise::Refuse, &|scenario| scenario);
    let violated = walked.violated.iter().map(|broken| story.kind_of(&broken.claim)).collect();
    Unfolded { trace: walked.trace, violated, illegal }
}

fn follow(
    story: &Script,
    schedule: &Schedule,
    otherwise: Otherwise,
    prepare: Prepare<'_>,
) -> (Walked, Option<(usize, String)>) {
    // Workers keep their names here: A is A.
    let reductions = Reductions { workers: false, ..Reductions::ALL };
    let scenario: Scenario = prepare(story.smallest().reductions(reductions));
    let walked = story.with_properties(&scenario, |properties| {
        explorer::walk(&scenario, properties, &mut || Unfolding::of(schedule, otherwise))
    });
    let (walked, unfolding) = walked.unwrap_or_else(|_| unreachable!("a challenge compares with no serial world"));
    (walked, unfolding.illegal)
}

fn judge(
    schedule: Schedule,
    handler: &str,
    broken: &Script,
    by: Standard,
    whole: &Script,
    shortest: usize,
    prepare: Prepare<'_>,
) -> Result<Passed, Box<Failed>> {
    let legal = "the schedule is legal";
    let steps = schedule.steps().len();
    if let Some(rule) = too_long(&schedule) {
        return Err(Box::new(Failed::new(legal, rule)));
    }
    let (walked, illegal) = follow(broken, &schedule, Otherwise::Refuse, prepare);
    if let Some((step, rule)) = illegal {
        let what = &schedule.steps()[step - 1];
        let explanation = format!("step {step}, {what}: this cannot happen here\n{rule}");
        return Err(Box::new(Failed::new(legal, explanation).shown_by(Trace { quiescent: false, ..walked.trace })));
    }
    let found = walked.violated.iter().find(|broken_by| broken.kind_of(&broken_by.claim) == by).cloned();
    let Some(found) = found else {
        let others: Vec<String> = walked
            .violated
            .iter()
            .map(|other| format!("it violates something else, {}: {}", broken.kind_of(&other.claim).name, other.wrong))
            .collect();
        let shown = walked.violated.iter().map(|other| other.after).max();
        let explanation = match shown {
            None => format!("{handler} survives: everything that must hold of it holds"),
            Some(_) => others.join("\n"),
        };
        let mut failed = Failed::new(format!("the schedule breaks {handler}: {}", by.name), explanation);
        failed.standard = Some(by);
        return Err(Box::new(failed.shown_by(until(walked.trace, shown))));
    };
    let (on_whole, _) = follow(whole, &schedule, Otherwise::Skip, prepare);
    if let Some(other) = on_whole.violated.first() {
        let name = whole.kind_of(&other.claim).name;
        let failed = Failed::new(
            "the schedule leaves the reference alone",
            format!("it breaks the reference as well, {name}: {}\nso it says nothing about {handler}", other.wrong),
        );
        return Err(Box::new(failed.shown_by(until(on_whole.trace, Some(other.after)))));
    }
    let remark = match steps > shortest {
        true => format!("\n{} would be enough; try to find them", many(shortest as u64, "step")),
        false => String::new(),
    };
    let counts = Counts { states: found.after as u64 + 1, ..Counts::default() };
    let message = format!("broken in {}, {}: {}{remark}", many(steps as u64, "step"), by.name, found.wrong);
    Ok(Passed { message, counts, trace: Some(until(walked.trace, Some(found.after))) })
}

/// A way until a property was violated; the whole of it if none was.
fn until(mut trace: Trace, after: Option<usize>) -> Trace {
    let all = trace.steps.len();
    let after = after.unwrap_or(all);
    trace.steps.truncate(after);
    trace.quiescent &= after == all;
    trace
}

#[cfg(test)]
mod tests {
    use explorer::Event;
    use kit::schedule::{Failing::*, Operation::*, Schedule, Worker::*};
    use kit::{Cx, Delivery, Endpoint, Msg, Retry, When};
    use sim::{Fault, Faults};

    use super::*;
    use crate::ladder::Size;
    use crate::properties::{NO_GHOST_MESSAGE, NO_LOST_MESSAGE};

    /// Writes a mark, and then says something, unless the mark is there.
    #[derive(Default)]
    struct MarksFirst;

    impl Endpoint for MarksFirst {
        async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
            let key = format!("mark-{}", delivery.id());
            if cx.docs.get::<bool>(&key).await?.is_none() {
                cx.docs.put(&key, &true, When::Always).await?;
                cx.bus.send("said", Msg::new(delivery.id().to_string(), "Said", &())).await?;
            }
            Ok(())
        }
    }

    /// Says it at every delivery, each time anew.
    #[derive(Default)]
    struct Says;

    impl Endpoint for Says {
        async fn on_message(&self, cx: &Cx, _: &Delivery) -> Result<(), Retry> {
            cx.docs.get::<bool>("mark").await?;
            cx.bus.send("said", Msg::new(cx.fresh_id().to_string(), "Said", &())).await?;
            Ok(())
        }
    }

    fn story<E: Endpoint>() -> Story<()> {
        let faults = [Fault::Crash, Fault::SendUnknown, Fault::Duplicate];
        Story::new("it is said")
            .worlds(&[Size::ONE], move |_| {
                Scenario::new()
                    .faults(Faults::upto(6).only(&faults))
                    .deliveries_max("queue", 3)
                    .endpoint::<E>("Worker A", "queue", 1)
                    .message("queue", Msg::new("m1", "Say", &()), 1)
            })
            .sometimes(Event::Redelivered)
            .always(NO_GHOST_MESSAGE, "nobody says it twice", |seen| seen.sent("said").len() < 2)
            .when_quiescent(NO_LOST_MESSAGE, "it is said in the end", |seen| !seen.sent("said").is_empty())
            .can_finish("the message is handled")
    }

    fn judged(schedule: Schedule) -> Result<Passed, Box<Failed>> {
        let (broken, whole) = (story::<MarksFirst>(), story::<Says>());
        judge(schedule, "the handler", &broken.script, NO_LOST_MESSAGE, &whole.script, 2, &|scenario| scenario)
    }

    fn failed(schedule: Schedule) -> (String, String, Option<Trace>) {
        let failed = judged(schedule).expect_err("it fails");
        (failed.property, failed.explanation, failed.trace)
    }

    fn m1() -> Schedule {
        Schedule::new().deliver("m1", A)
    }

    /// A schedule that breaks the handler by the right property, and nobody else. The picture ends where it is broken.
    #[test]
    fn the_shortest_schedule_passes_without_a_remark() {
        let passed = judged(m1().crash(A, Send)).expect("it breaks the handler");
        assert_eq!(passed.message, "broken in 2 steps, no lost message: ");
        assert!(passed.trace.is_some_and(|trace| trace.quiescent && trace.faults() == 1));
    }

    #[test]
    fn a_longer_one_passes_with_a_remark() {
        let passed = judged(m1().delay(A, Send).crash(A, Send)).expect("it breaks the handler");
        let expected = "broken in 3 steps, no lost message: \n2 steps would be enough; try to find them";
        assert_eq!(passed.message, expected);
    }

    #[test]
    fn an_illegal_one_says_which_step_and_why_and_shows_what_happens_before() {
        let (property, explanation, trace) = failed(m1().delay(A, Send).crash(A, Put));
        assert_eq!(property, "the schedule is legal");
        let words = "step 3, crash A before its next put: this cannot happen here\nA does not come to its next put";
        assert!(explanation.starts_with(words), "{explanation}");
        assert!(!trace.expect("a picture").steps.is_empty());
        let (property, explanation, trace) = failed((0..7).fold(Schedule::new(), |all, _| all.duplicate("m1")));
        assert_eq!(property, "the schedule is legal");
        assert_eq!(explanation, "it has 7 steps, and a schedule has at most 6");
        assert!(trace.is_none());
    }

    #[test]
    fn one_that_breaks_nothing_shows_the_whole_run() {
        let (property, explanation, trace) = failed(m1());
        assert_eq!(property, "the schedule breaks the handler: no lost message");
        assert!(explanation.starts_with("the handler survives"), "{explanation}");
        assert!(trace.is_some_and(|trace| trace.quiescent));
    }

    /// `Says` is broken by a ghost; what was asked for is a loss. The picture ends with what is said about it.
    #[test]
    fn one_that_breaks_something_else_says_what() {
        let (broken, whole) = (story::<Says>(), story::<MarksFirst>());
        let twice = m1().fail(A, Send, UnknownDone);
        let judged =
            judge(twice, "the handler", &broken.script, NO_LOST_MESSAGE, &whole.script, 1, &|scenario| scenario);
        let failed = judged.expect_err("it fails");
        assert_eq!(failed.property, "the schedule breaks the handler: no lost message");
        assert!(
            failed.explanation.starts_with("it violates something else, no ghost message"),
            "{}",
            failed.explanation
        );
        assert!(failed.trace.is_some_and(|trace| !trace.quiescent));
    }

    /// Whoever gives a message no chance loses it with every handler.
    #[test]
    fn one_that_breaks_the_reference_as_well_says_nothing() {
        let dies = (0..3).fold(Schedule::new(), |all, _| all.deliver("m1", A).crash(A, Get));
        let (property, explanation, _) = failed(dies);
        assert_eq!(property, "the schedule leaves the reference alone");
        assert!(explanation.starts_with("it breaks the reference as well, no lost message"), "{explanation}");
    }

    /// The reference never writes, so no step can happen there; the rest of the schedule does.
    #[test]
    fn what_cannot_happen_to_the_reference_is_left_out() {
        let schedule = m1().delay(A, Put).crash(A, Send);
        let (walked, illegal) = follow(&story::<Says>().script, &schedule, Otherwise::Skip, &|scenario| scenario);
        assert_eq!(illegal, None);
        assert!(walked.violated.is_empty(), "{:?}", walked.violated);
        assert!(judged(schedule).is_ok());
    }
}
