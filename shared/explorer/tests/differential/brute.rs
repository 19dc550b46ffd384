//! The explorer's independent judge: a naive world that is re-executed from its beginning for every path.
//!
//! A path is a list of choices. The world at its end is found by taking them all, one by one, with real futures that
//! are polled with a no-op waker and live through the path. There are no memoised histories, no fingerprints and no
//! canonical forms: two states are one exactly if their full renderings (everything, each run's whole history
//! included) are the same text.
//!
//! It follows `SEMANTICS.md`, with the readings that are marked READING here where that text leaves a choice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use kit::errors::{AckErr, CallErr, HttpErr, SendErr, StoreErr};
use kit::port::{Answer, Change, Failure, Operation, Port, Reply, Write};
use kit::{Cx, Delivery, Msg, Request, Response, Version, When};
use sim::Fault;

use crate::spec::{CounterSpec, Kept, Rule, Spec, Till, delivery_of, run, serve};

// ---------------------------------------------------------------------------------------------------------
// A run's side: the port that its `Cx` leads to.

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Slot {
    Pending(Operation),
    Answered(Result<Reply, Failure>),
    Gone,
}

/// What one run has asked for, and been told.
#[derive(Default)]
struct Desk {
    slots: Vec<Slot>,
    /// The run's history, in text.
    history: Vec<String>,
    /// What was pending and has been dropped since the last look.
    dropped: Vec<(usize, Operation)>,
    /// How often was asked for ids and the time before this run first did, and by this run.
    drawn: (u64, u64),
    /// It wrote, sent or called something, or nobody knows whether it did.
    touched: bool,
}

/// What all runs share.
#[derive(Default)]
struct Common {
    /// How often ids and the time were asked for, for each message or call.
    draws: BTreeMap<String, u64>,
    now: u64,
    clock_was_read: bool,
}

struct Door {
    desk: Arc<Mutex<Desk>>,
    common: Arc<Mutex<Common>>,
    /// For what it draws: a message, or a call of a client.
    draws_for: String,
}

impl Port for Door {
    fn perform(&self, operation: Operation, _called_from: &'static Location<'static>) -> Answer {
        let asked = Asked { desk: self.desk.clone(), operation: Some(operation), at: None };
        Box::pin(asked)
    }

    fn draw(&self) -> u128 {
        let number = self.count();
        lock(&self.desk).history.push(format!("draws {number}"));
        // FNV-1a, 128 bits: a function of the name and the number.
        let name = format!("{} {number}", self.draws_for);
        name.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
        })
    }

    fn now_millis(&self) -> u64 {
        // Each asking takes a millisecond of its own.
        let number = self.count();
        let mut common = lock(&self.common);
        common.clock_was_read = true;
        let time = common.now + number;
        lock(&self.desk).history.push(format!("reads clock {time}"));
        time
    }
}

impl Door {
    /// How often somebody asked before, for the same message or call.
    fn count(&self) -> u64 {
        let mut common = lock(&self.common);
        let count = common.draws.entry(self.draws_for.clone()).or_default();
        *count += 1;
        let drawn = &mut lock(&self.desk).drawn;
        *drawn = if drawn.1 == 0 { (*count - 1, 1) } else { (drawn.0, drawn.1 + 1) };
        *count - 1
    }
}

/// One operation of a run, from its first poll to its answer.
struct Asked {
    desk: Arc<Mutex<Desk>>,
    operation: Option<Operation>,
    at: Option<usize>,
}

impl Future for Asked {
    type Output = Result<Reply, Failure>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let asked = &mut *self;
        let mut desk = lock(&asked.desk);
        let Some(at) = asked.at else {
            let operation = asked.operation.take().expect("it is polled for the first time");
            asked.at = Some(desk.slots.len());
            desk.slots.push(Slot::Pending(operation));
            return Poll::Pending;
        };
        match std::mem::replace(&mut desk.slots[at], Slot::Gone) {
            Slot::Answered(reply) => Poll::Ready(reply),
            pending => {
                desk.slots[at] = pending;
                Poll::Pending
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Some(at) = self.at else { return };
        let mut desk = lock(&self.desk);
        if let Slot::Pending(operation) = std::mem::replace(&mut desk.slots[at], Slot::Gone) {
            desk.dropped.push((at, operation));
        }
    }
}

type Code = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// A run under way, or ended and not yet done with.
struct RunState {
    desk: Arc<Mutex<Desk>>,
    future: Option<Code>,
    ended: Option<Result<String, String>>,
    /// Answers that it did not get because of an outage.
    no_answers: u32,
    draws_for: String,
    /// When its sleeps end, by operation.
    sleeps: BTreeMap<usize, u64>,
    /// The marks of its requests that were sent and have no answer, by operation.
    waits: BTreeMap<usize, u32>,
}

impl RunState {
    fn pending(&self) -> Vec<(usize, Operation)> {
        let desk = lock(&self.desk);
        let pending = |(at, slot): (usize, &Slot)| match slot {
            Slot::Pending(operation) => Some((at, operation.clone())),
            _ => None,
        };
        desk.slots.iter().enumerate().filter_map(pending).collect()
    }
}

// ---------------------------------------------------------------------------------------------------------
// The world.

/// One key.
#[derive(Clone, Debug, Default)]
struct Key {
    body: Option<String>,
    version: u64,
    /// Body and version before the last write.
    previous: Option<(Option<String>, u64)>,
}

/// One physical copy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CopyOf {
    msg: Msg,
    number: u32,
    deliveries: u32,
}

impl CopyOf {
    fn text(&self) -> String {
        format!("{}:{}:{}#{}x{}", self.msg.id, self.msg.kind, self.msg.body, self.number, self.deliveries)
    }
}

#[derive(Default)]
struct QueueState {
    visible: Vec<CopyOf>,
    locked: Vec<CopyOf>,
}

/// A request on its way, or in a server's hands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flying {
    host: String,
    request: Request,
    deadline: u64,
    /// Of the wait for its response; 0 where nobody waits.
    mark: u32,
}

impl Flying {
    /// A deadline that has passed while a server slept is one that passes now.
    fn text(&self, zero: u64) -> String {
        let Flying { host, request, deadline, mark } = self;
        format!("{host} {request} {} until {} mark {mark}", request.body, deadline.saturating_sub(zero))
    }
}

struct WorkerState {
    endpoint: usize,
    delivery: Option<Delivery>,
    /// `None` for a zombie, for who acked early, for a delivery from a lossy queue, and for a server.
    holds: Option<CopyOf>,
    /// What a server handles.
    serves: Option<Flying>,
    run: Option<RunState>,
}

struct ClientState {
    next: usize,
    /// It calls what it calls after an error, where that is something else.
    again: bool,
    run: Option<RunState>,
}

/// A fact, in this file's own words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FactText {
    pub(crate) kind: Kept,
    pub(crate) of: String,
    pub(crate) what: String,
}

/// Who runs code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Worker(usize),
    Client(usize),
}

/// How an operation is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    Ok,
    Refused,
    UnknownNotDone,
    UnknownDone,
    Spurious,
    Stale,
    NoAnswer,
    AckLost,
}

