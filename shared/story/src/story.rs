//! The builder: a claim, a ladder of worlds, and properties.

use std::panic::Location;
use std::sync::Arc;

use explorer::{Event, Scenario};
use kit::documents::Docs;
use serde::Serialize;

use crate::ladder::Size;
use crate::properties::Standard;
use crate::script::{Claim, Judge, Outcome, Reached, Script, Sometimes};
use crate::seen::Seen;

/// What a property says of a state: `true`, or `Ok(())`, if all is well.
pub trait Judgement {
    /// `Err` with what is wrong.
    ///
    /// # Errors
    /// What is wrong, in words; may be empty.
    fn judged(self) -> Result<(), String>;
}

impl Judgement for bool {
    fn judged(self) -> Result<(), String> {
        if self { Ok(()) } else { Err(String::new()) }
    }
}

impl Judgement for Result<(), String> {
    fn judged(self) -> Result<(), String> {
        self
    }
}

/// `Ok` if the condition holds, otherwise what is wrong.
///
/// # Errors
/// The words, if the condition does not hold.
pub fn expect(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise()) }
}

/// A claim about the attendee's code, to be checked in every world of a ladder. See the crate's example.
///
/// Only what the properties read knows the type of the attendee's view: everything else is the `script`.
pub struct Story<V> {
    pub(crate) script: Box<Script>,
    view: View<V>,
}

type View<V> = Arc<dyn Fn(&Docs) -> V + Send + Sync>;

impl Story<()> {
    /// A story that makes this claim.
    #[track_caller]
    pub fn new(claim: impl Into<String>) -> Self {
        Story { script: Box::new(Script::new(claim.into(), Location::caller())), view: Arc::new(|_| ()) }
    }

    /// The attendee's view of the documents. Comes before the properties that read it.
    #[must_use]
    pub fn view<V: 'static>(self, view: impl Fn(&Docs) -> V + Send + Sync + 'static) -> Story<V> {
        Story { script: self.script, view: Arc::new(view) }
    }
}

impl<V: 'static> Story<V> {
    /// The worlds: a scenario for each size of a ladder.
    #[must_use]
    pub fn worlds(mut self, ladder: &[Size], scenario: impl Fn(Size) -> Scenario + Sync + 'static) -> Self {
        self.script.sizes = ladder.to_vec();
        self.script.scenario = Box::new(scenario);
        self
    }

    /// The larger worlds that `cargo workshop verify --deep` climbs after the ladder, of the same scenario. Without this, it
    /// is one: two messages, copies, workers and faults, if the ladder has more than one message, or else the most of
    /// everything that it has. Say others where that world is too large to decide, or where the claim is not true there;
    /// and none, if there is no other.
    #[must_use]
    pub fn deep(mut self, sizes: &[Size]) -> Self {
        self.script.deep = Some(sizes.to_vec());
        self
    }

    /// What must happen at least once in these worlds; otherwise the story proves little, and fails as vacuous.
    #[must_use]
    pub fn sometimes(mut self, event: Event) -> Self {
        self.script.sometimes.push(Sometimes::Event(event));
        self
    }

    /// A state that must be reached at least once. Speak of what the world did, never of how the attendee's code
    /// works, or a right answer of another shape is vacuous.
    #[must_use]
    pub fn sometimes_seen(
        mut self,
        claim: impl Into<String>,
        met: impl Fn(&Seen<'_, V>) -> bool + Sync + 'static,
    ) -> Self {
        let view = self.view.clone();
        let met: Reached = Box::new(move |observation| met(&Seen::new(observation, &*view)));
        self.script.sometimes.push(Sometimes::State(claim.into(), met));
        self
    }

    /// What must hold in every state.
    #[must_use]
    pub fn always<J: Judgement>(
        mut self,
        standard: Standard,
        claim: impl Into<String>,
        judge: impl Fn(&Seen<'_, V>) -> J + Sync + 'static,
    ) -> Self {
        let judge = self.judge(judge);
        self.script.always.push(Claim { standard, words: claim.into(), judge });
        self
    }

    /// What must hold in every quiescent state: where nothing but faults can happen any more.
    #[must_use]
    pub fn when_quiescent<J: Judgement>(
        mut self,
        standard: Standard,
        claim: impl Into<String>,
        judge: impl Fn(&Seen<'_, V>) -> J + Sync + 'static,
    ) -> Self {
        let judge = self.judge(judge);
        self.script.when_quiescent.push(Claim { standard, words: claim.into(), judge });
        self
    }

    /// From every state, once faults stop, everything can come to its end, and nothing is dead-lettered.
    #[must_use]
    pub fn can_finish(mut self, claim: impl Into<String>) -> Self {
        self.script.can_finish = Some(claim.into());
        self
    }

    /// Every outcome at the end is one that a serial run could have had: each message once, one after the other.
    #[must_use]
    pub fn as_if_serial<O: Serialize>(
        mut self,
        claim: impl Into<String>,
        outcome: impl Fn(&Seen<'_, V>) -> O + Sync + 'static,
    ) -> Self {
        let view = self.view.clone();
        let outcome: Outcome = Box::new(move |observation| {
            let outcome = outcome(&Seen::new(observation, &*view));
            serde_json::to_string(&outcome).unwrap_or_else(|error| panic!("the outcome is not JSON: {error}"))
        });
        self.script.serial = Some((claim.into(), outcome));
        self
    }

    /// This property of the story is to be violated: the story tells what the code cannot do, and no code is wrong for
    /// that. `check` passes if exactly this property is violated, says so, and keeps the schedule and the page. If
    /// another one is violated, or none, it fails. Comes after the properties.
    ///
    /// # Panics
    /// If the story has no such property.
    #[must_use]
    pub fn expects(mut self, claim: impl Into<String>) -> Self {
        self.script.expect(claim.into());
        self
    }

    /// Code may keep the property that is to be violated, by doing more than it must. Then `check` passes, too, and
    /// says this. Comes after [`expects`](Self::expects).
    ///
    /// # Panics
    /// If nothing is expected.
    #[must_use]
    pub fn or_keeps_it(mut self, remark: impl Into<String>) -> Self {
        let expected = self.script.expects.as_mut().expect("or_keeps_it comes after expects");
        expected.kept = Some(remark.into());
        self
    }

    fn judge<J: Judgement>(&self, judge: impl Fn(&Seen<'_, V>) -> J + Sync + 'static) -> Judge {
        let view = self.view.clone();
        Box::new(move |observation| judge(&Seen::new(observation, &*view)).judged())
    }
}
