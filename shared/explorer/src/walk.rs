//! Walks: one path through a world, step by step, as a guide chooses.

use std::cell::RefCell;

use sim::{Fact, Fault};

use crate::action::ActionKind;
use crate::engine::Engine;
use crate::layout::JOURNAL;
use crate::narrate::Teller;
use crate::observation::FactsRead;
use crate::operation::Kind;
use crate::property::{Properties, Property};
use crate::run::watched;
use crate::scenario::Scenario;
use crate::search::{Search, with_enough};
use crate::trace::Trace;

/// Most steps of one walk: a world that is not over by then goes on for ever.
pub const WALK_STEPS_MAX: usize = 400;

/// One step that can happen where a walk stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possible {
    /// Its line in a schedule file.
    pub line: String,
    /// What it is.
    pub what: What,
    /// The fault that it is, if it is one.
    pub fault: Option<Fault>,
}

/// What a step is. Workers are named as in diagrams, such as `Orders A`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A worker receives a copy.
    Deliver {
        /// Who.
        worker: String,
        /// The message's id.
        message: String,
    },
    /// An operation of a run ends.
    Operation {
        /// Whose run.
        worker: String,
        /// Which kind of operation.
        operation: Doing,
        /// How it ends.
        how: How,
    },
    /// A run that ended well acks its copy.
    Ack {
        /// Who.
        worker: String,
        /// The ack never arrives.
        lost: bool,
    },
    /// A run that failed gives its copy back.
    Returned {
        /// Who.
        worker: String,
    },
    /// A node dies.
    Crash {
        /// Whose.
        worker: String,
    },
    /// The lock on a copy expires.
    LockExpired {
        /// Who holds the copy, if the worker still lives.
        worker: Option<String>,
        /// The message's id.
        message: String,
    },
    /// The broker holds another copy.
    Duplicate {
        /// The message's id.
        message: String,
    },
    /// Anything else that the world does: time, services, outages, losses; and what clients do.
    Other,
}

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// A read.
    Get,
    /// A write or a batch.
    Write,
    /// A send.
    Send,
    /// An early ack.
    Ack,
    /// A sleep.
    Sleep,
    /// A call of a service.
    Call,
    /// A request over HTTP.
    Request,
}

/// How an operation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It takes effect, or is told why not (a conflict).
    Done,
    /// Refused: definite.
    Refused,
    /// Unknown, and it took effect.
    UnknownDone,
    /// Unknown, and it did nothing.
    UnknownNotDone,
    /// Otherwise: a spurious conflict, a stale read, no answer in an outage.
    Otherwise,
}

/// What a walk came to.
#[derive(Clone, Debug)]
pub struct Walked {
    /// The way, told in full.
    pub trace: Trace,
    /// The properties that it violated, each once, in the order in which it did.
    pub violated: Vec<Broken>,
}

/// A property that a walk violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The property, in words.
    pub claim: String,
    /// What is wrong.
    pub wrong: String,
    /// After how many of the walk's steps.
    pub after: usize,
}

/// Chooses the next of the possible steps, by its place; `None` ends the walk.
pub trait Guide {
    /// The next step.
    fn next(&mut self, possible: &[Possible]) -> Option<usize>;
}

/// Walks through a world to where the guide ends, and judges every state on the way, and the last as quiescent if it is.
///
/// `guide` may be asked for several guides: a world that must remember more begins again.
pub fn walk<G: Guide>(scenario: &Scenario, properties: &Properties<'_>, guide: &mut dyn FnMut() -> G) -> (Walked, G) {
    with_enough(scenario, properties, &mut |search| {
        let mut guide = guide();
        (search.walk(&mut guide), guide)
    })
}