/// One step, without what becomes of operations that it drops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Deliver {
        worker: usize,
        copy: usize,
    },
    Operation {
        who: Who,
        at: usize,
        how: How,
    },
    Ack {
        worker: usize,
    },
    AckLost {
        worker: usize,
    },
    Returned {
        worker: usize,
    },
    DeadLockExpired {
        queue: &'static str,
        copy: usize,
    },
    Call {
        client: usize,
    },
    Answer {
        client: usize,
    },
    Error {
        client: usize,
    },
    TickMessage {
        delayed: usize,
    },
    TickSleep {
        who: Who,
        at: usize,
    },
    Timer,
    OutageEnds {
        target: String,
    },
    OutageBegins {
        target: String,
    },
    Crash {
        who: Who,
    },
    LockExpired {
        worker: usize,
    },
    Duplicate {
        queue: &'static str,
        copy: usize,
    },
    Loss {
        queue: &'static str,
        copy: usize,
    },
    DeliverRequest {
        worker: usize,
        flying: usize,
    },
    RequestSent {
        who: Who,
        at: usize,
    },
    /// By a service; `heard` where a run that waits gets the response.
    Served {
        flying: usize,
        heard: bool,
    },
    Response {
        worker: usize,
    },
    ResponseLost {
        worker: usize,
    },
    NoResponse {
        who: Who,
        at: usize,
    },
    TimedOut {
        who: Who,
        at: usize,
    },
    RequestLost {
        flying: usize,
    },
    RequestDuplicated {
        flying: usize,
    },
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Choice {
    pub(crate) act: Act,
    pub(crate) fault: Option<Fault>,
    /// For each operation that the step drops while it is pending: does it take effect?
    pub(crate) effects: Vec<bool>,
}

/// What taking a choice showed.
#[derive(Default)]
pub(crate) struct Taken {
    /// Operations dropped while pending.
    pub(crate) dropped: usize,
    pub(crate) dead_lettered: bool,
}

pub(crate) struct World<'a> {
    spec: &'a Spec,
    keys: BTreeMap<String, Key>,
    queues: BTreeMap<&'static str, QueueState>,
    delayed: Vec<(u64, &'static str, CopyOf)>,
    counter: Option<String>,
    till: Option<String>,
    /// Requests on their way.
    flying: Vec<Flying>,
    out: BTreeSet<String>,
    workers: Vec<WorkerState>,
    clients: Vec<ClientState>,
    spent: BTreeMap<Fault, u8>,
    facts: BTreeSet<FactText>,
    common: Arc<Mutex<Common>>,
    last_dead_lettered: bool,
}

const STORE: &str = "store";
const BUS: &str = "bus";
const NO_ANSWER: Failure = Failure::Http(HttpErr::NoAnswer);

fn target(operation: &Operation) -> Option<String> {
    match operation {
        Operation::Get { .. } | Operation::List { .. } | Operation::Write { .. } => Some(STORE.into()),
        Operation::Send { .. } | Operation::Ack => Some(BUS.into()),
        Operation::Call { service, .. } => Some(format!("service {service}")),
        Operation::Request { host, .. } => Some(format!("host {host}")),
        Operation::Sleep { .. } => None,
    }
}

/// May others see what it does?
fn touches(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Write { .. } | Operation::Send { .. } | Operation::Call { .. } | Operation::Request { .. }
    )
}

/// The answer of an operation whose outcome stays unknown.
fn unknown(operation: &Operation) -> Failure {
    match operation {
        Operation::Get { .. } | Operation::List { .. } | Operation::Write { .. } => Failure::Store(StoreErr::Unknown),
        Operation::Send { .. } => Failure::Send(SendErr::Unknown),
        Operation::Ack => Failure::Ack(AckErr::Unknown),
        Operation::Call { .. } => Failure::Call(CallErr::Unknown),
        Operation::Sleep { .. } => unreachable!("a sleep is always answered"),
        Operation::Request { .. } => NO_ANSWER,
    }
}

fn refused(operation: &Operation) -> Failure {
    match operation {
        Operation::Get { .. } | Operation::List { .. } | Operation::Write { .. } => Failure::Store(StoreErr::Throttled),
        Operation::Send { .. } => Failure::Send(SendErr::Refused),
        Operation::Call { .. } => Failure::Call(CallErr::Refused),
        Operation::Ack | Operation::Sleep { .. } => unreachable!("nobody refuses an ack or a sleep"),
        Operation::Request { .. } => unreachable!("nobody refuses a request"),
    }
}

fn reply_text(reply: &Result<Reply, Failure>) -> String {
    match reply {
        Ok(Reply::Document(Some((body, version)))) => format!("{body} v{}", version.as_store()),
        Ok(Reply::Document(None)) => "none".into(),
        Ok(Reply::Written(versions)) => {
            versions.iter().map(|version| format!("v{}", version.as_store())).collect::<Vec<_>>().join(" ")
        }
        Ok(Reply::Keys(keys)) => keys.join(" "),
        Ok(Reply::Done) => "done".into(),
        Ok(Reply::Answer(answer)) => answer.to_string(),
        Ok(Reply::Response(response)) => response.to_string(),
        Err(failure) => format!("{failure:?}"),
    }
}

impl<'a> World<'a> {
    pub(crate) fn new(spec: &'a Spec) -> Self {
        let mut world = World {
            spec,
            keys: BTreeMap::new(),
            queues: spec
                .endpoints
                .iter()
                .filter(|endpoint| endpoint.host().is_none())
                .map(|endpoint| (endpoint.queue, QueueState::default()))
                .collect(),
            delayed: Vec::new(),
            counter: spec.counter.as_ref().map(|counter| counter.start.to_string()),
            till: spec.till.map(str::to_owned),
            flying: Vec::new(),
            out: BTreeSet::new(),
            workers: Vec::new(),
            clients: spec.clients.iter().map(|_| ClientState { next: 0, again: false, run: None }).collect(),
            spent: BTreeMap::new(),
            facts: BTreeSet::new(),
            common: Arc::default(),
            last_dead_lettered: false,
        };
        for (key, text) in &spec.documents {
            // READING: a document that is there in the beginning was not "written": no stale read of it.
            let body = Some(format!("{text:?}"));
            world.keys.insert((*key).to_owned(), Key { body, version: 1, previous: None });
        }
        for message in &spec.messages {
            let copies = if spec.serial { 1 } else { message.copies.max(1) };
            for number in 0..u32::from(copies) {
                if let Some(queue) = world.queues.get_mut(message.queue) {
                    queue.visible.push(CopyOf { msg: message.msg(), number, deliveries: 0 });
                    queue.visible.sort();
                }
            }
        }
        for (at, endpoint) in spec.endpoints.iter().enumerate() {
            for _ in 0..if spec.serial { 1 } else { endpoint.workers } {
                world.workers.push(WorkerState { endpoint: at, delivery: None, holds: None, serves: None, run: None });
            }
        }
        world
    }

    fn now(&self) -> u64 {
        lock(&self.common).now
    }

    fn clock_was_read(&self) -> bool {
        lock(&self.common).clock_was_read
    }

    fn total(&self) -> u8 {
        if self.spec.serial { 0 } else { self.spec.total }
    }

    /// Faults so far.
    pub(crate) fn faults(&self) -> u8 {
        self.spent.values().sum()
    }

    fn may(&self, fault: Fault) -> bool {
        let spent = self.spent.get(&fault).copied().unwrap_or(0);
        self.faults() < self.total() && spent < self.spec.most(fault)
    }

    fn busy(&self) -> usize {
        self.workers.iter().filter(|worker| worker.run.is_some()).count()
            + self.clients.iter().filter(|client| client.run.is_some()).count()
    }

    /// Does nobody run, but runs that wait for a response?
    fn all_wait_for_responses(&self) -> bool {
        self.everybody().into_iter().filter_map(|who| self.run(who)).all(|run| !run.waits.is_empty())
    }

