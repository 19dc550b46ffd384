//! A challenge: a schedule of a few steps that must break one handler by a named property, and leave another alone.

use std::panic::Location;

use explorer::count::many;
use explorer::{Counts, Reductions, Scenario, Trace, Walked};
use kit::schedule::Schedule;

use crate::ladder::Size;
use crate::properties::Standard;
use crate::story::Story;
use crate::trial::{Failed, Passed, Prepare, Trial};
use crate::unfold::{Otherwise, Unfolding};

/// A challenge. The stories hold the worlds and the properties: one for each handler, with equal claims.
pub struct Challenge<V> {
    claim: String,
    told_at: &'static Location<'static>,
    schedule: fn() -> Schedule,
    breaks: Option<(String, Story<V>, Standard)>,
    leaves_alone: Option<Story<V>>,
    shortest: usize,
}

impl<V: 'static> Challenge<V> {
    /// A challenge that this schedule is to meet.
    #[track_caller]
    pub fn new(claim: impl Into<String>, schedule: fn() -> Schedule) -> Self {
        let told_at = Location::caller();
        Challenge { claim: claim.into(), told_at, schedule, breaks: None, leaves_alone: None, shortest: 0 }
    }

    /// The handler that it must break, what it is called, and by which kind of property.
    #[must_use]
    pub fn breaks(self, handler: impl Into<String>, story: Story<V>, by: Standard) -> Self {
        Challenge { breaks: Some((handler.into(), story, by)), ..self }
    }

    /// The handler that it must leave alone.
    #[must_use]
    pub fn leaves_alone(self, story: Story<V>) -> Self {
        Challenge { leaves_alone: Some(story), ..self }
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
pub fn unfold<V: 'static>(story: &Story<V>, schedule: &Schedule) -> Unfolded {
    let (walked, illegal) = follow(story, schedule, Otherwise::Refuse, &|scenario| scenario);
    let violated = walked.violated.iter().map(|broken| story.kind_of(&broken.claim)).collect();
    Unfolded { trace: walked.trace, violated, illegal }
}

fn follow<V: 'static>(
    story: &Story<V>,
    schedule: &Schedule,
    otherwise: Otherwise,
    prepare: Prepare<'_>,
) -> (Walked, Option<(usize, String)>) {
    // Workers keep their names here: A is A.
    let reductions = Reductions { workers: false, ..Reductions::ALL };
    let scenario: Scenario =
        prepare((story.scenario)(story.sizes.first().copied().unwrap_or(Size::ONE)).reductions(reductions));
    let walked = story.with_properties(&scenario, |properties| {
        explorer::walk(&scenario, properties, &mut || Unfolding::of(schedule, otherwise))
    });
    let (walked, unfolding) = walked.unwrap_or_else(|_| unreachable!("a challenge compares with no serial world"));
    (walked, unfolding.illegal)
}

fn judge<V: 'static>(
    schedule: Schedule,
    handler: &str,
    broken: &Story<V>,
    by: Standard,
    whole: &Story<V>,
    shortest: usize,
    prepare: Prepare<'_>,
) -> Result<Passed, Box<Failed>> {
    let (mut walked, illegal) = follow(broken, &schedule, Otherwise::Refuse, prepare);
    if let Some((step, rule)) = illegal {
        let what = schedule.steps().get(step - 1).map(|step| format!(", {step}")).unwrap_or_default();
        let failed = Failed::new(
            "the schedule is legal",
            format!("step {step}{what}: it cannot happen\n{rule}\nthe picture shows what happens before it"),
        );
        return Err(Box::new(failed.shown_by(walked.trace)));
    }
    let found = walked.violated.iter().find(|broken_by| broken.kind_of(&broken_by.claim) == by).cloned();
    let Some(found) = found else {
        let others: Vec<String> = walked
            .violated
            .iter()
            .map(|other| format!("it violates something else, {}: {}", broken.kind_of(&other.claim).name, other.wrong))
            .collect();
        let explanation = match others.is_empty() {
            true => format!("{handler} survives: each message counted once, and has its letter"),
            false => others.join("\n"),
        };
        let mut failed = Failed::new(format!("the schedule breaks {handler}: {}", by.name), explanation);
        failed.standard = Some(by);
        return Err(Box::new(failed.shown_by(walked.trace)));
    };
    let (on_whole, _) = follow(whole, &schedule, Otherwise::Skip, prepare);
    if let Some(other) = on_whole.violated.first() {
        let name = whole.kind_of(&other.claim).name;
        let failed = Failed::new(
            "the schedule leaves the reference alone",
            format!("it breaks the reference as well, {name}: {}\nso it says nothing about {handler}", other.wrong),
        );
        return Err(Box::new(failed.shown_by(on_whole.trace)));
    }
    let steps = schedule.steps().len();
    let remark = match steps > shortest {
        true => format!("\n{shortest} steps would be enough; try to find them"),
        false => String::new(),
    };
    let all = walked.trace.steps.len();
    walked.trace.steps.truncate(found.after);
    walked.trace.quiescent &= found.after == all;
    let counts = Counts { states: found.after as u64 + 1, ..Counts::default() };
    let message = format!("broken in {}, {}: {}{remark}", many(steps as u64, "step"), by.name, found.wrong);
    Ok(Passed { message, counts, trace: Some(walked.trace) })
}
