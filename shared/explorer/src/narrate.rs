//! Tells a path through the states as a schedule: who did what to whom, and what came of it.

use kit::port::{Failure, Operation, Reply};

use crate::action::{Action, ActionKind};
use crate::count::long;
use crate::engine::{Engine, OUT_BUS, OUT_SERVICES, OUT_STORE, WriteEffect};
use crate::history::{CodeKey, End, IDLE, NodeId};
use crate::layout::{Actor, DOCUMENTS, EXTRA, HELD, NODE, SERVICES, SPENT};
use crate::logs;
use crate::operation::Kind;
use crate::scenario::Host;
use crate::schedule::Schedule;
use crate::steps::{Step as Taken, Steps, Waiter};
use crate::trace::{Participant, Role, Snapshot, Step, StepKind, Trace};
use crate::walk::Doing;

/// Tells whether a quiescent state is a good end.
pub(crate) type GoodEnd<'a> = dyn Fn(&Engine<'_>, &[u32]) -> bool + 'a;

/// States that are expanded, at most, to find the step after which no good end can be reached.
const LOOK_AHEAD_MAX: usize = 30_000;

/// Who takes part, and where each stands among the participants.
struct Cast {
    participants: Vec<Participant>,
    /// For each actor: the participant that runs its code.
    nodes: Vec<usize>,
    /// For each actor: the client that calls, if it is one.
    clients: Vec<Option<usize>>,
    store: usize,
    services: Vec<usize>,
    /// Queues of the scenario, then others that are sent to, by name.
    queues: Vec<(String, usize)>,
}

impl Cast {
    fn of(engine: &Engine<'_>) -> Cast {
        let scenario = engine.scenario;
        let mut participants = Vec::new();
        let mut add = |name: String, role: Role| {
            participants.push(Participant { name, role });
            participants.len() - 1
        };
        let clients: Vec<usize> =
            scenario.clients.iter().map(|client| add(client.name.to_string(), Role::Client)).collect();
        let letter =
            |at: usize, of: usize| if of > 1 { format!(" {}", (b'A' + at as u8) as char) } else { String::new() };
        let actors = &engine.layout.actors;
        let name = |slot: usize| match &actors[slot] {
            Actor::Worker { endpoint } | Actor::Server { endpoint } => {
                let spec = &scenario.endpoints[*endpoint];
                let at = slot - engine.layout.groups[*endpoint].first;
                format!("{}{}", spec.name, letter(at, spec.workers.into()))
            }
            Actor::Client { client } => {
                let node = &scenario.clients[*client].node;
                let same = |other: &usize| scenario.clients[*other].node == *node;
                let (before, all) =
                    ((0..*client).filter(same).count(), (0..scenario.clients.len()).filter(same).count());
                format!("{node}{}", letter(before, all))
            }
        };
        // A request goes from the left to the right: from whoever calls, over the wire, to whoever answers.
        let mut nodes = vec![0; actors.len()];
        let mut stand = |kind: fn(&Actor) -> bool, add: &mut dyn FnMut(String, Role) -> usize| {
            for slot in (0..actors.len()).filter(|slot| kind(&actors[*slot])) {
                nodes[slot] = add(name(slot), Role::Worker);
            }
        };
        stand(|actor| matches!(actor, Actor::Client { .. }), &mut add);
        stand(|actor| matches!(actor, Actor::Worker { .. }), &mut add);
        let wires: Vec<Option<usize>> = scenario
            .queues
            .iter()
            .map(|queue| (queue.host == Some(Host::Workers)).then(|| add(queue.name.to_string(), Role::Queue)))
            .collect();
        stand(|actor| matches!(actor, Actor::Server { .. }), &mut add);
        let callers = actors.iter().map(|actor| match actor {
            Actor::Client { client } => Some(clients[*client]),
            _ => None,
        });
        let callers = callers.collect();
        let store = add("documents".to_owned(), Role::Store);
        let services: Vec<usize> =
            scenario.services.iter().map(|service| add(service.name.clone(), Role::Service)).collect();
        let queues = scenario.queues.iter().zip(wires).map(|(queue, wire)| {
            let at = match (queue.host, wire) {
                (_, Some(wire)) => wire,
                // A service that answers for a host stands there itself.
                (Some(Host::Service(service)), None) => services[service],
                _ => add(queue.name.to_string(), Role::Queue),
            };
            (queue.name.to_string(), at)
        });
        let queues = queues.collect();
        Cast { participants, nodes, clients: callers, store, services, queues }
    }

    fn queue(&mut self, name: &str) -> usize {
        if let Some((_, at)) = self.queues.iter().find(|(known, _)| known == name) {
            return *at;
        }
        self.participants.push(Participant { name: name.to_owned(), role: Role::Queue });
        let at = self.participants.len() - 1;
        self.queues.push((name.to_owned(), at));
        at
    }

    fn name(&self, participant: usize) -> &str {
        &self.participants[participant].name
    }
}

/// A step in words.
struct Described {
    kind: StepKind,
    from: usize,
    to: usize,
    label: String,
    result: String,
    detail: String,
    line: String,
    at: Option<(String, u32)>,
}

/// What a trace remembers of what went out, in order of time.
#[derive(Default)]
struct Memory {
    sent: Vec<(String, String)>,
    answers: Vec<(String, String)>,
}

/// One run, as the trace sees it: the step of each of its pieces, and how far it came.
struct Told {
    actor: usize,
    steps: Vec<usize>,
    /// Steps of it that are no piece of it: requests that went out.
    beside: usize,
    node: NodeId,
    disturbed: bool,
}

