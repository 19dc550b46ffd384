//! Unfolds a schedule in a few words ([`kit::schedule`]) into every step of a world.

use explorer::walk::{Doing, Guide, How, Possible, What};
use kit::schedule::{Failing, Next, Operation, STEPS_MAX, Schedule, Step, Worker};

/// What to do with a step that cannot happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// The schedule is illegal.
    Refuse,
    /// It is left out.
    Skip,
}

/// Follows a schedule, and then lets the world go on undisturbed until nothing is left.
pub(crate) struct Unfolding<'a> {
    steps: &'a [Step],
    otherwise: Otherwise,
    /// The next step of the schedule.
    at: usize,
    /// How many operations of its kind that step has let pass.
    passed: u8,
    /// Whether that step's worker has gone on towards it.
    under_way: bool,
    /// Workers that take their time, in the order in which they were delayed.
    delayed: Vec<Worker>,
    /// Messages that somebody has received.
    received: Vec<String>,
    /// Which step cannot happen, from 1, and the rule that it breaks.
    pub(crate) illegal: Option<(usize, String)>,
}

/// What comes of a step of the schedule, where the world stands.
enum Outcome {
    /// The world takes this step; the schedule goes on to its next one, or stays.
    Take {
        at: usize,
        next: bool,
    },
    /// Nothing happens in the world.
    Next,
    Illegal(String),
}

impl<'a> Unfolding<'a> {
    pub(crate) fn of(schedule: &'a Schedule, otherwise: Otherwise) -> Self {
        Unfolding {
            steps: schedule.steps(),
            otherwise,
            at: 0,
            passed: 0,
            under_way: false,
            delayed: Vec::new(),
            received: Vec::new(),
            illegal: too_long(schedule).map(|rule| (STEPS_MAX + 1, rule)),
        }
    }

    /// Whether the schedule speaks of this worker again, before it gives it another message.
    fn is_spoken_of(&self, worker: Worker) -> bool {
        self.steps[self.at..]
            .iter()
            .find(|step| step.worker() == Some(worker))
            .is_some_and(|step| !matches!(step, Step::Deliver(..)))
    }

    fn step(&mut self, step: &Step, possible: &[Possible]) -> Outcome {
        match step {
            Step::Deliver(message, worker) => self.deliver(message, *worker, possible),
            Step::Duplicate(message) => {
                let duplicate = |what: &What| matches!(what, What::Duplicate { message: m } if m == message);
                match find(possible, duplicate) {
                    Some(at) => Outcome::Take { at, next: true },
                    None => Outcome::Illegal(self.no_copy(message, possible)),
                }
            }
            Step::ExpireLock(worker) => {
                let expires = |what: &What| matches!(what, What::LockExpired { worker: Some(w), .. } if is(w, *worker));
                match find(possible, expires) {
                    Some(at) => Outcome::Take { at, next: true },
                    None if goes_on(possible, *worker).is_none() => {
                        Outcome::Illegal(format!("{worker} is idle: it holds no message whose lock could expire"))
                    }
                    None => Outcome::Illegal(format!("{worker} has no lock any more that could expire")),
                }
            }
            Step::Delay(worker, next) | Step::Crash(worker, next) | Step::Fail(worker, next, _) => {
                self.at_operation(step, *worker, *next, possible)
            }
        }
    }

    fn deliver(&self, message: &str, worker: Worker, possible: &[Possible]) -> Outcome {
        let delivers = |what: &What| match what {
            What::Deliver { worker: w, message: m } => is(w, worker) && m == message,
            _ => false,
        };
        match find(possible, delivers) {
            Some(at) => Outcome::Take { at, next: true },
            None if goes_on(possible, worker).is_some() => {
                Outcome::Illegal(format!("{worker} still handles a message: only an idle worker receives one"))
            }
            None => Outcome::Illegal(self.no_copy(message, possible)),
        }
    }