    fn host_of(&self, worker: usize) -> Option<&'static str> {
        self.spec.endpoints[self.workers[worker].endpoint].host()
    }

    /// Every run that waits for a response, by the operation and the mark of the wait.
    fn waits(&self) -> Vec<(Who, usize, u32)> {
        let of = |who: Who| {
            let waits = self.run(who).map(|run| run.waits.clone()).unwrap_or_default();
            waits.into_iter().map(move |(at, mark)| (who, at, mark))
        };
        self.everybody().into_iter().flat_map(of).collect()
    }

    /// Who waits for the response to this request.
    fn waiting(&self, flying: &Flying) -> Option<(Who, usize)> {
        self.waits().into_iter().find(|(.., mark)| *mark == flying.mark).map(|(who, at, _)| (who, at))
    }

    /// A deadline binds the clock until the response is on its way, but while the handler only sleeps.
    fn clock_may_reach(&self, due: u64) -> bool {
        let served = self.workers.iter().filter_map(|worker| {
            let (flying, run) = (worker.serves.as_ref()?, worker.run.as_ref()?);
            let busy = run.pending().iter().any(|(_, operation)| !matches!(operation, Operation::Sleep { .. }));
            (busy || run.ended.is_some()).then_some(flying)
        });
        due <= self.now() || self.flying.iter().chain(served).all(|flying| due < flying.deadline)
    }

    fn run(&self, who: Who) -> Option<&RunState> {
        match who {
            Who::Worker(at) => self.workers[at].run.as_ref(),
            Who::Client(at) => self.clients[at].run.as_ref(),
        }
    }

    fn run_mut(&mut self, who: Who) -> &mut RunState {
        let run = match who {
            Who::Worker(at) => self.workers[at].run.as_mut(),
            Who::Client(at) => self.clients[at].run.as_mut(),
        };
        run.expect("it runs")
    }

    fn everybody(&self) -> Vec<Who> {
        let workers = (0..self.workers.len()).map(Who::Worker);
        workers.chain((0..self.clients.len()).map(Who::Client)).collect()
    }

    fn queue_of(&self, worker: usize) -> &'static str {
        self.spec.endpoints[self.workers[worker].endpoint].queue
    }

    // -----------------------------------------------------------------------------------------------------
    // What can happen.

    /// Every step that can happen now.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        let mut choices = self.free();
        let mut fault = |fault: Fault, act: Act| {
            if self.may(fault) {
                choices.push(Choice { act, fault: Some(fault), effects: Vec::new() });
            }
        };
        for who in self.everybody() {
            let Some(run) = self.run(who) else { continue };
            fault(Fault::Crash, Act::Crash { who });
            if run.ended.is_some() {
                continue;
            }
            for (at, operation) in run.pending() {
                // A request that was sent needs nothing any more that could be out.
                if let Some(mark) = run.waits.get(&at) {
                    let goes_on = |worker: &&WorkerState| worker.run.as_ref().is_some_and(|run| run.ended.is_none());
                    let served = self.workers.iter().filter(goes_on).filter_map(|worker| worker.serves.as_ref());
                    if self.flying.iter().chain(served).any(|flying| flying.mark == *mark) {
                        fault(Fault::TimedOut, Act::TimedOut { who, at });
                    }
                    continue;
                }
                // READING: what is out answers nothing: it does not refuse, and does nothing unseen.
                if target(&operation).is_some_and(|target| self.out.contains(&target)) {
                    continue;
                }
                let mut struck = |kind: Fault, how: How| fault(kind, Act::Operation { who, at, how });
                match &operation {
                    Operation::Get { key, weak } => {
                        struck(Fault::ReadRefused, How::Refused);
                        if *weak && self.keys.get(key).is_some_and(|key| key.previous.is_some()) {
                            struck(Fault::StaleRead, How::Stale);
                        }
                    }
                    Operation::List { .. } => struck(Fault::ReadRefused, How::Refused),
                    Operation::Write { batch, writes } => {
                        struck(Fault::WriteRefused, How::Refused);
                        struck(Fault::WriteUnknown, How::UnknownNotDone);
                        if self.allowed(batch.as_deref(), writes).is_ok() && self.conditions_hold(writes) {
                            struck(Fault::WriteUnknown, How::UnknownDone);
                        }
                        if writes.iter().any(|write| matches!(write.when, When::Is(_))) {
                            struck(Fault::SpuriousConflict, How::Spurious);
                        }
                    }
                    Operation::Send { .. } => {
                        struck(Fault::SendRefused, How::Refused);
                        struck(Fault::SendUnknown, How::UnknownNotDone);
                        struck(Fault::SendUnknown, How::UnknownDone);
                    }
                    Operation::Call { .. } => {
                        struck(Fault::CallRefused, How::Refused);
                        struck(Fault::CallUnknown, How::UnknownNotDone);
                        struck(Fault::CallUnknown, How::UnknownDone);
                    }
                    Operation::Ack => {
                        if matches!(who, Who::Worker(worker) if self.workers[worker].holds.is_some()) {
                            struck(Fault::AckLost, How::AckLost);
                        }
                    }
                    Operation::Sleep { .. } | Operation::Request { .. } => {}
                }
            }
        }
        for (at, worker) in self.workers.iter().enumerate() {
            let (Some(run), Some(_)) = (&worker.run, &worker.holds) else { continue };
            fault(Fault::LockExpired, Act::LockExpired { worker: at });
            // READING: only a run that ended with `Ok` has an ack to lose.
            if matches!(run.ended, Some(Ok(_))) {
                fault(Fault::AckLost, Act::AckLost { worker: at });
            }
        }
        for (name, queue) in &self.queues {
            for copy in 0..queue.visible.len() {
                fault(Fault::Duplicate, Act::Duplicate { queue: name, copy });
                if self.spec.lossy.contains(name) {
                    fault(Fault::Loss, Act::Loss { queue: name, copy });
                }
            }
        }
        for (at, flying) in self.flying.iter().enumerate() {
            fault(Fault::RequestLost, Act::RequestLost { flying: at });
            fault(Fault::RequestDuplicated, Act::RequestDuplicated { flying: at });
            if flying.host == Till::NAME && self.waiting(flying).is_some() {
                fault(Fault::ResponseLost, Act::Served { flying: at, heard: false });
            }
        }
        for (at, worker) in self.workers.iter().enumerate() {
            let (Some(flying), Some(run)) = (&worker.serves, &worker.run) else { continue };
            if run.ended.is_some() && self.waiting(flying).is_some() {
                fault(Fault::ResponseLost, Act::ResponseLost { worker: at });
            }
        }
        let runs = self.everybody().into_iter().filter_map(|who| self.run(who));
        let unsent = |run: &RunState| {
            let pending = run.pending().into_iter();
            pending.filter(|(at, _)| !run.waits.contains_key(at)).collect::<Vec<_>>()
        };
        let wanted: BTreeSet<String> = runs.flat_map(unsent).filter_map(|(_, operation)| target(&operation)).collect();
        for target in wanted {
            if !self.out.contains(&target) {
                fault(Fault::Outage, Act::OutageBegins { target });
            }
        }
        choices
    }

    /// The free steps.
    pub(crate) fn free(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        let mut free = |act: Act| choices.push(Choice { act, fault: None, effects: Vec::new() });
        let may_begin = !self.spec.serial || self.busy() == 0;
        for (at, worker) in self.workers.iter().enumerate() {
            match &worker.run {
                None => {
                    let before = at.checked_sub(1).map(|before| &self.workers[before]);
                    let first = before.is_none_or(|before| before.endpoint != worker.endpoint || before.run.is_some());
                    if let Some(host) = self.host_of(at) {
                        let may_begin = !self.spec.serial || self.all_wait_for_responses();
                        let on_their_way = self.flying.iter().enumerate().filter(|(_, flying)| flying.host == host);
                        if first && may_begin {
                            on_their_way.for_each(|(flying, _)| free(Act::DeliverRequest { worker: at, flying }));
                        }
                    } else if first && may_begin {
                        let visible = self.queues[self.queue_of(at)].visible.len();
                        (0..visible).for_each(|copy| free(Act::Deliver { worker: at, copy }));
                    }
                }
                Some(RunState { ended: Some(_), .. }) if worker.serves.is_some() => free(Act::Response { worker: at }),
                Some(RunState { ended: Some(Ok(_)), .. }) => free(Act::Ack { worker: at }),
                Some(RunState { ended: Some(Err(_)), .. }) => free(Act::Returned { worker: at }),
                Some(_) => {}
            }
        }
        for (at, client) in self.clients.iter().enumerate() {
            match &client.run {
                None if may_begin && client.next < self.spec.clients[at].calls.len() => free(Act::Call { client: at }),
                Some(RunState { ended: Some(Ok(_)), .. }) => free(Act::Answer { client: at }),
                Some(RunState { ended: Some(Err(_)), .. }) => free(Act::Error { client: at }),
                _ => {}
            }
        }
        for who in self.everybody() {
            for (at, operation) in self.run(who).map(RunState::pending).unwrap_or_default() {
                if self.run(who).is_some_and(|run| run.waits.contains_key(&at)) {
                    continue;
                }
                match target(&operation) {
                    None => {}
                    Some(target) if self.out.contains(&target) => {
                        let few = self.run(who).is_some_and(|run| run.no_answers < 3);
                        few.then(|| free(Act::Operation { who, at, how: How::NoAnswer }));
                    }
                    Some(_) if matches!(operation, Operation::Request { .. }) => free(Act::RequestSent { who, at }),
                    Some(_) => free(Act::Operation { who, at, how: How::Ok }),
                }
            }
        }
        for (who, at, mark) in self.waits() {
            let served = self.workers.iter().filter_map(|worker| worker.serves.as_ref());
            if self.flying.iter().chain(served).all(|flying| flying.mark != mark) {
                free(Act::NoResponse { who, at });
            }
        }
        for (at, flying) in self.flying.iter().enumerate() {
            if flying.host == Till::NAME {
                free(Act::Served { flying: at, heard: true });
            }
        }
        for (name, queue) in &self.queues {
            (0..queue.locked.len()).for_each(|copy| free(Act::DeadLockExpired { queue: name, copy }));
        }
        // READING: where several are due at the earliest moment, any of them is the next.
        let sleeps = self.everybody().into_iter().flat_map(|who| {
            let sleeps = self.run(who).map(|run| run.sleeps.clone()).unwrap_or_default();
            sleeps.into_iter().map(move |(at, due)| (due, Act::TickSleep { who, at }))
        });
        let messages = self.delayed.iter().enumerate().map(|(at, (due, ..))| (*due, Act::TickMessage { delayed: at }));
        let due: Vec<(u64, Act)> = sleeps.chain(messages).collect();
        let earliest = due.iter().map(|(due, _)| *due).min();
        let due = due.into_iter().filter(|(due, _)| Some(*due) == earliest && self.clock_may_reach(*due));
        due.for_each(|(_, act)| free(act));
        if let (Some(counter), Some(state)) = (&self.spec.counter, &self.counter)
            && counter.timer(state).is_some_and(|after| after != *state)
        {
            free(Act::Timer);
        }
        self.out.iter().for_each(|target| free(Act::OutageEnds { target: target.clone() }));
        choices
    }

    /// No free step.
    pub(crate) fn quiescent(&self) -> bool {
        self.free().iter().all(|choice| matches!(choice.act, Act::Operation { how: How::NoAnswer, .. }))
    }

    // -----------------------------------------------------------------------------------------------------
    // What happens then.

    /// Takes a step.
    pub(crate) fn take(&mut self, choice: &Choice) -> Taken {
        self.last_dead_lettered = false;
        let mut dropped = 0;
        if let Some(fault) = choice.fault {
            *self.spent.entry(fault).or_default() += 1;
        }
        match &choice.act {
            Act::Deliver { worker, copy } => self.deliver(*worker, *copy),
            Act::Operation { who, at, how } => {
                let operation = self.operation(*who, *at);
                let reply = match how {
                    How::Ok => self.perform(Some(*who), &operation),
                    How::Refused => Err(refused(&operation)),
                    How::UnknownNotDone => Err(unknown(&operation)),
                    How::UnknownDone => {
                        self.perform(Some(*who), &operation).expect("it is only offered where it can be done");
                        Err(unknown(&operation))
                    }
                    How::Spurious => Err(Failure::Store(StoreErr::Conflict)),
                    How::Stale => {
                        let Operation::Get { key, .. } = &operation else { unreachable!("only reads are stale") };
                        let (body, version) = self.keys[key].previous.clone().expect("it was written");
                        Ok(Reply::Document(body.map(|body| (body.into(), version_of(version)))))
                    }
                    How::NoAnswer => {
                        self.run_mut(*who).no_answers += 1;
                        Err(unknown(&operation))
                    }
                    How::AckLost => {
                        let Who::Worker(worker) = *who else { unreachable!("only workers ack") };
                        let copy = self.workers[worker].holds.take().expect("it holds a copy");
                        self.give_back(self.queue_of(worker), copy);
                        Err(unknown(&operation))
                    }
                };
                if *how == How::NoAnswer {
                    // READING: a run's history tells what stayed unknown by an outage from what did by a fault.
                    lock(&self.run_mut(*who).desk).history.push("outage".into());
                }
                dropped = self.answer(*who, *at, reply, &choice.effects);
            }
            Act::Ack { worker } => {
                if self.workers[*worker].holds.take().is_some() {
                    self.acked(*worker);
                }
                self.rest(*worker);
            }
            Act::AckLost { worker } => {
                let copy = self.workers[*worker].holds.take().expect("it holds a copy");
                self.give_back(self.queue_of(*worker), copy);
                self.rest(*worker);
            }
            Act::Returned { worker } => {
                if let Some(copy) = self.workers[*worker].holds.take() {
                    self.give_back(self.queue_of(*worker), copy);
                }
                self.rest(*worker);
            }
            Act::DeadLockExpired { queue, copy } => {
                let copy = self.queues.get_mut(queue).expect("the queue").locked.remove(*copy);
                self.give_back(queue, copy);
            }
            Act::Call { client } => self.call(*client),
            Act::Answer { client } => {
                let answer = self.clients[*client].run.take().and_then(|run| run.ended).expect("it has ended");
                let answer = answer.expect("it has ended well");
                self.answered(*client, &format!("ok {answer:?}"));
                self.go_on(*client);
            }
            Act::Error { client } => {
                let error = self.clients[*client].run.take().and_then(|run| run.ended).expect("it has ended");
                self.failed(*client, &error.expect_err("it has ended badly"));
            }
            Act::TickMessage { delayed } => {
                let (due, queue, copy) = self.delayed.remove(*delayed);
                lock(&self.common).now = due;
                self.show(queue, copy);
            }
            Act::TickSleep { who, at } => {
                let due = self.run_mut(*who).sleeps[at];
                lock(&self.common).now = due;
                dropped = self.answer(*who, *at, Ok(Reply::Done), &choice.effects);
            }
            Act::Timer => {
                let counter = self.spec.counter.as_ref().expect("there is a counter");
                self.counter = self.counter.as_ref().and_then(|state| counter.timer(state));
            }
            Act::OutageEnds { target } => drop(self.out.remove(target)),
            Act::OutageBegins { target } => drop(self.out.insert(target.clone())),
            Act::Crash { who: Who::Worker(worker) } => {
                self.give_back_draws_of_the_dead(Who::Worker(*worker));
                self.waits_no_longer(Who::Worker(*worker));
                if let Some(copy) = self.workers[*worker].holds.take() {
                    let queue = self.queue_of(*worker);
                    let locked = &mut self.queues.get_mut(queue).expect("the queue").locked;
                    locked.push(copy);
                    locked.sort();
                }
                self.rest(*worker);
            }
            Act::Crash { who: Who::Client(client) } => {
                self.give_back_draws_of_the_dead(Who::Client(*client));
                self.waits_no_longer(Who::Client(*client));
                self.clients[*client].run = None;
                self.failed(*client, "no answer");
            }
            Act::LockExpired { worker } => {
                let copy = self.workers[*worker].holds.take().expect("it holds a copy");
                self.give_back(self.queue_of(*worker), copy);
            }
            Act::Duplicate { queue, copy } => {
                // READING: the other copy was delivered as often as the first.
                let mut copy = self.queues[queue].visible[*copy].clone();
                copy.number = self.free_number(queue, &copy.msg);
                self.show(queue, copy);
            }
            Act::Loss { queue, copy } => {
                self.queues.get_mut(queue).expect("the queue").visible.remove(*copy);
            }
            Act::DeliverRequest { worker, flying } => self.deliver_request(*worker, *flying),
            Act::RequestSent { who, at } => {
                let Operation::Request { host, request } = self.operation(*who, *at) else { unreachable!("a request") };
                let taken: BTreeSet<u32> = self.waits().into_iter().map(|(.., mark)| mark).collect();
                let mark = (1..).find(|mark| !taken.contains(mark)).expect("a mark is free");
                self.fly(host, request, mark);
                let run = self.run_mut(*who);
                run.waits.insert(*at, mark);
                lock(&run.desk).touched = true;
            }
            Act::Served { flying, heard } => {
                let flying = self.flying.remove(*flying);
                let waiting = self.waiting(&flying).filter(|_| *heard);
                let state = self.till.clone().expect("there is a till");
                let (after, response) = Till::handle(&state, &flying.request);
                self.till = Some(after);
                if let Some((who, at)) = waiting {
                    dropped = self.answer(who, at, Ok(Reply::Response(response)), &choice.effects);
                }
            }
            Act::Response { worker } | Act::ResponseLost { worker } => {
                let flying = self.workers[*worker].serves.take().expect("it serves a request");
                let run = self.workers[*worker].run.take().expect("it ran");
                let response = match run.ended.expect("it has ended") {
                    Ok(response) => serde_json::from_str::<Response>(&response).expect("a response"),
                    Err(reason) => kit::http::server_error(&reason),
                };
                self.rest(*worker);
                if let (Some((who, at)), Act::Response { .. }) = (self.waiting(&flying), &choice.act) {
                    dropped = self.answer(who, at, Ok(Reply::Response(response)), &choice.effects);
                }
            }
            Act::NoResponse { who, at } | Act::TimedOut { who, at } => {
                dropped = self.answer(*who, *at, Err(NO_ANSWER), &choice.effects);
            }
            Act::RequestLost { flying } => drop(self.flying.remove(*flying)),
            Act::RequestDuplicated { flying } => {
                self.flying.push(self.flying[*flying].clone());
                self.flying.sort();
            }
        }
        Taken { dropped, dead_lettered: self.last_dead_lettered }
    }

    fn operation(&self, who: Who, at: usize) -> Operation {
        let run = self.run(who).expect("it runs");
        let desk = lock(&run.desk);
        match &desk.slots[at] {
            Slot::Pending(operation) => operation.clone(),
            _ => unreachable!("the operation is pending"),
        }
    }

    fn rest(&mut self, worker: usize) {
        let worker = &mut self.workers[worker];
        (worker.delivery, worker.holds, worker.serves, worker.run) = (None, None, None, None);
    }

    /// Puts a request on its way.
    fn fly(&mut self, host: String, request: Request, mark: u32) {
        let deadline = self.now() + self.spec.flight();
        self.flying.push(Flying { host, request, deadline, mark });
        self.flying.sort();
    }

    /// Nobody waits any more for what bears this mark.
    fn forget(&mut self, mark: u32) {
        let served = self.workers.iter_mut().filter_map(|worker| worker.serves.as_mut());
        for flying in self.flying.iter_mut().chain(served).filter(|flying| flying.mark == mark) {
            flying.mark = 0;
        }
        self.flying.sort();
    }

    /// A run is gone that may have waited.
    fn waits_no_longer(&mut self, who: Who) {
        let waits = std::mem::take(&mut self.run_mut(who).waits);
        waits.into_values().for_each(|mark| self.forget(mark));
    }

    fn deliver_request(&mut self, worker: usize, flying: usize) {
        let flying = self.flying.remove(flying);
        let queue = self.queue_of(worker);
        let delivery = delivery_of(queue, &flying.request);
        let program = self.spec.endpoints[self.workers[worker].endpoint].program.clone();
        let draws_for = format!("{queue} {}", flying.request);
        self.workers[worker].delivery = Some(delivery.clone());
        self.workers[worker].serves = Some(flying);
        self.workers[worker].run = Some(self.begin(draws_for, |cx| {
            Box::pin(async move {
                let text = |response| serde_json::to_string(&response).expect("a response is plain data");
                serve(cx, delivery, program).await.map(text).map_err(|retry| retry.to_string())
            })
        }));
        self.poll(Who::Worker(worker), &[]);
    }

    fn fact(&mut self, kind: Kept, of: &str, what: String) {
        if self.spec.kept.iter().any(|(kept, name)| *kept == kind && *name == of) {
            self.facts.insert(FactText { kind, of: of.to_owned(), what });
        }
    }

    fn acked(&mut self, worker: usize) {
        let id = self.workers[worker].delivery.as_ref().expect("it has a delivery").id().to_string();
        self.fact(Kept::Acked, self.queue_of(worker), id);
    }

    fn answered(&mut self, client: usize, answer: &str) {
        let (name, call) = (self.spec.clients[client].name, self.clients[client].next);
        self.fact(Kept::Answered, name, format!("{call} {answer}"));
    }

    fn go_on(&mut self, client: usize) {
        let client = &mut self.clients[client];
        client.next += 1;
        client.again = false;
    }

    fn failed(&mut self, client: usize, error: &str) {
        let call = &self.spec.clients[client].calls[self.clients[client].next];
        match call.rule {
            // READING: that a client calls again is part of its state only where it then calls something else.
            _ if call.again.is_some() => self.clients[client].again = true,
            Rule::Calls => {}
            Rule::Tries => {
                self.answered(client, &format!("err {error}"));
                self.go_on(client);
            }
            Rule::CallsOrLeaves => {
                self.answered(client, &format!("err {error}"));
                self.clients[client].next = self.spec.clients[client].calls.len();
            }
        }
    }

    /// Makes a copy visible.
    fn show(&mut self, queue: &'static str, copy: CopyOf) {
        let visible = &mut self.queues.get_mut(queue).expect("the queue").visible;
        visible.push(copy);
        visible.sort();
    }

    /// Makes a copy visible again, or gives it up.
    ///
    /// READING: a copy whose ack was lost is given up too, where it was delivered as often as it may be.
    fn give_back(&mut self, queue: &'static str, copy: CopyOf) {
        let most = self.spec.deliveries_max.iter().find(|(name, _)| *name == queue);
        if most.is_some_and(|(_, most)| copy.deliveries >= u32::from(*most)) {
            self.last_dead_lettered = true;
            self.fact(Kept::DeadLettered, queue, copy.msg.id.to_string());
        } else {
            self.show(queue, copy);
        }
    }

    /// The lowest number that no copy of this message in this queue has.
    fn free_number(&self, queue: &'static str, msg: &Msg) -> u32 {
        let in_queue = self.queues[queue].visible.iter().chain(&self.queues[queue].locked);
        let delayed = self.delayed.iter().filter(|(_, name, _)| *name == queue).map(|(.., copy)| copy);
        let held = (0..self.workers.len())
            .filter(|worker| self.queue_of(*worker) == queue)
            .filter_map(|worker| self.workers[worker].holds.as_ref());
        let taken: BTreeSet<u32> =
            in_queue.chain(delayed).chain(held).filter(|copy| copy.msg == *msg).map(|copy| copy.number).collect();
        (0..).find(|number| !taken.contains(number)).expect("a number is free")
    }

    fn deliver(&mut self, worker: usize, copy: usize) {
        let queue = self.queue_of(worker);
        let mut copy = self.queues.get_mut(queue).expect("the queue").visible.remove(copy);
        if self.spec.deliveries_max.iter().any(|(name, _)| *name == queue) {
            copy.deliveries += 1;
        }
        let delivery = Delivery { msg: copy.msg.clone(), queue: queue.to_owned() };
        let program = self.spec.endpoints[self.workers[worker].endpoint].program.clone();
        // READING: a logical message is one id in one queue.
        let draws_for = format!("{queue} {}", copy.msg.id);
        self.workers[worker].delivery = Some(delivery.clone());
        // READING: from a lossy queue, a worker holds nothing: it cannot ack, give back or lose anything.
        self.workers[worker].holds = (!self.spec.lossy.contains(&queue)).then_some(copy);
        self.workers[worker].run = Some(self.begin(draws_for, |cx| {
            Box::pin(async move { run(cx, Some(delivery), program).await.map_err(|retry| retry.to_string()) })
        }));
        self.poll(Who::Worker(worker), &[]);
    }

    fn call(&mut self, client: usize) {
        let state = &self.clients[client];
        let call = &self.spec.clients[client].calls[state.next];
        let program = match &call.again {
            Some(again) if state.again => again.clone(),
            _ => call.program.clone(),
        };
        let draws_for = format!("{} {}", self.spec.clients[client].name, state.next);
        let run = self.begin(draws_for, |cx| {
            Box::pin(async move { run(cx, None, program).await.map_err(|retry| retry.to_string()) })
        });
        self.clients[client].run = Some(run);
        self.poll(Who::Client(client), &[]);
    }

    fn begin(&self, draws_for: String, code: impl FnOnce(Cx) -> Code) -> RunState {
        let desk = Arc::new(Mutex::new(Desk::default()));
        let door = Door { desk: desk.clone(), common: self.common.clone(), draws_for: draws_for.clone() };
        let future = Some(code(Cx::new(Arc::new(door))));
        RunState {
            desk,
            future,
            ended: None,
            no_answers: 0,
            draws_for,
            sleeps: BTreeMap::new(),
            waits: BTreeMap::new(),
        }
    }

    fn answer(&mut self, who: Who, at: usize, reply: Result<Reply, Failure>, effects: &[bool]) -> usize {
        let run = self.run_mut(who);
        run.sleeps.remove(&at);
        if let Some(mark) = run.waits.remove(&at) {
            self.forget(mark);
        }
        let run = self.run_mut(who);
        let mut desk = lock(&run.desk);
        desk.history.push(format!("{at}: {}", reply_text(&reply)));
        let Slot::Pending(operation) = &desk.slots[at] else { unreachable!("it is pending") };
        desk.touched |= touches(operation) && !matches!(reply, Err(failure) if failure.is_definite());
        desk.slots[at] = Slot::Answered(reply);
        drop(desk);
        self.poll(who, effects)
    }

    /// Polls a run, and lets those of its dropped operations take effect that shall. How many it dropped.
    fn poll(&mut self, who: Who, effects: &[bool]) -> usize {
        let now = self.now();
        let run = self.run_mut(who);
        let future = run.future.as_mut().expect("it has not ended");
        if let Poll::Ready(ended) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            run.ended = Some(ended);
            run.future = None;
        }
        let pending = run.pending();
        run.sleeps.retain(|at, _| pending.iter().any(|(pending, _)| pending == at));
        for (at, operation) in pending {
            if let Operation::Sleep { delay } = operation {
                run.sleeps.entry(at).or_insert(now + delay.as_millis() as u64);
            }
        }
        let mut desk = lock(&run.desk);
        let mut dropped = std::mem::take(&mut desk.dropped);
        desk.touched |= dropped.iter().any(|(_, operation)| touches(operation));
        drop(desk);
        // What was sent was sent; only nobody waits any more.
        let sent: Vec<u32> = dropped.iter().filter_map(|(at, _)| run.waits.get(at)).copied().collect();
        dropped.retain(|(at, _)| run.waits.remove(at).is_none());
        sent.into_iter().for_each(|mark| self.forget(mark));
        if self.run(who).is_some_and(|run| run.ended.is_some()) && !self.tells(who) {
            self.give_back_draws(who);
        }
        for ((_, operation), effect) in dropped.iter().zip(effects) {
            // READING: that holds during an outage too: the request had arrived before.
            match operation {
                Operation::Request { host, request } if *effect => self.fly(host.clone(), request.clone(), 0),
                _ if *effect && target(operation).is_some() => drop(self.perform(Some(who), operation)),
                _ => {}
            }
        }
        dropped.len()
    }

    /// Does somebody hear how this run of a client ended? Of a server's, others may hear what its response says.
    fn tells(&self, who: Who) -> bool {
        let client = match who {
            Who::Worker(worker) => return self.workers[worker].serves.is_some(),
            Who::Client(client) => client,
        };
        let call = &self.spec.clients[client].calls[self.clients[client].next];
        let calls_again = call.rule == Rule::Calls || call.again.is_some();
        !(calls_again && self.run(who).is_some_and(|run| matches!(run.ended, Some(Err(_)))))
    }

    /// READING: a crash ends a run that has not ended yet; one that has ended gives nothing back once more.
    fn give_back_draws_of_the_dead(&mut self, who: Who) {
        if self.run(who).is_some_and(|run| run.ended.is_none()) {
            self.give_back_draws(who);
        }
    }

    /// A run has ended of which nobody has seen anything: what it drew may be drawn again, unless another run drew
    /// since.
    fn give_back_draws(&mut self, who: Who) {
        let run = self.run(who).expect("it ran");
        let desk = lock(&run.desk);
        let ((before, own), touched) = (desk.drawn, desk.touched);
        if own == 0 || touched {
            return;
        }
        let mut common = lock(&self.common);
        if common.draws.get(&run.draws_for) == Some(&(before + own)) {
            if before == 0 {
                common.draws.remove(&run.draws_for);
            } else {
                common.draws.insert(run.draws_for.clone(), before);
            }
        }
    }

    /// What the store says to these writes whatever it holds.
    fn allowed(&self, batch: Option<&str>, writes: &[Write]) -> Result<(), StoreErr> {
        let partition = |key: &str| key.split('/').next().unwrap_or_default().to_owned();
        if batch.is_some_and(|batch| writes.iter().any(|write| partition(&write.key) != batch)) {
            return Err(StoreErr::CrossPartition);
        }
        let limits = self.spec.limits();
        let sizes = writes.iter().map(|write| match &write.change {
            Change::Put(body) => write.key.len() + body.len(),
            Change::Delete => 0,
        });
        let sizes: Vec<usize> = sizes.collect();
        let fits = sizes.iter().all(|size| *size <= limits.item_bytes)
            && sizes.iter().sum::<usize>() <= limits.batch_bytes
            && sizes.len() <= limits.batch_writes;
        if fits { Ok(()) } else { Err(StoreErr::TooLarge) }
    }

    fn conditions_hold(&self, writes: &[Write]) -> bool {
        writes.iter().all(|write| {
            let there = self.keys.get(&write.key).filter(|key| key.body.is_some());
            match &write.when {
                When::Always => true,
                When::Absent => there.is_none(),
                When::Is(version) => there.is_some_and(|key| version_of(key.version) == *version),
            }
        })
    }

    /// Lets an operation take effect.
    fn perform(&mut self, who: Option<Who>, operation: &Operation) -> Result<Reply, Failure> {
        match operation {
            Operation::Get { key, .. } => {
                let there = self.keys.get(key).and_then(|key| Some((key.body.clone()?, key.version)));
                Ok(Reply::Document(there.map(|(body, version)| (body.into(), version_of(version)))))
            }
            Operation::List { partition } => {
                let there =
                    |key: &&String| key.split('/').next() == Some(partition.as_str()) && self.keys[*key].body.is_some();
                let mut keys: Vec<String> = self.keys.keys().filter(there).cloned().collect();
                keys.sort();
                Ok(Reply::Keys(keys))
            }
            Operation::Write { batch, writes } => {
                self.allowed(batch.as_deref(), writes).map_err(Failure::Store)?;
                if !self.conditions_hold(writes) {
                    return Err(Failure::Store(StoreErr::Conflict));
                }
                let mut versions = Vec::new();
                for write in writes {
                    let key = self.keys.entry(write.key.clone()).or_default();
                    key.previous = Some((key.body.clone(), key.version));
                    key.version += 1;
                    key.body = match &write.change {
                        Change::Put(body) => {
                            versions.push(version_of(key.version));
                            Some(body.to_string())
                        }
                        Change::Delete => None,
                    };
                }
                Ok(Reply::Written(versions))
            }
            Operation::Send { queue, msg, delay } => {
                let what = format!("{} {} {}", msg.id, msg.kind, msg.body);
                self.fact(Kept::Sent, queue, what);
                if let Some((name, _)) = self.queues.get_key_value(queue.as_str()) {
                    let name = *name;
                    let copy = CopyOf { msg: msg.clone(), number: self.free_number(name, msg), deliveries: 0 };
                    if delay.is_zero() {
                        self.show(name, copy);
                    } else {
                        self.delayed.push((self.now() + delay.as_millis() as u64, name, copy));
                        self.delayed.sort();
                    }
                }
                Ok(Reply::Done)
            }
            Operation::Ack => {
                if let Some(Who::Worker(worker)) = who
                    && self.workers[worker].holds.take().is_some()
                {
                    self.acked(worker);
                }
                Ok(Reply::Done)
            }
            Operation::Sleep { .. } => unreachable!("time ends a sleep"),
            Operation::Request { .. } => unreachable!("a request is sent, and answered in another step"),
            Operation::Call { request, .. } => {
                let state = self.counter.clone().expect("there is a counter");
                let (after, answer) = CounterSpec::handle(&state, request);
                self.counter = Some(after);
                Ok(Reply::Answer(answer.into()))
            }
        }
    }

    // -----------------------------------------------------------------------------------------------------
    // What it looks like.

    /// The number of a client's next call, or of the one that runs.
    pub(crate) fn next_call(&self, client: usize) -> usize {
        self.clients[client].next
    }

    /// What properties may read.
    pub(crate) fn observable(&self) -> String {
        let documents = self.keys.iter().filter_map(|(name, key)| Some((name.as_str(), key.body.as_deref()?)));
        observable_text(documents, &self.facts, [self.counter.as_deref(), self.till.as_deref()])
    }

    /// The documents and services only, as a `Snapshot` of the explorer has them.
    pub(crate) fn outside(&self) -> [Vec<(String, String)>; 2] {
        let documents = self.keys.iter().filter_map(|(name, key)| Some((name.clone(), key.body.clone()?)));
        let states = [(CounterSpec::NAME, &self.counter), (Till::NAME, &self.till)].into_iter();
        let services = states.filter_map(|(name, state)| Some((name.to_owned(), state.clone()?)));
        [documents.collect(), services.collect()]
    }

    /// Everything, in text. Time is absolute where some handler reads the clock, else it counts from now.
    fn rendering(&self, absolute: bool) -> String {
        let mut text = self.observable();
        let common = lock(&self.common);
        for (name, key) in &self.keys {
            let _ = writeln!(text, "version {name} {}", key.version);
            // READING: the state before the last write is remembered where stale reads are among the faults.
            if self.total() > 0 && self.spec.most(Fault::StaleRead) > 0 {
                let _ = writeln!(text, "previous {name} {:?}", key.previous);
            }
        }
        for (name, queue) in &self.queues {
            let show = |copies: &[CopyOf]| copies.iter().map(CopyOf::text).collect::<Vec<_>>().join(" ");
            let _ = writeln!(text, "queue {name}: {} | {}", show(&queue.visible), show(&queue.locked));
        }
        let zero = if absolute { 0 } else { common.now };
        if absolute {
            let _ = writeln!(text, "now {}", common.now);
        }
        for (due, queue, copy) in &self.delayed {
            let _ = writeln!(text, "delayed {} {queue} {}", due - zero, copy.text());
        }
        for flying in &self.flying {
            let _ = writeln!(text, "on its way {}", flying.text(zero));
        }
        let _ = writeln!(text, "out {:?}", self.out);
        let _ = writeln!(text, "draws {:?}", common.draws);
        for (at, worker) in self.workers.iter().enumerate() {
            let (Some(run), Some(delivery)) = (&worker.run, &worker.delivery) else { continue };
            let holds = worker.holds.as_ref().map_or_else(|| "nothing".to_owned(), CopyOf::text);
            let _ = write!(text, "worker {at} handles {:?} of {}, holds {holds}", delivery.msg, delivery.queue);
            if let Some(flying) = &worker.serves {
                let _ = write!(text, ", serves {}", flying.text(zero));
            }
            render_run(&mut text, run, zero);
        }
        for (at, client) in self.clients.iter().enumerate() {
            let _ = write!(text, "client {at} call {} again {}", client.next, client.again);
            match &client.run {
                Some(run) => render_run(&mut text, run, zero),
                None => text.push('\n'),
            }
        }
        // READING: as `sim::Faults`: kinds that only the total bounds are not counted apart.
        let apart = |fault: &Fault| self.spec.most(*fault) < self.total();
        let spent: Vec<_> = self.spent.iter().filter(|(fault, _)| apart(fault)).collect();
        let _ = writeln!(text, "spent {} {spent:?}", self.faults());
        text
    }
}

