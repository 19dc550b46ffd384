//! One run of a handler against recorded answers: the attendee's `async fn`, polled until it needs an answer
//! that nobody has recorded yet.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use kit::port::{Answer, Failure, Operation, Port, Reply};
use kit::{Cx, Delivery, Request};

use crate::count::many;
use crate::scenario::{Call, Handler, RequestHandler, Run};

/// When the code that is running now was last polled, in milliseconds since the process's first run; 0 while no
/// code of an attendee runs. A watchdog reads it from another thread.
pub static POLLED_AT_MILLIS: AtomicU64 = AtomicU64::new(0);

/// How often a run may wake itself without any answer, before it counts as never finishing.
const SELF_WAKES_MAX: u32 = 1_000;

/// The code of a run.
#[derive(Clone)]
pub(crate) enum Code {
    Endpoint(Handler, Delivery),
    Server(RequestHandler, Request),
    Call(Call),
}

/// What a part of a run sees of ids, randomness and time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// Whose draws these are: a hash of the logical message or the client's call.
    pub(crate) owner: u64,
    /// How many draws there were before.
    pub(crate) drawn: u32,
    /// The world's clock.
    pub(crate) now_millis: u64,
}

/// An operation that the run has polled and that has no answer yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// Its place among all operations of the run, in the order in which they were first polled.
    pub(crate) ordinal: usize,
    pub(crate) operation: Operation,
    pub(crate) at: &'static Location<'static>,
}

/// How a run ended, if it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With `Ok`; a client's answer as JSON text.
    Ok(String),
    /// With `Err` and its text.
    Err(String),
    /// It misbehaved.
    Bad(Misbehaviour),
}

/// A line of source: file and line.
pub type Line = (String, u32);

/// What a handler must not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misbehaviour {
    NotWritten {
        message: String,
        at: Option<Line>,
    },
    Panics {
        message: String,
        at: Option<Line>,
    },
    /// Two runs of one history asked for different things.
    NotDeterministic {
        first: String,
        second: String,
    },
    /// It waits for something that is not of `Cx`.
    WaitsOutside,
    /// Too many operations.
    DoesNotFinish {
        operations: usize,
    },
    /// It asks to be polled again and again, without any answer.
    WakesItself,
}

/// Where a run stands after the answers so far.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stand {
    /// Unanswered operations, by ordinal.
    pub(crate) pending: Vec<Asked>,
    /// Operations that were dropped unanswered since the last answer.
    pub(crate) dropped: Vec<Asked>,
    pub(crate) ending: Option<Ending>,
    /// Draws since the last answer.
    pub(crate) draws: u32,
    /// Whether the clock was read since the last answer.
    pub(crate) read_clock: bool,
}

/// Where a run stands, in numbers: operations that wait, operations and draws since the last answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) pending: usize,
    pub(crate) dropped: usize,
    pub(crate) draws: u32,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { pending, dropped, draws } = self;
        write!(f, "it waits for {}, ", many(*pending as u64, "answer"))?;
        write!(f, "gave up {}, drew {}", many(*dropped as u64, "operation"), many(u64::from(*draws), "id"))
    }
}

/// One answer in a run's history.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) ordinal: usize,
    pub(crate) reply: Result<Reply, Failure>,
    /// What the run sees from then on.
    pub(crate) surroundings: Surroundings,
}

enum OperationState {
    Waiting(Option<Waker>),
    Answered(Result<Reply, Failure>),
    Over,
}

struct Recorded {
    asked: Asked,
    state: OperationState,
}

#[derive(Default)]
struct Record {
    operations: Vec<Recorded>,
    dropped: Vec<usize>,
    surroundings: Surroundings,
    draws: u32,
    read_clock: bool,
    over: bool,
}

struct Recorder(Mutex<Record>);

impl Recorder {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

struct Door(Arc<Recorder>);

impl Port for Door {
    fn perform(&self, operation: Operation, at: &'static Location<'static>) -> Answer {
        Box::pin(Pending { recorder: self.0.clone(), asked: Some((operation, at)), ordinal: None })
    }

    fn draw(&self) -> u128 {
        let mut record = self.0.record();
        let number = record.surroundings.drawn + record.draws;
        record.draws += 1;
        mixed(record.surroundings.owner, number)
    }