    /// Why a message cannot be received, or get one more copy.
    fn no_copy(&self, message: &str, possible: &[Possible]) -> String {
        let mut visible: Vec<&str> = Vec::new();
        let mut holder: Option<&str> = None;
        for possible in possible {
            match &possible.what {
                What::Duplicate { message } if !visible.contains(&message.as_str()) => visible.push(message),
                What::LockExpired { worker: Some(worker), message: held } if held == message => {
                    holder = worker.rsplit(' ').next();
                }
                _ => {}
            }
        }
        let why = match holder {
            Some(worker) => format!(" ({worker} holds it)"),
            None if self.received.iter().any(|received| received == message) => " (it is gone)".to_owned(),
            None => String::new(),
        };
        let there = match visible.is_empty() {
            true => "nothing is".to_owned(),
            false => format!("what is: {}", visible.join(", ")),
        };
        format!("no copy of {message} is visible in the queue{why}; {there}")
    }

    /// A step that happens to a worker when it comes to an operation.
    fn at_operation(&mut self, step: &Step, worker: Worker, next: Next, possible: &[Possible]) -> Outcome {
        self.delayed.retain(|delayed| *delayed != worker);
        if next.nth == 0 {
            return Outcome::Illegal("operations are counted from 1".to_owned());
        }
        let Some(at) = goes_on(possible, worker) else {
            return Outcome::Illegal(match self.under_way {
                true => format!("{worker} does not come to {next}: its run has ended before"),
                false => format!("{worker} is idle: it handles no message"),
            });
        };
        let there = is_at(&possible[at].what, next.operation);
        if !there || self.passed + 1 < next.nth {
            self.passed += u8::from(there);
            self.under_way = true;
            return Outcome::Take { at, next: false };
        }
        match step {
            Step::Delay(..) => {
                self.delayed.push(worker);
                Outcome::Next
            }
            Step::Crash(..) => {
                let crash = |what: &What| matches!(what, What::Crash { worker: w } if is(w, worker));
                match find(possible, crash) {
                    Some(at) => Outcome::Take { at, next: true },
                    None => Outcome::Illegal(format!("{worker} cannot crash there")),
                }
            }
            Step::Fail(_, _, how) => {
                let fails = |what: &What| match what {
                    What::Operation { worker: w, how: h, operation } => {
                        let this = matches!(
                            (h, how),
                            (How::Refused, Failing::Refused)
                                | (How::UnknownDone, Failing::UnknownDone)
                                | (How::UnknownNotDone, Failing::UnknownNotDone)
                        );
                        is(w, worker) && this && doing(*operation) == Some(next.operation)
                    }
                    What::Ack { worker: w, lost } => is(w, worker) && *lost && *how == Failing::UnknownNotDone,
                    _ => false,
                };
                match find(possible, fails) {
                    Some(at) => Outcome::Take { at, next: true },
                    None => Outcome::Illegal(cannot_fail(next.operation, *how)),
                }
            }
            _ => unreachable!("the step is about an operation"),
        }
    }

    /// The next step when the schedule has ended: workers go on that were delayed, then copies are delivered, then time
    /// passes.
    fn calm(&mut self, possible: &[Possible]) -> Option<usize> {
        self.delayed.retain(|worker| goes_on(possible, *worker).is_some());
        if let Some(worker) = self.delayed.first() {
            return goes_on(possible, *worker); // to its end, and then the next one
        }
        let deliveries = || {
            possible.iter().enumerate().filter_map(|(at, possible)| match &possible.what {
                What::Deliver { message, .. } => Some((at, message)),
                _ => None,
            })
        };
        let again = deliveries().find(|(_, message)| self.received.contains(message));
        let delivery = again.or_else(|| deliveries().next()).map(|(at, _)| at);
        delivery.or_else(|| possible.iter().position(|possible| possible.fault.is_none()))
    }