/// What properties may read, in text: a line for each document, fact and service.
pub(crate) fn observable_text<'t>(
    documents: impl Iterator<Item = (&'t str, &'t str)>,
    facts: &BTreeSet<FactText>,
    services: [Option<&str>; 2],
) -> String {
    let mut text = String::new();
    for (key, body) in documents {
        let _ = writeln!(text, "document {key} = {body}");
    }
    for fact in facts {
        let _ = writeln!(text, "{:?} {} {}", fact.kind, fact.of, fact.what);
    }
    for (name, state) in [CounterSpec::NAME, Till::NAME].into_iter().zip(services) {
        if let Some(state) = state {
            let _ = writeln!(text, "service {name} = {state}");
        }
    }
    text
}

fn render_run(text: &mut String, run: &RunState, zero: u64) {
    let desk = lock(&run.desk);
    let _ = write!(text, " | {}", desk.history.join("; "));
    for (at, slot) in desk.slots.iter().enumerate() {
        if let Slot::Pending(operation) = slot {
            let _ = write!(text, " | waits {at} {operation:?}");
        }
    }
    for (at, due) in &run.sleeps {
        let _ = write!(text, " | sleeps {at} until {}", due - zero);
    }
    for (at, mark) in &run.waits {
        let _ = write!(text, " | {at} was sent with mark {mark}");
    }
    let _ = writeln!(text, " | {} no answers | ended {:?}", run.no_answers, run.ended);
}