/// Tells a path. With `good_end`, marks the step after which no good end can be reached; with `logs`, runs every
/// run of the path once more, to collect what it logs.
pub(crate) fn trace(engine: &mut Engine<'_>, path: &[Action], good_end: Option<&GoodEnd<'_>>, logs: bool) -> Trace {
    let mut teller = Teller::new(engine);
    let mut states = vec![teller.state.clone()];
    for action in path {
        teller.take_action(*action);
        states.push(teller.state.clone());
    }
    teller.steps_here();
    let quiescent = !teller.out.free;
    let mut trace = teller.finish(quiescent, logs);
    if let Some(good_end) = good_end
        && let Some(at) = point_of_no_return(engine, &states, good_end)
    {
        trace.steps[at].point_of_no_return = true;
    }
    trace
}

/// Tells a path, and does not look at what can happen after it: nothing is run that was not run before.
pub(crate) fn trace_so_far(engine: &mut Engine<'_>, path: &[Action]) -> Trace {
    let mut teller = Teller::new(engine);
    for action in path {
        teller.take_action(*action);
    }
    teller.finish(false, false)
}

/// The state at the end of a path.
pub(crate) fn end_of(engine: &mut Engine<'_>, path: &[Action]) -> Vec<u32> {
    let mut state = engine.initial();
    let mut out = Steps::default();
    for action in path {
        engine.steps(&state, &mut out);
        let (_, words) = out.iter().find(|(step, _)| step.action == *action).expect("a path's step is there again");
        state = words.to_vec();
    }
    state
}

/// Whether a good end can be reached from a state by free steps; `None` if that would take too long to find out.
pub(crate) fn can_end_well(engine: &mut Engine<'_>, state: &[u32], good_end: &GoodEnd<'_>) -> Option<bool> {
    reaches(engine, state, good_end, &mut LOOK_AHEAD_MAX.clone())
}

/// Follows the lines of a schedule: the steps that they name, and the states on the way.
///
/// # Errors
/// Which line cannot happen where it stands, and what can.
pub(crate) fn follow(engine: &mut Engine<'_>, schedule: &Schedule) -> Result<(Vec<Action>, Vec<Vec<u32>>), String> {
    let mut teller = Teller::new(engine);
    let mut path = Vec::new();
    let mut states = vec![teller.state.clone()];
    for (number, line) in schedule.steps.iter().enumerate() {
        let lines = teller.lines_here();
        let Some(at) = lines.iter().position(|possible| possible == line) else {
            let possible = lines.iter().map(|line| format!("\n    {line}")).collect::<String>();
            let possible = if possible.is_empty() { "\n    nothing: all is over".to_owned() } else { possible };
            return Err(format!("step {} cannot happen there: {line}\n  what can happen there:{possible}", number + 1));
        };
        let action = teller.out.iter().nth(at).map(|(step, _)| step.action).expect("a line is a step's");
        path.push(action);
        teller.take(at);
        states.push(teller.state.clone());
    }
    Ok((path, states))
}

pub(crate) struct Teller<'e, 'a> {
    pub(crate) engine: &'e mut Engine<'a>,
    cast: Cast,
    pub(crate) state: Vec<u32>,
    /// Which actor stands in each slot.
    who: Vec<usize>,
    pub(crate) out: Steps,
    memory: Memory,
    initial: Snapshot,
    steps: Vec<Step>,
    runs: Vec<Told>,
}

impl<'e, 'a> Teller<'e, 'a> {
    pub(crate) fn new(engine: &'e mut Engine<'a>) -> Self {
        let cast = Cast::of(engine);
        let state = engine.initial();
        let who = (0..engine.layout.actors.len()).collect();
        let mut teller = Teller {
            engine,
            cast,
            state,
            who,
            out: Steps::default(),
            memory: Memory::default(),
            initial: Snapshot::default(),
            steps: Vec::new(),
            runs: Vec::new(),
        };
        teller.initial = teller.snapshot();
        teller
    }

    pub(crate) fn steps_here(&mut self) {
        self.engine.steps(&self.state, &mut self.out);
    }

    /// The lines of all steps from here; equal ones are numbered.
    pub(crate) fn lines_here(&mut self) -> Vec<String> {
        self.steps_here();
        let taken: Vec<Taken> = self.out.iter().map(|(step, _)| *step).collect();
        let mut lines: Vec<String> = Vec::new();
        for step in taken {
            let line = self.describe(&step).line;
            let same = lines.iter().filter(|other| **other == line || other.starts_with(&format!("{line} ("))).count();
            lines.push(if same > 0 { format!("{line} ({})", same + 1) } else { line });
        }
        lines
    }

    fn take_action(&mut self, action: Action) {
        self.steps_here();
        let at = self.out.iter().position(|(step, _)| step.action == action).expect("a path's step is there again");
        self.take(at);
    }

    /// Takes the `at`-th step from here.
    pub(crate) fn take(&mut self, at: usize) {
        let line = self.lines_here().swap_remove(at);
        let (taken, words) = self.out.iter().nth(at).expect("the step is there");
        let (taken, words) = (*taken, words.to_vec());
        let described = self.describe(&taken);
        self.remember(&taken);
        let number = self.steps.len();
        let actor = self.goes_on(taken.action).and_then(|slot| self.who.get(slot).copied());
        let undisturbed_since = self.follow_run(&taken, actor, number);
        self.state = words;
        self.who = (0..self.who.len()).map(|slot| self.who[(taken.moved >> (4 * slot) & 15) as usize]).collect();
        let Described { kind, from, to, label, result, detail, at, .. } = described;
        let heard = self.heard(&taken, actor);
        let after = self.snapshot();
        self.steps.push(Step {
            line,
            kind,
            from,
            to,
            label,
            result,
            detail,
            fault: taken.fault,
            point_of_no_return: false,
            at,
            heard,
            logs: Vec::new(),
            undisturbed_since,
            after,
        });
    }

