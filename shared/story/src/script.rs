//! A story without the type of its attendee's view: worlds, and properties of whatever is observed.
//!
//! What climbs, follows and tells works on this, and is compiled once, not for every story.

use std::panic::Location;

use explorer::{Event, Observation, Scenario};

use crate::ladder::{Size, larger};
use crate::properties::Standard;

pub(crate) type Judge = Box<dyn Fn(&Observation<'_>) -> Result<(), String> + Sync>;
pub(crate) type Reached = Box<dyn Fn(&Observation<'_>) -> bool + Sync>;
pub(crate) type Outcome = Box<dyn Fn(&Observation<'_>) -> String + Sync>;

/// A property.
pub(crate) struct Claim {
    pub(crate) standard: Standard,
    pub(crate) words: String,
    pub(crate) judge: Judge,
}

/// What must happen at least once.
pub(crate) enum Sometimes {
    Event(Event),
    State(String, Reached),
}

impl Sometimes {
    pub(crate) fn claim(&self) -> String {
        match self {
            Sometimes::Event(event) => event.to_string(),
            Sometimes::State(claim, _) => claim.clone(),
        }
    }
}

/// A property that is to be violated.
#[derive(Clone)]
pub(crate) struct Expected {
    pub(crate) words: String,
    /// What to say of code that keeps it all the same; if nothing, such code fails.
    pub(crate) kept: Option<String>,
}

/// All that a story says.
pub(crate) struct Script {
    pub(crate) claim: String,
    pub(crate) told_at: &'static Location<'static>,
    pub(crate) sizes: Vec<Size>,
    /// The larger worlds; if nothing, [`larger`] says which.
    pub(crate) deep: Option<Vec<Size>>,
    pub(crate) scenario: Box<dyn Fn(Size) -> Scenario + Sync>,
    pub(crate) always: Vec<Claim>,
    pub(crate) when_quiescent: Vec<Claim>,
    pub(crate) can_finish: Option<String>,
    pub(crate) serial: Option<(String, Outcome)>,
    pub(crate) sometimes: Vec<Sometimes>,
    pub(crate) expects: Option<Expected>,
}

impl Script {
    /// A claim about the smallest world, in which nothing is.
    pub(crate) fn new(claim: String, told_at: &'static Location<'static>) -> Self {
        Script {
            claim,
            told_at,
            sizes: vec![Size::ONE],
            deep: None,
            scenario: Box::new(|_| Scenario::new()),
            always: Vec::new(),
            when_quiescent: Vec::new(),
            can_finish: None,
            serial: None,
            sometimes: Vec::new(),
            expects: None,
        }
    }

    /// All sizes that there are, the larger ones last: a schedule names its world by the place here.
    pub(crate) fn rungs(&self) -> Vec<Size> {
        let deep = self.deep.clone().unwrap_or_else(|| vec![larger(&self.sizes)]);
        [&self.sizes[..], &deep].concat()
    }

    /// The world of the smallest size.
    pub(crate) fn smallest(&self) -> Scenario {
        (self.scenario)(self.sizes.first().copied().unwrap_or(Size::ONE))
    }

    /// The largest size of the ladder.
    pub(crate) fn largest(&self) -> Size {
        self.sizes.last().copied().unwrap_or(Size::ONE)
    }

    /// This property is to be violated.
    ///
    /// # Panics
    /// If the story has no such property.
    pub(crate) fn expect(&mut self, words: String) {
        let mut known = self.always.iter().chain(&self.when_quiescent).map(|claim| &claim.words);
        let progress_or_serial = self.can_finish.iter().chain(self.serial.iter().map(|(words, _)| words));
        assert!(
            known.any(|claim| *claim == words) || progress_or_serial.into_iter().any(|claim| *claim == words),
            "a story can only expect the violation of a property of its own, and {words:?} is none"
        );
        self.expects = Some(Expected { words, kept: None });
    }

    /// Which kind of property this claim of the story is. What no story claims, such as that a handler does not panic,
    /// is progress: without it nothing comes to its end.
    pub(crate) fn kind_of(&self, claim: &str) -> Standard {
        let claims = self.always.iter().chain(&self.when_quiescent);
        claims.filter(|known| known.words == claim).map(|known| known.standard).next().unwrap_or(crate::PROGRESS)
    }
}