fn version_of(number: u64) -> Version {
    Version::from_store(number.to_string())
}

// ---------------------------------------------------------------------------------------------------------
// The search.

/// One distinct state.
pub(crate) struct Node {
    parent: usize,
    choice: Option<Choice>,
    /// The least number of steps that lead there.
    pub(crate) steps: usize,
    pub(crate) faults: u8,
    pub(crate) quiescent: bool,
    /// Quiescent, and nobody waits for ever.
    pub(crate) over: bool,
    pub(crate) observable: String,
}

/// A transition.
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) act: Act,
    pub(crate) fault: Option<Fault>,
    pub(crate) dead_letters: bool,
}

/// The whole space.
pub(crate) struct Space {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    absolute: bool,
    /// Each rendering's place among the nodes.
    seen: BTreeMap<String, usize>,
}

/// The world at the end of a path.
pub(crate) fn at_end<'a>(spec: &'a Spec, path: &[Choice]) -> World<'a> {
    let mut world = World::new(spec);
    for choice in path {
        world.take(choice);
    }
    world
}

/// Was a message given up on this path?
pub(crate) fn gives_up(spec: &Spec, path: &[Choice]) -> bool {
    let mut world = World::new(spec);
    path.iter().any(|choice| world.take(choice).dead_lettered)
}