    /// The error that a client hears in the very step in which its run ended: no step of its own tells of it.
    fn heard(&self, taken: &Taken, actor: Option<usize>) -> Option<String> {
        let actor = actor.filter(|actor| self.cast.clients[*actor].is_some())?;
        if matches!(taken.action.kind(), ActionKind::Answer | ActionKind::Error | ActionKind::Crash) {
            return None;
        }
        let reached = self.engine.histories.node(taken.reached);
        // A run that is still there has yet to be answered.
        let slot = self.who.iter().position(|who| *who == actor)?;
        let gone = self.state[self.engine.layout.slot(slot) + NODE] == IDLE;
        (gone && reached.end == End::Err).then(|| format!("error: {}", self.engine.histories.texts.value(reached.text)))
    }

    /// Keeps track of runs; returns the first step of a run that ended well here with nothing in between.
    fn follow_run(&mut self, taken: &Taken, actor: Option<usize>, number: usize) -> Option<usize> {
        let kind = taken.action.kind();
        // A server's own run ends where its caller's goes on.
        let answered = matches!(kind, ActionKind::Response | ActionKind::ResponseLost)
            .then(|| self.ended_run(self.who[taken.action.slot()], taken, number))
            .flatten();
        let Some(actor) = actor else { return answered };
        if kind == ActionKind::RequestSent {
            if let Some(run) = self.run_of(actor) {
                run.beside += 1;
            }
            return None;
        }
        if matches!(kind, ActionKind::Deliver | ActionKind::Call) {
            self.runs.push(Told { actor, steps: vec![number], beside: 0, node: taken.reached, disturbed: false });
            return None;
        }
        let run = self.run_of(actor)?;
        if taken.reached != IDLE {
            run.disturbed |= taken.fault.is_some();
            run.node = taken.reached;
            run.steps.push(number);
            // A request that is answered at once reads as one row.
            let asked = number.checked_sub(1).filter(|_| kind == ActionKind::Served);
            return answered.or(asked.filter(|asked| {
                self.steps[*asked].kind == StepKind::Request && self.steps[*asked].from == self.cast.nodes[actor]
            }));
        }
        self.ended_run(actor, taken, number)
    }

    /// The last run of an actor.
    fn run_of(&mut self, actor: usize) -> Option<&mut Told> {
        self.runs.iter_mut().rev().find(|run| run.actor == actor)
    }

    /// Of a run that ends here: its first step, if it ended well with nothing in between.
    fn ended_run(&mut self, actor: usize, taken: &Taken, number: usize) -> Option<usize> {
        let run = self.run_of(actor)?;
        run.disturbed |= taken.fault.is_some();
        let first = run.steps[0];
        let together = number - first == run.steps.len() + run.beside;
        let well = matches!(taken.action.kind(), ActionKind::Ack | ActionKind::Answer | ActionKind::Response);
        (!run.disturbed && together && well).then_some(first)
    }

    /// The slot of the run that goes on in a step, if one does.
    fn goes_on(&self, action: Action) -> Option<usize> {
        match action.kind() {
            ActionKind::DeadLockExpired
            | ActionKind::Duplicate
            | ActionKind::Loss
            | ActionKind::OutageBegins
            | ActionKind::OutageEnds
            | ActionKind::Due
            | ActionKind::Timer
            | ActionKind::Begin
            | ActionKind::RequestLost
            | ActionKind::RequestDuplicated
            | ActionKind::ResponseLost
            | ActionKind::ServedUnheard => None,
            ActionKind::Response | ActionKind::Served => self.waiter(action).map(|waiter| waiter.slot),
            _ => Some(action.slot()),
        }
    }

    /// Who waits for the response that a step is about.
    fn waiter(&self, action: Action) -> Option<Waiter> {
        let copy = match action.kind() {
            ActionKind::Response | ActionKind::ResponseLost => {
                let held = self.state[self.engine.layout.slot(action.slot()) + HELD];
                self.engine.copies.value(held.checked_sub(1)?)
            }
            _ => {
                &self.engine.queues.value(self.state[self.engine.layout.queue(action.slot())]).visible()[action.which()]
            }
        };
        self.engine.waiter(&self.state, copy.number)
    }

    pub(crate) fn finish(self, quiescent: bool, logs: bool) -> Trace {
        let Teller { engine, cast, initial, mut steps, runs, .. } = self;
        if logs {
            for run in &runs {
                engine.histories.rerun(run.node, engine.scenario, |piece, code| {
                    let lines = logs::caught(code);
                    if let Some(step) = run.steps.get(piece) {
                        steps[*step].logs.extend(lines);
                    }
                });
            }
        }
        Trace { participants: cast.participants, initial, steps, quiescent }
    }

    // ---- words

    fn describe(&mut self, taken: &Taken) -> Described {
        let action = taken.action;
        match action.kind() {
            ActionKind::Begin => unreachable!("nothing begins twice"),
            ActionKind::Deliver => self.describe_delivery(action),
            ActionKind::Call | ActionKind::Answer | ActionKind::Error => self.describe_call(action),
            ActionKind::Ack | ActionKind::AckLost | ActionKind::Returned => self.describe_ack(action),
            ActionKind::Crash => self.describe_crash(action),
            ActionKind::LockExpired => self.describe_lock_expired(action),
            ActionKind::RequestSent | ActionKind::NoResponse | ActionKind::TimedOut => self.describe_request(taken),
            ActionKind::Response | ActionKind::ResponseLost => self.describe_response(action),
            ActionKind::Served | ActionKind::ServedUnheard => self.describe_served(action),
            ActionKind::RequestLost | ActionKind::RequestDuplicated => self.describe_network(action),
            ActionKind::DeadLockExpired | ActionKind::Duplicate | ActionKind::Loss => self.describe_queue(action),
            ActionKind::OutageBegins | ActionKind::OutageEnds => self.describe_outage(action),
            ActionKind::Due => self.describe_due(action),
            ActionKind::Timer => {
                let at = self.cast.services[action.slot()];
                let line = format!("{} acts on its own", self.cast.name(at));
                described(StepKind::Timer, at, at, "acts on its own", "", line)
            }
            _ => self.describe_operation(taken),
        }
    }