impl Search<'_> {
    fn walk(&mut self, guide: &mut impl Guide) -> Walked {
        let mut violated = Vec::new();
        let mut teller = Teller::new(&mut self.engine);
        let quiescent = loop {
            let after = teller.steps_so_far();
            judge(teller.engine, &teller.state, &self.properties.always, &self.asked, after, &mut violated);
            let possible = teller.possible();
            if !teller.out.free {
                let properties = &self.properties.when_quiescent;
                judge(teller.engine, &teller.state, properties, &self.asked, after, &mut violated);
            }
            if after >= WALK_STEPS_MAX {
                break false;
            }
            match guide.next(&possible) {
                Some(at) => teller.take(at),
                None => break !teller.out.free,
            }
        };
        let end = teller.state.clone();
        let trace = teller.finish(quiescent, true);
        let after = trace.steps.len();
        if let Some((claim, wrong)) = self.broken_run(&end) {
            violated.push(Broken { claim, wrong, after });
        }
        let dead = self.engine.journals.value(end[JOURNAL]).facts().find_map(|fact| match fact {
            Fact::DeadLettered { id, .. } => Some(format!("{id} was dead-lettered")),
            _ => None,
        });
        let endless = (after >= WALK_STEPS_MAX).then(|| format!("after {after} steps it is not over"));
        if let (Some(progress), Some(wrong)) = (&self.properties.can_finish, dead.or(endless)) {
            violated.push(Broken { claim: progress.claim.to_owned(), wrong, after });
        }
        Walked { trace, violated }
    }
}

/// Judges one state by every property that was not violated before.
fn judge(
    engine: &Engine<'_>,
    state: &[u32],
    properties: &[Property<'_>],
    asked: &RefCell<FactsRead>,
    after: usize,
    violated: &mut Vec<Broken>,
) {
    let docs = engine.docs(state);
    let observation = engine.observation(state, &docs, asked);
    for property in properties {
        if violated.iter().any(|broken| broken.claim == property.claim) {
            continue;
        }
        let judged = watched(|| (property.judge)(&observation));
        let wrong = match judged {
            Ok(Ok(())) => continue,
            Ok(Err(wrong)) => wrong,
            Err(_) => "what the code shows or sends cannot be read".to_owned(),
        };
        violated.push(Broken { claim: property.claim.to_owned(), wrong, after });
    }
}

impl Teller<'_, '_> {
    /// Every step that can happen here.
    fn possible(&mut self) -> Vec<Possible> {
        let lines = self.lines_here();
        let taken: Vec<_> = self.out.iter().map(|(step, _)| *step).collect();
        lines
            .into_iter()
            .zip(taken)
            .map(|(line, step)| {
                let action = step.action;
                let slot = action.slot();
                let what = match action.kind() {
                    ActionKind::Deliver => What::Deliver { worker: self.node_at(slot), message: self.received(action) },
                    ActionKind::Ack => What::Ack { worker: self.node_at(slot), lost: false },
                    ActionKind::AckLost => What::Ack { worker: self.node_at(slot), lost: true },
                    ActionKind::Returned => What::Returned { worker: self.node_at(slot) },
                    ActionKind::Crash => What::Crash { worker: self.node_at(slot) },
                    ActionKind::LockExpired => What::LockExpired {
                        worker: Some(self.node_at(slot)),
                        message: self.held_id(slot).unwrap_or_default(),
                    },
                    ActionKind::DeadLockExpired => What::LockExpired { worker: None, message: self.copy_in(action) },
                    ActionKind::Duplicate => What::Duplicate { message: self.copy_in(action) },
                    ActionKind::Begin
                    | ActionKind::Call
                    | ActionKind::Answer
                    | ActionKind::Error
                    | ActionKind::Loss
                    | ActionKind::OutageBegins
                    | ActionKind::OutageEnds
                    | ActionKind::Due
                    | ActionKind::Timer
                    | ActionKind::RequestSent
                    | ActionKind::Response
                    | ActionKind::ResponseLost
                    | ActionKind::Served
                    | ActionKind::ServedUnheard
                    | ActionKind::RequestLost
                    | ActionKind::RequestDuplicated => What::Other,
                    kind => What::Operation {
                        worker: self.node_at(slot),
                        operation: self.doing_now(action),
                        how: match kind {
                            ActionKind::Done | ActionKind::Woken => How::Done,
                            ActionKind::Refused => How::Refused,
                            ActionKind::UnknownDone => How::UnknownDone,
                            ActionKind::UnknownNotDone | ActionKind::EarlyAckLost => How::UnknownNotDone,
                            _ => How::Otherwise,
                        },
                    },
                };
                Possible { line, what, fault: step.fault }
            })
            .collect()
    }
}

impl Doing {
    pub(crate) fn of(kind: Kind) -> Doing {
        match kind {
            Kind::Get { .. } | Kind::List => Doing::Get,
            Kind::Write { .. } => Doing::Write,
            Kind::Send => Doing::Send,
            Kind::Ack => Doing::Ack,
            Kind::Sleep => Doing::Sleep,
            Kind::Call => Doing::Call,
            Kind::Request => Doing::Request,
        }
    }
}
