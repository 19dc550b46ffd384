//! The builder: a claim, a ladder of worlds, and properties.

use std::panic::Location;

use explorer::{Event, Scenario};
use kit::documents::Docs;
use serde::Serialize;

use crate::ladder::Size;
use crate::properties::Standard;
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

pub(crate) type Judge<V> = Box<dyn Fn(&Seen<'_, V>) -> Result<(), String> + Sync>;
pub(crate) type Reached<V> = Box<dyn Fn(&Seen<'_, V>) -> bool + Sync>;
pub(crate) type Outcome<V> = Box<dyn Fn(&Seen<'_, V>) -> String + Sync>;

pub(crate) struct Claim<V> {
    pub(crate) standard: Standard,
    pub(crate) words: String,
    pub(crate) judge: Judge<V>,
}

pub(crate) enum Sometimes<V> {
    Event(Event),
    State(String, Reached<V>),
}

/// A claim about the attendee's code, to be checked in every world of a ladder. See the crate's example.
pub struct Story<V> {
    pub(crate) claim: String,
    pub(crate) told_at: &'static Location<'static>,
    pub(crate) sizes: Vec<Size>,
    /// The larger worlds; if nothing, [`larger`](crate::ladder::larger) says which.
    pub(crate) deep: Option<Vec<Size>>,
    pub(crate) scenario: Box<dyn Fn(Size) -> Scenario + Sync>,
    pub(crate) view: Box<dyn Fn(&Docs) -> V + Sync>,
    pub(crate) always: Vec<Claim<V>>,
    pub(crate) when_quiescent: Vec<Claim<V>>,
    pub(crate) can_finish: Option<String>,
    pub(crate) serial: Option<(String, Outcome<V>)>,
    pub(crate) sometimes: Vec<Sometimes<V>>,
    pub(crate) expects: Option<Expected>,
}

/// A property that is to be violated.
#[derive(Clone)]
pub(crate) struct Expected {
    pub(crate) words: String,
    /// What to say of code that keeps it all the same; if nothing, such code fails.
    pub(crate) kept: Option<String>,
}

impl Story<()> {
    /// A story that makes this claim.
    #[track_caller]
    pub fn new(claim: impl Into<String>) -> Self {
        Story {
            claim: claim.into(),
            told_at: Location::caller(),
            sizes: vec![Size::ONE],
            deep: None,
            scenario: Box::new(|_| Scenario::new()),
            view: Box::new(|_| ()),
            always: Vec::new(),
            when_quiescent: Vec::new(),
            can_finish: None,
            serial: None,
            sometimes: Vec::new(),
            expects: None,
        }
    }

    /// The attendee's view of the documents. Comes before the properties.
    #[must_use]
    pub fn view<V: 'static>(self, view: impl Fn(&Docs) -> V + Sync + 'static) -> Story<V> {
        assert!(
            self.always.is_empty() && self.when_quiescent.is_empty() && self.sometimes.is_empty(),
            "a story's view comes before its properties and witnesses"
        );
        Story {
            claim: self.claim,
            told_at: self.told_at,
            sizes: self.sizes,
            deep: self.deep,
            scenario: self.scenario,
            view: Box::new(view),
            always: Vec::new(),
            when_quiescent: Vec::new(),
            can_finish: self.can_finish,
            serial: None,
            sometimes: Vec::new(),
            expects: None,
        }
    }
}

impl<V: 'static> Story<V> {
    /// The worlds: a scenario for each size of a ladder.
    #[must_use]
    pub fn worlds(mut self, ladder: &[Size], scenario: impl Fn(Size) -> Scenario + Sync + 'static) -> Self {
        self.sizes = ladder.to_vec();
        self.scenario = Box::new(scenario);
        self
    }

    /// The larger worlds that `cargo workshop verify --deep` climbs after the ladder, of the same scenario. Without this, it
    /// is one: two messages, copies, workers and faults, if the ladder has more than one message, or else the most of
    /// everything that it has. Say others where that world is too large to decide, or where the claim is not true there;
    /// and none, if there is no other.
    #[must_use]
    pub fn deep(mut self, sizes: &[Size]) -> Self {
        self.deep = Some(sizes.to_vec());
        self
    }

    /// What must happen at least once in these worlds; otherwise the story proves little, and fails as vacuous.
    #[must_use]
    pub fn sometimes(mut self, event: Event) -> Self {
        self.sometimes.push(Sometimes::Event(event));
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
        self.sometimes.push(Sometimes::State(claim.into(), Box::new(met)));
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
        let judge: Judge<V> = Box::new(move |seen| judge(seen).judged());
        self.always.push(Claim { standard, words: claim.into(), judge });
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
        let judge: Judge<V> = Box::new(move |seen| judge(seen).judged());
        self.when_quiescent.push(Claim { standard, words: claim.into(), judge });
        self
    }

    /// From every state, once faults stop, everything can come to its end, and nothing is dead-lettered.
    #[must_use]
    pub fn can_finish(mut self, claim: impl Into<String>) -> Self {
        self.can_finish = Some(claim.into());
        self
    }

    /// Every outcome at the end is one that a serial run could have had: each message once, one after the other.
    #[must_use]
    pub fn as_if_serial<O: Serialize>(
        mut self,
        claim: impl Into<String>,
        outcome: impl Fn(&Seen<'_, V>) -> O + Sync + 'static,
    ) -> Self {
        let outcome: Outcome<V> = Box::new(move |seen| {
            serde_json::to_string(&outcome(seen)).unwrap_or_else(|error| panic!("the outcome is not JSON: {error}"))
        });
        self.serial = Some((claim.into(), outcome));
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
        let words = claim.into();
        let mut known = self.always.iter().chain(&self.when_quiescent).map(|claim| &claim.words);
        let progress_or_serial = self.can_finish.iter().chain(self.serial.iter().map(|(words, _)| words));
        assert!(
            known.any(|claim| *claim == words) || progress_or_serial.into_iter().any(|claim| *claim == words),
            "a story can only expect the violation of a property of its own, and {words:?} is none"
        );
        self.expects = Some(Expected { words, kept: None });
        self
    }

    /// Code may keep the property that is to be violated, by doing more than it must. Then `check` passes, too, and
    /// says this. Comes after [`expects`](Self::expects).
    ///
    /// # Panics
    /// If nothing is expected.
    #[must_use]
    pub fn or_keeps_it(mut self, remark: impl Into<String>) -> Self {
        let expected = self.expects.as_mut().expect("or_keeps_it comes after expects");
        expected.kept = Some(remark.into());
        self
    }
}