    pub(crate) fn held_id(&self, slot: usize) -> Option<String> {
        if let Actor::Client { .. } = self.engine.layout.actors[slot] {
            return None;
        }
        let held = self.state[self.engine.layout.slot(slot) + HELD];
        (held > 0).then(|| self.copy_name(self.engine.copies.value(held - 1)))
    }

    /// Whether the copy that a worker holds was delivered so often that it will not come back.
    fn is_last_delivery(&self, slot: usize) -> bool {
        let Actor::Worker { endpoint } = self.engine.layout.actors[slot] else { return false };
        let held = self.state[self.engine.layout.slot(slot) + HELD];
        let queue = self.engine.scenario.endpoints[endpoint].queue;
        held > 0 && self.is_given_up(queue, self.engine.copies.value(held - 1))
    }

    fn is_given_up(&self, queue: usize, copy: &sim::Copy) -> bool {
        self.engine.scenario.queues[queue].deliveries_max.is_some_and(|most| copy.delivery_count >= most)
    }

    /// Where a walk stands: how many steps it has taken.
    pub(crate) fn steps_so_far(&self) -> usize {
        self.steps.len()
    }

    /// The name of the node in a slot.
    pub(crate) fn node_at(&self, slot: usize) -> String {
        self.cast.name(self.cast.nodes[self.who[slot]]).to_owned()
    }

    fn endpoint(&self, slot: usize) -> usize {
        match self.engine.layout.actors[slot] {
            Actor::Worker { endpoint } | Actor::Server { endpoint } => endpoint,
            Actor::Client { .. } => unreachable!("workers receive"),
        }
    }

    /// The message that a delivery is of.
    pub(crate) fn received(&self, action: Action) -> String {
        let endpoint = self.endpoint(action.slot());
        let number = self.state[self.engine.layout.queue(self.engine.scenario.endpoints[endpoint].queue)];
        self.copy_name(&self.engine.queues.value(number).visible()[action.which()])
    }

    /// The copy in a queue that a step of the queue itself is about.
    pub(crate) fn copy_in(&self, action: Action) -> String {
        let queue = self.engine.queues.value(self.state[self.engine.layout.queue(action.slot())]);
        let copies = if action.kind() == ActionKind::DeadLockExpired { queue.locked() } else { queue.visible() };
        self.copy_name(&copies[action.which()])
    }

    /// What the run of a slot is doing that an operation's step is about.
    pub(crate) fn doing_now(&self, action: Action) -> Doing {
        let node = self.state[self.engine.layout.slot(action.slot()) + NODE];
        let op = self.engine.histories.node(node).pending[action.which()].op;
        Doing::of(self.engine.histories.ops[op as usize].kind)
    }

    fn copy_name(&self, copy: &sim::Copy) -> String {
        // What tells two copies of a request apart is who waits, and that is nobody's business.
        if copy.deadline > 0 || self.engine.scenario.reductions.copies {
            copy.msg.id.to_string()
        } else {
            format!("{} #{}", copy.msg.id, copy.number + 1)
        }
    }

    fn describe_delivery(&mut self, action: Action) -> Described {
        let slot = action.slot();
        let queue = self.engine.scenario.endpoints[self.endpoint(slot)].queue;
        let number = self.state[self.engine.layout.queue(queue)];
        let copy = self.engine.queues.value(number).visible()[action.which()].clone();
        let (from, to) = (self.cast.queues[queue].1, self.cast.nodes[self.who[slot]]);
        let id = self.received(action);
        let label = format!("deliver {id}");
        let line = format!("{} receives {id} from {}", self.cast.name(to), self.cast.name(from));
        Described { detail: copy.msg.body.clone(), ..described(StepKind::Deliver, from, to, label, "", line) }
    }

    fn client_call(&self, slot: usize) -> (usize, String) {
        let Actor::Client { client } = self.engine.layout.actors[slot] else { unreachable!("clients call") };
        let held = self.state[self.engine.layout.slot(slot) + HELD];
        let spec = &self.engine.scenario.clients[client].calls[(held >> 1) as usize];
        let name = match &spec.again_name {
            Some(again) if held & 1 == 1 => again,
            _ => &spec.name,
        };
        (client, name.to_string())
    }

    fn describe_call(&mut self, action: Action) -> Described {
        let slot = action.slot();
        let (_, call) = self.client_call(slot);
        let client = self.cast.clients[self.who[slot]].expect("clients call");
        let node = self.cast.nodes[self.who[slot]];
        let (caller, runner) = (self.cast.name(client).to_owned(), self.cast.name(node).to_owned());
        if action.kind() == ActionKind::Call {
            let line = format!("{caller} calls {call} on {runner}");
            return described(StepKind::Call, client, node, call, "", line);
        }
        let text = self.engine.histories.node(self.state[self.engine.layout.slot(slot) + NODE]).text;
        let text = self.engine.histories.texts.value(text).clone();
        let ok = action.kind() == ActionKind::Answer;
        let label = match (ok, text.as_str()) {
            (true, "null") => "ok".to_owned(),
            (true, text) => format!("ok {text}"),
            (false, text) => format!("error: {text}"),
        };
        let line = format!("{caller} hears {} of {call}", if ok { "the answer" } else { "the error" });
        described(StepKind::Answer, node, client, label, "", line)
    }