/// Visits every state, fewest steps first; `None` if there are more than `states_max`.
pub(crate) fn explore(spec: &Spec, states_max: usize) -> Option<Space> {
    explore_within(spec, states_max, false).or_else(|_| explore_within(spec, states_max, true)).unwrap_or(None)
}

/// Somebody reads the clock.
struct ClockIsRead;

fn explore_within(spec: &Spec, states_max: usize, absolute: bool) -> Result<Option<Space>, ClockIsRead> {
    let mut space = Space { nodes: Vec::new(), edges: Vec::new(), absolute, seen: BTreeMap::new() };
    let mut open = VecDeque::new();
    let start = World::new(spec);
    space.seen.insert(start.rendering(absolute), 0);
    space.nodes.push(node(&start, 0, None, 0));
    open.push_back(0);
    while let Some(from) = open.pop_front() {
        let path = space.path(from);
        // The first choice goes on in the world that showed the choices; each other one begins again.
        let mut here = Some(at_end(spec, &path));
        let mut left: VecDeque<Choice> = here.as_ref().map(World::choices).unwrap_or_default().into();
        while let Some(choice) = left.pop_front() {
            let mut world = here.take().unwrap_or_else(|| at_end(spec, &path));
            let taken = world.take(&choice);
            if choice.effects.is_empty() && taken.dropped > 0 {
                left.extend(with_effects(&choice, taken.dropped));
            }
            if world.clock_was_read() && !absolute {
                return Err(ClockIsRead);
            }
            let fresh = space.nodes.len();
            let to = *space.seen.entry(world.rendering(absolute)).or_insert(fresh);
            space.edges.push(Edge {
                from,
                to,
                act: choice.act.clone(),
                fault: choice.fault,
                dead_letters: taken.dead_lettered,
            });
            if to == fresh {
                if fresh == states_max {
                    return Ok(None);
                }
                let steps = space.nodes[from].steps + 1;
                space.nodes.push(node(&world, from, Some(choice), steps));
                open.push_back(fresh);
            }
        }
    }
    Ok(Some(space))
}