    /// Remembers what happens next.
    fn note(&mut self, next: &Possible) {
        if let What::Deliver { message, .. } = &next.what
            && !self.received.contains(message)
        {
            self.received.push(message.clone());
        }
    }

    /// Goes to the schedule's next step.
    fn advance(&mut self) {
        self.at += 1;
        self.passed = 0;
        self.under_way = false;
    }

    fn choose(&mut self, possible: &[Possible]) -> Option<usize> {
        loop {
            for worker in [Worker::A, Worker::B] {
                if let Some(at) = goes_on(possible, worker)
                    && !self.delayed.contains(&worker)
                    && !self.is_spoken_of(worker)
                {
                    return Some(at);
                }
            }
            let Some(step) = self.steps.get(self.at) else { return self.calm(possible) };
            match self.step(step, possible) {
                Outcome::Take { at, next } => {
                    if next {
                        self.advance();
                    }
                    return Some(at);
                }
                Outcome::Next => self.advance(),
                Outcome::Illegal(_) if self.otherwise == Otherwise::Skip => self.advance(),
                Outcome::Illegal(rule) => {
                    self.illegal = Some((self.at + 1, rule));
                    return None;
                }
            }
        }
    }
}

impl Guide for Unfolding<'_> {
    fn next(&mut self, possible: &[Possible]) -> Option<usize> {
        if self.illegal.is_some() {
            return None;
        }
        let next = self.choose(possible)?;
        self.note(&possible[next]);
        Some(next)
    }
}

/// Why a schedule has too many steps, if it has.
pub(crate) fn too_long(schedule: &Schedule) -> Option<String> {
    let steps = schedule.steps().len();
    (steps > STEPS_MAX).then(|| format!("it has {steps} steps, and a schedule has at most {STEPS_MAX}"))
}

/// How an undisturbed worker goes on from where it stands, if it does.
fn goes_on(possible: &[Possible], worker: Worker) -> Option<usize> {
    possible.iter().position(|possible| {
        possible.fault.is_none()
            && match &possible.what {
                What::Operation { worker: w, how: How::Done, .. }
                | What::Ack { worker: w, lost: false }
                | What::Returned { worker: w } => is(w, worker),
                _ => false,
            }
    })
}

fn find(possible: &[Possible], fits: impl Fn(&What) -> bool) -> Option<usize> {
    possible.iter().position(|possible| fits(&possible.what))
}

/// `Points A` is worker A.
fn is(name: &str, worker: Worker) -> bool {
    name.rsplit(' ').next() == Some(worker.to_string().as_str())
}

fn doing(operation: Doing) -> Option<Operation> {
    match operation {
        Doing::Get => Some(Operation::Get),
        Doing::Write => Some(Operation::Put),
        Doing::Send => Some(Operation::Send),
        Doing::Ack => Some(Operation::Ack),
        Doing::Sleep | Doing::Call | Doing::Request => None,
    }
}

/// Whether a worker that would go on so stands before such an operation.
fn is_at(what: &What, operation: Operation) -> bool {
    match what {
        What::Operation { operation: pending, .. } => doing(*pending) == Some(operation),
        What::Ack { .. } => operation == Operation::Ack,
        _ => false,
    }
}

fn cannot_fail(operation: Operation, how: Failing) -> String {
    match (operation, how) {
        (Operation::Get, _) => "a get can only be refused: it changes nothing, so nothing is unknown".to_owned(),
        (Operation::Ack, Failing::UnknownDone) => {
            "an ack that took effect has not failed: use `UnknownNotDone`, it never arrives".to_owned()
        }
        (Operation::Ack, _) => "an ack is never refused: use `UnknownNotDone`, it never arrives".to_owned(),
        (Operation::Put, Failing::UnknownDone) => "this put would meet a conflict, so it cannot take effect".to_owned(),
        (operation, _) => format!("this {operation} cannot fail so"),
    }
}