    fn describe_ack(&mut self, action: Action) -> Described {
        let slot = action.slot();
        let node = self.cast.nodes[self.who[slot]];
        let Actor::Worker { endpoint } = self.engine.layout.actors[slot] else { unreachable!("workers ack") };
        let queue = self.cast.queues[self.engine.scenario.endpoints[endpoint].queue].1;
        let held = self.held_id(slot);
        let what = held.clone().unwrap_or_default();
        let name = self.cast.name(node).to_owned();
        match (action.kind(), held) {
            (ActionKind::Ack, Some(id)) => {
                let line = format!("{name} acks {id}");
                described(StepKind::Ack, node, queue, format!("ack {id}"), "", line)
            }
            (ActionKind::Ack, None) => {
                let line = format!("{name} acks, with a lock that is no longer its own");
                described(StepKind::Ack, node, queue, "late ack", "removes nothing", line)
            }
            (ActionKind::AckLost, _) => {
                let line = format!("{name} acks {what}: the ack is lost");
                described(StepKind::Ack, node, queue, format!("ack {what}"), "ack lost", line)
            }
            (_, Some(id)) => {
                let line = format!("{name} gives {id} back");
                let result = if self.is_last_delivery(slot) { "dead-lettered" } else { "" };
                described(StepKind::Returned, node, queue, format!("give {id} back"), result, line)
            }
            (_, None) => {
                let line = format!("{name} fails, with a lock that is no longer its own");
                described(StepKind::Returned, node, queue, "fail", "holds no copy", line)
            }
        }
    }

    fn describe_crash(&mut self, action: Action) -> Described {
        let slot = action.slot();
        let node = self.cast.nodes[self.who[slot]];
        let name = self.cast.name(node).to_owned();
        let at = self.engine.layout.slot(slot);
        let running = self.engine.histories.node(self.state[at + NODE]);
        let before = match running.pending.first() {
            Some(ask) => format!("before {}", self.engine.histories.ops[ask.op as usize].label()),
            None => match self.engine.layout.actors[slot] {
                Actor::Worker { .. } => "before the ack".to_owned(),
                Actor::Server { .. } => "before the response".to_owned(),
                Actor::Client { .. } => "before the answer".to_owned(),
            },
        };
        let returns = self.engine.scenario.reductions.returns;
        let result = match (self.engine.layout.actors[slot], self.held_id(slot)) {
            (Actor::Worker { .. }, Some(id)) if returns && !self.is_last_delivery(slot) => format!("{id} comes back"),
            (Actor::Worker { .. }, Some(id)) => format!("{id} stays locked"),
            (Actor::Worker { .. }, None) => String::new(),
            (Actor::Server { .. }, id) => format!("{} is gone", id.unwrap_or_default()),
            (Actor::Client { .. }, _) => "no answer".to_owned(),
        };
        let line = format!("{name} crashes {before}");
        let to = self.cast.clients[self.who[slot]].unwrap_or(node);
        described(StepKind::Crash, node, to, format!("crash {before}"), result, line)
    }

    /// A run's request goes out, or it gets no response.
    fn describe_request(&mut self, taken: &Taken) -> Described {
        let action = taken.action;
        let slot = action.slot();
        let node = self.state[self.engine.layout.slot(slot) + NODE];
        let ask = self.engine.histories.node(node).pending[action.which()].clone();
        let op = self.engine.histories.ops[ask.op as usize].clone();
        let from = self.cast.nodes[self.who[slot]];
        let name = self.cast.name(from).to_owned();
        let request = op.label();
        let at = Some((ask.at.file().to_owned(), ask.at.line()));
        let described = match action.kind() {
            ActionKind::RequestSent => {
                let to = op.queue.map_or(from, |queue| self.cast.queues[queue].1);
                let line = format!("{name} sends {request} to {}", self.cast.name(to));
                described(StepKind::Request, from, to, request, "", line)
            }
            kind => {
                let (label, line) = match kind {
                    ActionKind::TimedOut => {
                        (format!("stops waiting for {request}"), format!("{name} stops waiting for {request}"))
                    }
                    _ => (format!("no answer to {request}"), format!("{name} gets no answer to {request}")),
                };
                let dropped = self.dropped_words(taken);
                let (result, line) = (dropped.trim_start_matches("; ").to_owned(), line + &dropped);
                described(StepKind::NoResponse, from, from, label, result, line)
            }
        };
        Described { detail: op.detail(), at, ..described }
    }

    /// A server's response.
    fn describe_response(&mut self, action: Action) -> Described {
        let slot = action.slot();
        let from = self.cast.nodes[self.who[slot]];
        let name = self.cast.name(from).to_owned();
        let request = self.held_id(slot).unwrap_or_default();
        let run = self.engine.histories.node(self.state[self.engine.layout.slot(slot) + NODE]);
        let (ok, text) = (run.end == End::Ok, run.text);
        let reply = self.engine.responded(ok, text);
        self.describe_answered(action, from, &name, &request, reply)
    }