    fn now_millis(&self) -> u64 {
        // Like a draw: no two attempts read the same time, even where nothing else makes time pass.
        let mut record = self.0.record();
        let number = record.surroundings.drawn + record.draws;
        record.draws += 1;
        record.read_clock = true;
        record.surroundings.now_millis + u64::from(number)
    }
}

/// 128 well-mixed bits: two rounds of SplitMix64's finaliser.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
fn mixed(owner: u64, number: u32) -> u128 {
    let round = |mut z: u64| {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let high = round(owner ^ round(u64::from(number)));
    let low = round(high ^ owner.rotate_left(32) ^ u64::from(number));
    u128::from(high) << 64 | u128::from(low)
}

struct Pending {
    recorder: Arc<Recorder>,
    asked: Option<(Operation, &'static Location<'static>)>,
    ordinal: Option<usize>,
}

impl Future for Pending {
    type Output = Result<Reply, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut record = this.recorder.record();
        let ordinal = match this.ordinal {
            Some(ordinal) => ordinal,
            None => {
                let (operation, at) = this.asked.take().expect("an operation is asked once");
                let ordinal = record.operations.len();
                let asked = Asked { ordinal, operation, at };
                record.operations.push(Recorded { asked, state: OperationState::Waiting(None) });
                this.ordinal = Some(ordinal);
                ordinal
            }
        };
        let state = &mut record.operations[ordinal].state;
        match std::mem::replace(state, OperationState::Over) {
            OperationState::Answered(reply) => Poll::Ready(reply),
            _ => {
                *state = OperationState::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some(ordinal) = self.ordinal else { return };
        let mut record = self.recorder.record();
        if !record.over && matches!(record.operations[ordinal].state, OperationState::Waiting(_)) {
            record.operations[ordinal].state = OperationState::Over;
            record.dropped.push(ordinal);
        }
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

enum Started {
    Endpoint(Run<Result<(), kit::Retry>>),
    Call(Run<Result<String, String>>),
}

/// A run that is under way.
pub(crate) struct Running {
    recorder: Arc<Recorder>,
    started: Option<Started>,
    flag: Arc<Flag>,
    ending: Option<Ending>,
}

impl Running {
    /// Starts a run, up to its first operations.
    pub(crate) fn start(code: &Code, surroundings: Surroundings) -> Running {
        let record = Record { surroundings, ..Record::default() };
        let recorder = Arc::new(Recorder(Mutex::new(record)));
        let cx = Cx::new(Arc::new(Door(recorder.clone())));
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let mut running = Running { recorder, started: None, flag, ending: None };
        let started = watched(|| match code {
            Code::Endpoint(handler, delivery) => Started::Endpoint(handler(cx, delivery.clone())),
            Code::Server(handler, request) => Started::Call(handler(cx, request.clone())),
            Code::Call(call) => Started::Call(call(cx)),
        });
        match started {
            Ok(started) => {
                running.started = Some(started);
                running.poll();
            }
            Err(bad) => running.ending = Some(Ending::Bad(bad)),
        }
        running
    }

    /// Gives one answer, and goes on to the next operations. False if there is no such question.
    pub(crate) fn answer(&mut self, answered: &Answered) -> bool {
        {
            let mut record = self.recorder.record();
            record.dropped.clear();
            record.draws = 0;
            record.read_clock = false;
            record.surroundings = answered.surroundings;
            let Some(recorded) = record.operations.get_mut(answered.ordinal) else { return false };
            let answer = OperationState::Answered(answered.reply.clone());
            match std::mem::replace(&mut recorded.state, answer) {
                OperationState::Waiting(waker) => {
                    drop(record);
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                }
                _ => return false,
            }
        }
        self.poll();
        true
    }

    /// The operation that was asked at this place.
    pub(crate) fn asked(&self, ordinal: usize) -> Option<Operation> {
        self.recorder.record().operations.get(ordinal).map(|recorded| recorded.asked.operation.clone())
    }

    /// Where the run stands, in numbers.
    pub(crate) fn tally(&self) -> Tally {
        let record = self.recorder.record();
        let waiting = |recorded: &&Recorded| matches!(recorded.state, OperationState::Waiting(_));
        let pending = record.operations.iter().filter(waiting).count();
        Tally { pending, dropped: record.dropped.len(), draws: record.draws }
    }

    /// Where the run stands.
    pub(crate) fn stand(&self) -> Stand {
        let record = self.recorder.record();
        let waiting = |recorded: &&Recorded| matches!(recorded.state, OperationState::Waiting(_));
        let pending: Vec<Asked> =
            record.operations.iter().filter(waiting).map(|recorded| recorded.asked.clone()).collect();
        let dropped = record.dropped.iter().map(|at| record.operations[*at].asked.clone()).collect();
        let ending = match &self.ending {
            None if pending.is_empty() => Some(Ending::Bad(Misbehaviour::WaitsOutside)),
            ending => ending.clone(),
        };
        let pending = if ending.is_some() { Vec::new() } else { pending };
        Stand { pending, dropped, ending, draws: record.draws, read_clock: record.read_clock }
    }

    fn poll(&mut self) {
        let waker = Waker::from(self.flag.clone());
        for _ in 0..SELF_WAKES_MAX {
            self.flag.0.store(false, Ordering::Relaxed);
            let Some(started) = &mut self.started else { return };
            let mut context = Context::from_waker(&waker);
            let polled = watched(|| match started {
                Started::Endpoint(run) => run.as_mut().poll(&mut context).map(|outcome| match outcome {
                    Ok(()) => Ending::Ok(String::new()),
                    Err(retry) => Ending::Err(retry.reason().to_owned()),
                }),
                Started::Call(run) => run.as_mut().poll(&mut context).map(|outcome| match outcome {
                    Ok(answer) => Ending::Ok(answer),
                    Err(error) => Ending::Err(error),
                }),
            });
            match polled {
                Ok(Poll::Ready(ending)) => self.ending = Some(ending),
                Ok(Poll::Pending) if self.flag.0.load(Ordering::Relaxed) => continue,
                Ok(Poll::Pending) => return,
                Err(bad) => self.ending = Some(Ending::Bad(bad)),
            }
            self.close(false);
            return;
        }
        self.ending = Some(Ending::Bad(Misbehaviour::WakesItself));
        self.close(true);
    }

    /// Drops the future. What it drops unanswered counts, unless the run is only looked at.
    fn close(&mut self, silently: bool) {
        if silently {
            self.recorder.record().over = true;
        }
        if let Some(started) = self.started.take() {
            let _ = watched(|| drop(started));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.close(true);
    }
}

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static PANICKED: RefCell<Option<Line>> = const { RefCell::new(None) };
}

/// Runs a piece of an attendee's code: a panic is an answer, not an end.
pub(crate) fn watched<T>(code: impl FnOnce() -> T) -> Result<T, Misbehaviour> {
    static HOOK: Once = Once::new();
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if WATCHED.get() {
                let at = info.location().map(|at| (at.file().to_owned(), at.line()));
                PANICKED.with_borrow_mut(|panicked| *panicked = at);
            } else {
                previous(info);
            }
        }));
    });
    let began = BEGAN.get_or_init(Instant::now);
    let outer = WATCHED.replace(true);
    POLLED_AT_MILLIS.store(began.elapsed().as_millis() as u64 + 1, Ordering::Relaxed);
    let result = catch_unwind(AssertUnwindSafe(code));
    let polled = if outer { began.elapsed().as_millis() as u64 + 1 } else { 0 };
    POLLED_AT_MILLIS.store(polled, Ordering::Relaxed);
    WATCHED.set(outer);
    result.map_err(|payload| {
        let message = text(&*payload);
        let at = PANICKED.with_borrow_mut(Option::take);
        let says = |kin: &str| message == kin || message.starts_with(&format!("{kin}: "));
        if says("not yet implemented") || says("not implemented") {
            Misbehaviour::NotWritten { message, at }
        } else if message.contains("there is no reactor running") || message.contains("Tokio 1.x") {
            Misbehaviour::WaitsOutside
        } else {
            Misbehaviour::Panics { message, at }
        }
    })
}

/// How code ended that did not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broke {
    /// It says of itself that it is not written yet.
    NotWritten {
        /// What it says.
        message: String,
        /// File and line.
        at: Option<Line>,
    },
    /// It panicked.
    Panicked {
        /// With which words.
        message: String,
        /// File and line.
        at: Option<Line>,
    },
}

/// Runs code of an attendee that is no handler.
///
/// # Errors
/// How it ended, if it did not return.
pub fn caught<T>(code: impl FnOnce() -> T) -> Result<T, Broke> {
    watched(code).map_err(|bad| match bad {
        Misbehaviour::NotWritten { message, at } => Broke::NotWritten { message, at },
        Misbehaviour::Panics { message, at } => Broke::Panicked { message, at },
        other => Broke::Panicked { message: format!("{other:?}"), at: None },
    })
}

fn text(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    }
}