/// The same choice, for each other way in which its dropped operations may take effect.
fn with_effects(choice: &Choice, dropped: usize) -> impl Iterator<Item = Choice> {
    (1..1_u32 << dropped).map(move |mask| {
        let effects = (0..dropped).map(|at| mask >> at & 1 == 1).collect();
        Choice { effects, ..choice.clone() }
    })
}

fn node(world: &World<'_>, parent: usize, choice: Option<Choice>, steps: usize) -> Node {
    let (faults, quiescent, observable) = (world.faults(), world.quiescent(), world.observable());
    let over = quiescent && world.everybody().into_iter().all(|who| world.run(who).is_none());
    Node { parent, choice, steps, faults, quiescent, over, observable }
}

/// Every step that can follow a path, with each way in which its dropped operations may take effect.
pub(crate) fn continuations(spec: &Spec, path: &[Choice]) -> Vec<Choice> {
    let mut choices = Vec::new();
    for choice in at_end(spec, path).choices() {
        let dropped = at_end(spec, path).take(&choice).dropped;
        choices.extend(with_effects(&choice, dropped).collect::<Vec<_>>());
        choices.push(choice);
    }
    choices
}

impl Space {
    /// The choices that lead to a node, in the fewest steps.
    pub(crate) fn path(&self, mut node: usize) -> Vec<Choice> {
        let mut path = Vec::new();
        while let Some(choice) = &self.nodes[node].choice {
            path.push(choice.clone());
            node = self.nodes[node].parent;
        }
        path.reverse();
        path
    }