    /// A service does a request, and answers.
    fn describe_served(&mut self, action: Action) -> Described {
        let (host, from) = (self.engine.scenario.queues[action.slot()].host, self.cast.queues[action.slot()].1);
        let name = self.cast.name(from).to_owned();
        let here = self.engine.queues.value(self.state[self.engine.layout.queue(action.slot())]);
        let copy = here.visible()[action.which()].clone();
        let request = copy.msg.id.to_string();
        let copy = self.engine.copies.number(copy);
        let Some(Host::Service(service)) = host else { unreachable!("services serve") };
        let (_, reply) = self.engine.serve(self.state[SERVICES], service, copy);
        self.describe_answered(action, from, &name, &request, reply)
    }

    fn describe_answered(&self, action: Action, from: usize, name: &str, request: &str, reply: u32) -> Described {
        let response = match self.engine.histories.replies.value(reply) {
            Ok(Reply::Response(response)) => response.to_string(),
            other => unreachable!("a request is answered with {other:?}"),
        };
        let Some(waiter) = self.waiter(action) else {
            let line = format!("{name} answers {request}: {response}; nobody waits for it");
            let label = format!("{request}: {response}");
            return described(StepKind::Response, from, from, label, "nobody waits", line);
        };
        let to = self.cast.nodes[self.who[waiter.slot]];
        let heard = self.cast.name(to);
        match action.kind() {
            ActionKind::ResponseLost | ActionKind::ServedUnheard => {
                let line = format!("{name} answers {request} of {heard}: {response}; the response is lost");
                described(StepKind::Response, from, to, response, "response lost", line)
            }
            _ => {
                let line = format!("{name} answers {request} of {heard}: {response}");
                described(StepKind::Response, from, to, response, "", line)
            }
        }
    }

    /// The network loses a request, or doubles it.
    fn describe_network(&mut self, action: Action) -> Described {
        let at = self.cast.queues[action.slot()].1;
        let here = self.engine.queues.value(self.state[self.engine.layout.queue(action.slot())]);
        let copy = &here.visible()[action.which()];
        let of = match self.engine.waiter(&self.state, copy.number) {
            Some(waiter) => format!(" of {}", self.cast.name(self.cast.nodes[self.who[waiter.slot]])),
            None => String::new(),
        };
        let request = copy.msg.id.to_string();
        match action.kind() {
            ActionKind::RequestLost => {
                let line = format!("the network loses {request}{of}");
                described(StepKind::Network, at, at, format!("{request} is lost"), "gone", line)
            }
            _ => {
                let line = format!("the network doubles {request}{of}");
                described(StepKind::Network, at, at, format!("duplicate {request}"), "one more copy", line)
            }
        }
    }

    fn describe_lock_expired(&mut self, action: Action) -> Described {
        let slot = action.slot();
        let node = self.cast.nodes[self.who[slot]];
        let Actor::Worker { endpoint } = self.engine.layout.actors[slot] else { unreachable!("workers hold locks") };
        let queue = self.cast.queues[self.engine.scenario.endpoints[endpoint].queue].1;
        let id = self.held_id(slot).unwrap_or_default();
        let line = format!("{}'s lock on {id} expires", self.cast.name(node));
        let result = match self.is_last_delivery(slot) {
            true => format!("{id} is dead-lettered"),
            false => format!("{id} is visible again"),
        };
        described(StepKind::LockExpired, queue, node, "lock expires", result, line)
    }

    fn describe_queue(&mut self, action: Action) -> Described {
        let at = self.cast.queues[action.slot()].1;
        let id = self.copy_in(action);
        let name = self.cast.name(at).to_owned();
        match action.kind() {
            ActionKind::Duplicate => {
                let line = format!("{name} holds one more copy of {id}");
                described(StepKind::Duplicate, at, at, format!("duplicate {id}"), "one more copy", line)
            }
            ActionKind::Loss => {
                let line = format!("{name} loses {id}");
                described(StepKind::Loss, at, at, format!("lose {id}"), "gone", line)
            }
            _ => {
                let line = format!("the dead worker's lock on {id} in {name} expires");
                let queue = self.engine.queues.value(self.state[self.engine.layout.queue(action.slot())]);
                let given_up = self.is_given_up(action.slot(), &queue.locked()[action.which()]);
                let result = if given_up { "dead-lettered" } else { "visible again" };
                described(StepKind::LockExpired, at, at, format!("lock on {id} expires"), result, line)
            }
        }
    }

    fn describe_outage(&mut self, action: Action) -> Described {
        let at = match action.slot() as u32 {
            OUT_STORE => self.cast.store,
            OUT_BUS => self.cast.queues.first().map_or(self.cast.store, |(_, at)| *at),
            other => {
                let other = (other - OUT_SERVICES) as usize;
                let services = self.cast.services.len();
                if other < services { self.cast.services[other] } else { self.cast.queues[other - services].1 }
            }
        };
        let name = if action.slot() as u32 == OUT_BUS { "the bus" } else { self.cast.name(at) }.to_owned();
        if action.kind() == ActionKind::OutageBegins {
            let line = format!("{name} stops answering");
            described(StepKind::OutageBegins, at, at, "stops answering", "outage", line)
        } else {
            let line = format!("{name} answers again");
            described(StepKind::OutageEnds, at, at, "answers again", "", line)
        }
    }

    fn describe_due(&mut self, action: Action) -> Described {
        let at = self.cast.queues[action.slot()].1;
        let clock = &self.engine.extras.value(self.state[EXTRA]).clock;
        let (_, _, copy) = clock.delayed()[action.which()].clone();
        let id = self.copy_name(&copy);
        let line = format!("time passes: {id} is visible in {}", self.cast.name(at));
        described(StepKind::Tick, at, at, format!("{id} is due"), "visible", line)
    }

