//! One schedule, told in full: what a diagram, a page and a replay are made from.

use serde::Serialize;
use sim::Fault;

/// A schedule told in full.
#[derive(Clone, Debug, Serialize)]
pub struct Trace {
    /// Who takes part, in the order of the diagram's columns: clients, workers, services, stores, queues.
    pub participants: Vec<Participant>,
    /// The world before the first step.
    pub initial: Snapshot,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// True if the last state is quiescent: nothing but faults could happen any more.
    pub quiescent: bool,
}

impl Trace {
    /// What happens in it, without names: two attempts of one idea have one shape, whatever they call their documents.
    /// Each step is who acts (numbered as they appear), what it does, and the fault that it is.
    pub fn shape(&self) -> String {
        let mut actors: Vec<usize> = Vec::new();
        let steps = self.steps.iter().map(|step| {
            // A queue that delivers acts upon a worker: it is the worker that is told apart.
            let who = if step.kind == StepKind::Deliver { step.to } else { step.from };
            let acts = matches!(self.participants[who].role, Role::Client | Role::Worker);
            let number = acts.then(|| {
                let at = actors.iter().position(|actor| *actor == who).unwrap_or_else(|| {
                    actors.push(who);
                    actors.len() - 1
                });
                format!("{} ", at + 1)
            });
            let verb = match step.kind {
                StepKind::Operation | StepKind::Request => step.label.split(' ').next().unwrap_or_default().to_owned(),
                kind => serde_json::to_value(kind)
                    .ok()
                    .and_then(|name| Some(name.as_str()?.replace('_', " ")))
                    .unwrap_or_default(),
            };
            let how = match (step.fault, step.result.as_str()) {
                (Some(fault), result) if result.contains("was done") => format!(" ({fault}, done)"),
                (Some(fault), _) => format!(" ({fault})"),
                (None, result) if result.starts_with("conflict") => " (conflict)".to_owned(),
                (None, _) => String::new(),
            };
            format!("{}{verb}{how}", number.unwrap_or_default())
        });
        steps.collect::<Vec<_>>().join(", ")
    }

    /// How many of its steps are faults.
    pub fn faults(&self) -> u8 {
        self.steps.iter().filter(|step| step.fault.is_some()).count() as u8
    }
}

/// A column of the diagram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Participant {
    /// Such as `shopper`, `Storefront A`, `documents`, `orders`.
    pub name: String,
    /// What it is.
    pub role: Role,
}

/// What a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Somebody who calls.
    Client,
    /// A node that runs attendee's code.
    Worker,
    /// The document store.
    Store,
    /// A queue.
    Queue,
    /// Somebody else's system.
    Service,
}

/// What kind of step it is: the actions of the world, in the field's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// A client calls a node.
    Call,
    /// A node's answer reaches the client.
    Answer,
    /// A worker locks one copy of a message.
    Deliver,
    /// An operation of a run takes effect, or fails.
    Operation,
    /// A request goes out over HTTP.
    Request,
    /// A response reaches whoever waits for it, or nobody.
    Response,
    /// A run that waits for a response gets none.
    NoResponse,
    /// The network loses a request, or holds another copy of it.
    Network,
    /// A copy is removed, or the ack never arrives.
    Ack,
    /// A failed handling gives its copy back.
    Returned,
    /// A node dies.
    Crash,
    /// A copy becomes visible while its worker still lives, or after it died.
    LockExpired,
    /// The broker holds another copy.
    Duplicate,
    /// A lossy queue loses a copy.
    Loss,
    /// A store, the bus or a service stops answering.
    OutageBegins,
    /// It answers again.
    OutageEnds,
    /// Time moves on.
    Tick,
    /// A service acts on its own.
    Timer,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its line in a schedule file, which names it among all that could happen there.
    pub line: String,
    /// What kind of step it is.
    pub kind: StepKind,
    /// Who acts: an index into the participants.
    pub from: usize,
    /// Upon whom: an index into the participants; the actor itself where nobody else is touched.
    pub to: usize,
    /// What it does, such as `put cart-1`.
    pub label: String,
    /// What comes back, such as `ok`, `conflict`, `refused`; empty where nothing does.
    pub result: String,
    /// What it carries, shortened: the document, the body.
    pub detail: String,
    /// The fault that this step is, if it is one.
    pub fault: Option<Fault>,
    /// True if from here on no good ending can be reached, whatever happens, and it could before.
    pub point_of_no_return: bool,
    /// Where in the handler's source the operation was called: file and line.
    pub at: Option<(String, u32)>,
    /// What the client hears in the same step, if its run ended with an error there, such as
    /// `error: the cart was ordered already`.
    pub heard: Option<String>,
    /// The handler's own log lines, from this step to its next operation.
    pub logs: Vec<String>,
    /// Ends a run that began earlier and that nothing disturbed, so that a diagram may fold it into one line; the
    /// index of the run's first step.
    pub undisturbed_since: Option<usize>,
    /// The world after it.
    pub after: Snapshot,
}

/// The world at one moment, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Each document: key, JSON.
    pub documents: Vec<(String, String)>,
    /// Each queue: name, its copies, such as `m1 (visible)`, `m1 (locked by Orders A)`.
    pub queues: Vec<(String, Vec<String>)>,
    /// What was sent so far, in order: queue; kind, id and body of the message.
    pub sent: Vec<(String, String)>,
    /// Each service: name, state as JSON.
    pub services: Vec<(String, String)>,
    /// What each node is doing, such as `Orders A: handles m1, waits for put cart-1`.
    pub nodes: Vec<(String, String)>,
    /// What each client was told: client, call, answer.
    pub answers: Vec<(String, String)>,
    /// The faults spent so far.
    pub faults: u8,
}