    /// The place of a world's state among the nodes.
    pub(crate) fn find(&self, world: &World<'_>) -> Option<usize> {
        self.seen.get(&world.rendering(self.absolute)).copied()
    }

    /// What can be observed, of all states or of the quiescent ones.
    pub(crate) fn observables(&self, quiescent_only: bool) -> BTreeSet<String> {
        let nodes = self.nodes.iter().filter(|node| node.quiescent || !quiescent_only);
        nodes.map(|node| node.observable.clone()).collect()
    }

    /// The least faults, and the least steps among those, of a node of which `bad` is true.
    pub(crate) fn least(&self, bad: impl Fn(usize, &Node) -> bool) -> Option<(u8, usize)> {
        let nodes = self.nodes.iter().enumerate().filter(|(at, node)| bad(*at, node));
        nodes.map(|(_, node)| (node.faults, node.steps)).min()
    }

    /// For each state: can a quiescent one be reached from it, without faults, and without giving a message up?
    pub(crate) fn can_finish(&self) -> Vec<bool> {
        let mut can: Vec<bool> = self.nodes.iter().map(|node| node.over).collect();
        loop {
            let mut changed = false;
            for edge in &self.edges {
                if edge.fault.is_none() && !edge.dead_letters && can[edge.to] && !can[edge.from] {
                    can[edge.from] = true;
                    changed = true;
                }
            }
            if !changed {
                return can;
            }
        }
    }

    /// The least faults, and the least steps among those, after which a message was given up.
    ///
    /// READING: where a message was given up, nothing finishes well any more, also if a fault did that.
    pub(crate) fn least_dead_letter(&self) -> Option<(u8, usize)> {
        let edges = self.edges.iter().filter(|edge| edge.dead_letters);
        let after = |edge: &Edge| {
            let from = &self.nodes[edge.from];
            (from.faults + u8::from(edge.fault.is_some()), from.steps + 1)
        };
        edges.map(after).min()
    }
}