    fn describe_operation(&mut self, taken: &Taken) -> Described {
        let action = taken.action;
        let slot = action.slot();
        let node = self.state[self.engine.layout.slot(slot) + NODE];
        let ask = self.engine.histories.node(node).pending[action.which()].clone();
        let op = self.engine.histories.ops[ask.op as usize].clone();
        let from = self.cast.nodes[self.who[slot]];
        let to = match &op.operation {
            Operation::Get { .. } | Operation::List { .. } | Operation::Write { .. } => self.cast.store,
            Operation::Send { queue, .. } => self.cast.queue(queue),
            Operation::Ack => match self.engine.layout.actors[slot] {
                Actor::Worker { endpoint } => self.cast.queues[self.engine.scenario.endpoints[endpoint].queue].1,
                Actor::Server { .. } | Actor::Client { .. } => from,
            },
            Operation::Call { .. } => op.service.map_or(from, |service| self.cast.services[service]),
            Operation::Sleep { .. } => from,
            Operation::Request { .. } => op.queue.map_or(from, |queue| self.cast.queues[queue].1),
        };
        let mut result = match action.kind() {
            ActionKind::Done => self.done_words(slot, ask.op),
            ActionKind::Refused if matches!(op.kind, Kind::Get { .. } | Kind::List | Kind::Write { .. }) => {
                "throttled".to_owned()
            }
            ActionKind::Refused => "refused".to_owned(),
            ActionKind::UnknownNotDone => "unknown (it was not done)".to_owned(),
            ActionKind::UnknownDone => "unknown (it was done)".to_owned(),
            ActionKind::SpuriousConflict => "conflict, though nothing had changed".to_owned(),
            ActionKind::StaleRead => "what was there before the last write".to_owned(),
            ActionKind::EarlyAckLost => "the ack is lost".to_owned(),
            ActionKind::NoAnswer => "no answer".to_owned(),
            ActionKind::Woken => "time has passed".to_owned(),
            other => unreachable!("{other:?} is not an operation's"),
        };
        result += &self.dropped_words(taken);
        let label = op.label();
        let line = format!("{} {label}: {result}", self.cast.name(from));
        if op.kind == Kind::Call
            && let Some(rest) = result.strip_prefix("null").filter(|rest| rest.is_empty() || rest.starts_with(';'))
        {
            // A service that has nothing to say has done what it was told.
            result = format!("ok{rest}");
        }
        let kind = if action.kind() == ActionKind::Woken { StepKind::Tick } else { StepKind::Operation };
        let at = Some((ask.at.file().to_owned(), ask.at.line()));
        Described { detail: op.detail(), at, ..described(kind, from, to, label, result, line) }
    }

    /// What became of the operations that were dropped in a step.
    fn dropped_words(&self, taken: &Taken) -> String {
        let dropped = &self.engine.histories.node(taken.reached).dropped;
        let words = dropped.iter().take(8).enumerate().map(|(at, ask)| {
            let label = self.engine.histories.ops[ask.op as usize].label();
            let effect = taken.action.effects() >> at & 1 == 1;
            let how = if effect { "took effect all the same" } else { "had no effect" };
            format!("; {label}, dropped, {how}")
        });
        words.collect()
    }

    /// What the world says to an operation that is not disturbed.
    fn done_words(&mut self, slot: usize, op: u32) -> String {
        let read = self.engine.histories.ops[op as usize].clone();
        match (&read.operation, read.kind) {
            (Operation::Get { key, .. }, _) => match self.engine.documents.value(self.state[DOCUMENTS]).body(key) {
                Some(body) => body.to_string(),
                None => "nothing there".to_owned(),
            },
            (Operation::List { partition }, _) => {
                let keys = self.engine.documents.value(self.state[DOCUMENTS]).keys_of(partition);
                if keys.is_empty() { "nothing there".to_owned() } else { keys.join(", ") }
            }
            (_, Kind::Write { .. }) => {
                let state = self.state.clone();
                match self.engine.write_effect(&state, slot, op) {
                    WriteEffect::Done { .. } => "ok".to_owned(),
                    WriteEffect::Fails(reply) => match self.engine.histories.replies.value(reply) {
                        Err(Failure::Store(error)) => short(&error.to_string()),
                        other => unreachable!("a write fails with {other:?}"),
                    },
                }
            }
            (_, Kind::Call) => {
                let (_, reply) = self.engine.call(self.state[SERVICES], op);
                match self.engine.histories.replies.value(reply) {
                    Ok(Reply::Answer(answer)) => answer.to_string(),
                    other => unreachable!("a service answers {other:?}"),
                }
            }
            _ => "ok".to_owned(),
        }
    }

    // ---- what is there

    fn remember(&mut self, taken: &Taken) {
        let action = taken.action;
        let slot = action.slot();
        match action.kind() {
            ActionKind::Done | ActionKind::UnknownDone => {
                let node = self.state[self.engine.layout.slot(slot) + NODE];
                let op = self.engine.histories.node(node).pending[action.which()].op;
                self.remember_sent(op);
            }
            ActionKind::Answer | ActionKind::Error => {
                let described = self.describe_call(action);
                let (_, call) = self.client_call(slot);
                let client = self.cast.name(described.to).to_owned();
                self.memory.answers.push((format!("{client}, {call}"), described.label));
            }
            _ => {}
        }
        if action.effects() > 0 {
            let dropped = self.engine.histories.node(taken.reached).dropped.clone();
            for (at, ask) in dropped.iter().take(8).enumerate() {
                if action.effects() >> at & 1 == 1 {
                    self.remember_sent(ask.op);
                }
            }
        }
    }

    fn remember_sent(&mut self, op: u32) {
        let op = &self.engine.histories.ops[op as usize];
        if let Operation::Send { queue, msg, .. } = &op.operation {
            self.memory.sent.push((queue.clone(), format!("{} {} {}", msg.kind, &*msg.id, msg.body)));
        }
    }

