//! What is checked: properties of states, progress, and witnesses.

use std::fmt;

use sim::Fault;

use crate::observation::Observation;

/// Judges one observable state; the error says what is wrong with it.
pub type Judge<'a> = &'a (dyn Fn(&Observation<'_>) -> Result<(), String> + Sync);

/// A claim about states.
#[derive(Clone, Copy)]
pub struct Property<'a> {
    /// The claim, in words.
    pub claim: &'a str,
    /// What kind of property it is and why it matters; may be empty.
    pub why: &'a str,
    /// Judges a state.
    pub judge: Judge<'a>,
}

/// A claim about progress: from every reachable state, once faults stop, a quiescent state is reachable in which nothing is
/// dead-lettered, and nobody waits for ever.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The claim, in words.
    pub claim: &'a str,
    /// Why it matters; may be empty.
    pub why: &'a str,
}

/// Something that must happen at least once, or the rest proves little.
#[derive(Clone, Copy)]
pub struct Witness<'a> {
    /// What must happen, in words.
    pub claim: &'a str,
    /// How to tell.
    pub met: Met<'a>,
}

/// How to tell that a witness is met.
#[derive(Clone, Copy)]
pub enum Met<'a> {
    /// By an event of the world.
    Event(Event),
    /// By an observable state.
    State(&'a (dyn Fn(&Observation<'_>) -> bool + Sync)),
}

/// What a story checks.
#[derive(Clone, Default)]
pub struct Properties<'a> {
    /// Safety: on every state.
    pub always: Vec<Property<'a>>,
    /// On every quiescent state: where nothing but faults can happen.
    pub when_quiescent: Vec<Property<'a>>,
    /// Progress.
    pub can_finish: Option<Progress<'a>>,
    /// Witnesses.
    pub sometimes: Vec<Witness<'a>>,
}

/// What the world did: something that a witness may ask for. Never what a handler did, or a right answer of
/// another shape would be vacuous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// A fault of this kind struck.
    Struck(Fault),
    /// A copy came back after a worker had held it.
    Redelivered,
    /// A node crashed after its run had written or sent something.
    CrashAfterEffect,
    /// A node crashed before its run had written or sent anything.
    CrashBeforeEffect,
    /// A conditional write met a conflict.
    Conflict,
    /// Two workers held copies of one message at once.
    SameMessageTwice,
    /// Two runs were under way at once.
    Concurrent,
    /// A client called again after an error or a lost answer.
    CalledAgain,
}

impl Event {
    /// Its place in a set of events, below 64.
    pub fn bit(self) -> u32 {
        match self {
            Event::Struck(fault) => fault as u32,
            Event::Redelivered => 32,
            Event::CrashAfterEffect => 33,
            Event::CrashBeforeEffect => 34,
            Event::Conflict => 35,
            Event::SameMessageTwice => 36,
            Event::Concurrent => 37,
            Event::CalledAgain => 38,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Struck(fault) => write!(f, "the fault `{fault}` strikes"),
            Event::Redelivered => f.write_str("a message is redelivered"),
            Event::CrashAfterEffect => f.write_str("a node crashes after an effect"),
            Event::CrashBeforeEffect => f.write_str("a node crashes before any effect"),
            Event::Conflict => f.write_str("a write meets a conflict"),
            Event::SameMessageTwice => f.write_str("two workers hold one message at once"),
            Event::Concurrent => f.write_str("two runs are under way at once"),
            Event::CalledAgain => f.write_str("a client calls again"),
        }
    }
}