    fn snapshot(&self) -> Snapshot {
        let (engine, state) = (&*self.engine, &self.state);
        let docs = engine.documents.value(state[DOCUMENTS]).docs();
        let mut queues = Vec::new();
        for (at, (name, _)) in self.cast.queues.iter().enumerate().take(engine.scenario.queues.len()) {
            if !engine.consumed(at) {
                continue;
            }
            let here = engine.queues.value(state[engine.layout.queue(at)]);
            let host = engine.scenario.queues[at].host.is_some();
            let (visible, locked) = if host { ("on its way", "handled") } else { ("visible", "locked") };
            let mut copies: Vec<String> =
                here.visible().iter().map(|copy| format!("{} ({visible})", self.copy_name(copy))).collect();
            for group in
                engine.layout.groups.iter().filter(|group| engine.scenario.endpoints[group.endpoint].queue == at)
            {
                for slot in group.first..group.first + group.workers {
                    if let Some(id) = self.held_id(slot) {
                        let by = self.cast.name(self.cast.nodes[self.who[slot]]);
                        copies.push(format!("{id} ({locked} by {by})"));
                    }
                }
            }
            copies
                .extend(here.locked().iter().map(|copy| format!("{} (locked by a dead worker)", self.copy_name(copy))));
            let clock = &engine.extras.value(state[EXTRA]).clock;
            let delayed = clock.delayed().iter().filter(|(_, of, _)| usize::from(*of) == at);
            copies.extend(delayed.map(|(due, _, copy)| match due - clock.now() {
                0 => format!("{} (due now)", self.copy_name(copy)),
                millis => {
                    let delay = long(std::time::Duration::from_millis(millis));
                    format!("{} (visible in {delay})", self.copy_name(copy))
                }
            }));
            queues.push((name.clone(), copies));
        }
        let nodes = (0..self.who.len()).filter_map(|slot| {
            let node = state[engine.layout.slot(slot) + NODE];
            (node != IDLE).then(|| (self.cast.name(self.cast.nodes[self.who[slot]]).to_owned(), self.doing(slot, node)))
        });
        let mut nodes: Vec<(String, String)> = nodes.collect();
        nodes.sort();
        Snapshot {
            documents: docs.pairs().map(|(key, body)| (key.to_owned(), body.to_owned())).collect(),
            queues,
            sent: self.memory.sent.clone(),
            services: engine
                .services
                .value(state[SERVICES])
                .states()
                .map(|(name, state)| (name.to_owned(), state.to_owned()))
                .collect(),
            nodes,
            answers: self.memory.answers.clone(),
            faults: engine.spents.value(state[SPENT]).total(),
        }
    }

    fn doing(&self, slot: usize, node: NodeId) -> String {
        let histories = &self.engine.histories;
        let run = histories.node(node);
        let what = match histories.codes.value(run.code) {
            CodeKey::Endpoint { msg, .. } => format!("handles {}", &*msg.id),
            CodeKey::Call { .. } => format!("runs {}", self.client_call(slot).1),
            CodeKey::None => match self.engine.layout.actors[slot] {
                Actor::Worker { .. } | Actor::Server { .. } => {
                    self.held_id(slot).map_or_else(String::new, |id| format!("handled {id}"))
                }
                Actor::Client { .. } => format!("ran {}", self.client_call(slot).1),
            },
        };
        let waits: Vec<String> = run.pending.iter().map(|ask| histories.ops[ask.op as usize].label()).collect();
        match run.end {
            End::Running => format!("{what}, waits for {}", waits.join(" and ")),
            End::Ok => format!("{what}: done, and nobody knows yet"),
            End::Err => format!("{what}: failed"),
            End::Bad => format!("{what}: broke"),
        }
    }
}

fn described(
    kind: StepKind,
    from: usize,
    to: usize,
    label: impl Into<String>,
    result: impl Into<String>,
    line: String,
) -> Described {
    Described { kind, from, to, label: label.into(), result: result.into(), detail: String::new(), line, at: None }
}

/// The first words of an error: up to its colon.
fn short(error: &str) -> String {
    error.split(':').next().unwrap_or(error).to_owned()
}

/// The step after which no good end can be reached by free steps, if one could be reached before it.
fn point_of_no_return(engine: &mut Engine<'_>, states: &[Vec<u32>], good_end: &GoodEnd<'_>) -> Option<usize> {
    let mut budget = LOOK_AHEAD_MAX;
    let mut could = true;
    for (at, state) in states.iter().enumerate() {
        let can = reaches(engine, state, good_end, &mut budget)?;
        if could && !can {
            return at.checked_sub(1);
        }
        could = can;
    }
    None
}

/// Whether a good end can be reached by free steps; `None` if that would take too long to find out.
fn reaches(engine: &mut Engine<'_>, from: &[u32], good_end: &GoodEnd<'_>, budget: &mut usize) -> Option<bool> {
    let mut seen = std::collections::BTreeSet::from([from.to_vec()]);
    let mut todo = vec![from.to_vec()];
    let mut out = Steps::default();
    while let Some(state) = todo.pop() {
        *budget = budget.checked_sub(1)?;
        engine.steps(&state, &mut out);
        if !out.free && good_end(engine, &state) {
            return Some(true);
        }
        let next: Vec<Vec<u32>> =
            out.iter().filter(|(step, _)| step.fault.is_none() && !step.bad).map(|(_, words)| words.to_vec()).collect();
        for state in next {
            if seen.insert(state.clone()) {
                todo.push(state);
            }
        }
    }
    Some(false)
}
