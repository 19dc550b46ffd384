//! What can happen in a state: every step of `SEMANTICS.md`, each leading to another state.

use kit::port::Operation;
use sim::{Copy, Fact, Fault};

use crate::action::{Action, ActionKind, COPIES_MAX};
use crate::engine::{Engine, OUT_BUS, OUT_SERVICES, OUT_STORE, WriteEffect};
use crate::history::{Ask, CodeKey, ENDED_ERR, ENDED_OK, End, IDLE, NodeId, OUTAGE};
use crate::layout::{Actor, DOCUMENTS, EXTRA, Group, HELD, JOURNAL, NODE, SERVICES, SPENT};
use crate::observation::FactKind;
use crate::operation::{Condition, Kind};
use crate::property::Event;
use crate::scenario::OnError;

mod requests;

pub(crate) use requests::Waiter;

/// Answers that an outage may withhold from one run; then the outage has to end first.
const UNANSWERED_MAX: u8 = 3;
/// Operations dropped in one step of which it is explored, both ways, whether they took effect.
const DROPPED_MAX: usize = 8;

/// One step from a state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) fault: Option<Fault>,
    /// What the world did, as bits of [`Event`].
    pub(crate) events: u64,
    /// Where each slot of the new state stood before its actors were sorted, four bits each.
    pub(crate) moved: u64,
    /// The history that a run reached in it, before what is merged with its end; [`IDLE`] if no run went on.
    pub(crate) reached: NodeId,
    /// That run misbehaved.
    pub(crate) bad: bool,
}

/// Slots that nobody moved.
pub(crate) const UNMOVED: u64 = 0xfedc_ba98_7654_3210;

/// The steps from one state, and the states that they lead to.
#[derive(Default)]
pub(crate) struct Steps {
    words: Vec<u32>,
    steps: Vec<Step>,
    next: Vec<u32>,
    /// Some step is free, other than an answer that an outage withholds.
    pub(crate) free: bool,
}

impl Steps {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Step, &[u32])> {
        let words = self.next_len();
        self.steps.iter().zip(self.words.chunks_exact(words))
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    fn next_len(&self) -> usize {
        if self.steps.is_empty() { 1 } else { self.words.len() / self.steps.len() }
    }
}

/// What a step is, while its state is made.
#[derive(Clone, Copy)]
struct Label {
    action: Action,
    fault: Option<Fault>,
    events: u64,
}

fn bit(event: Event) -> u64 {
    1 << event.bit()
}

impl Engine<'_> {
    /// Every step from a state.
    pub(crate) fn steps(&mut self, state: &[u32], out: &mut Steps) {
        out.words.clear();
        out.steps.clear();
        out.free = false;
        if self.is_crowded(state) {
            self.crowded = true;
            return;
        }
        let idle_world = !self.scenario.serial || self.nobody_runs(state);
        for group in 0..self.layout.groups.len() {
            let of_host = matches!(self.layout.actors.get(self.layout.groups[group].first), Some(Actor::Server { .. }));
            if idle_world || (of_host && self.everybody_waits(state)) {
                self.deliveries(state, group, out);
            }
        }
        for slot in 0..self.layout.actors.len() {
            let node = state[self.layout.slot(slot) + NODE];
            if node != IDLE {
                self.run_steps(state, slot, node, out);
            } else if idle_world && let Actor::Client { client } = self.layout.actors[slot] {
                self.next_call(state, slot, client, out);
            }
        }
        for queue in 0..self.scenario.queues.len() {
            self.queue_steps(state, queue, out);
        }
        self.time_steps(state, out);
        self.service_steps(state, out);
        self.outage_steps(state, out);
    }

    /// True where copies would have to be told apart that steps cannot name.
    fn is_crowded(&self, state: &[u32]) -> bool {
        let copies = |queue: usize| {
            let queue = self.queues.value(state[self.layout.queue(queue)]);
            queue.visible().len().max(queue.locked().len())
        };
        let delayed = self.extras.value(state[EXTRA]).clock.delayed().len();
        delayed > COPIES_MAX || (0..self.scenario.queues.len()).any(|queue| copies(queue) > COPIES_MAX)
    }

    fn nobody_runs(&self, state: &[u32]) -> bool {
        (0..self.layout.actors.len()).all(|slot| state[self.layout.slot(slot) + NODE] == IDLE)
    }

    pub(crate) fn somebody_runs(&self, state: &[u32]) -> bool {
        !self.nobody_runs(state)
    }

    // ---- beginnings

    fn deliveries(&mut self, state: &[u32], group: usize, out: &mut Steps) {
        let group = self.layout.groups[group];
        let queue = self.scenario.endpoints[group.endpoint].queue;
        let number = state[self.layout.queue(queue)];
        let visible = self.queues.value(number).visible().len();
        if visible == 0 {
            return;
        }
        let busy = self.somebody_runs(state);
        let mut previous_idle = false;
        for slot in group.first..group.first + group.workers {
            let idle = state[self.layout.slot(slot) + NODE] == IDLE;
            if idle && !previous_idle {
                for at in 0..visible {
                    let copies = self.queues.value(number).visible();
                    if at > 0 && copies[at] == copies[at - 1] {
                        continue;
                    }
                    self.deliver(state, slot, group.endpoint, queue, at, busy, out);
                }
                if self.scenario.reductions.workers {
                    return;
                }
            }
            previous_idle = idle;
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn deliver(
        &mut self,
        state: &[u32],
        slot: usize,
        endpoint: usize,
        queue: usize,
        at: usize,
        busy: bool,
        out: &mut Steps,
    ) {
        let (after, copy) = self.receive(queue, state[self.layout.queue(queue)], at);
        let code = self.delivery_code(endpoint, copy);
        let mut events = if busy { bit(Event::Concurrent) } else { 0 };
        if busy && self.handled_elsewhere(state, endpoint, code) {
            events |= bit(Event::SameMessageTwice);
        }
        let next = begin(state, out);
        next[self.layout.queue(queue)] = after;
        let lossy = self.scenario.queues[queue].lossy;
        next[self.layout.slot(slot) + HELD] = if lossy { 0 } else { copy + 1 };
        let extra = self.extras.value(state[EXTRA]);
        let node = self.histories.root(code, self.scenario, extra);
        self.goes_on(
            slot,
            node,
            Label { action: Action::new(ActionKind::Deliver, slot, at), fault: None, events },
            out,
        );
    }

    fn handled_elsewhere(&mut self, state: &[u32], endpoint: usize, code: u32) -> bool {
        let Group { first, workers, .. } = self.layout.groups[endpoint];
        (first..first + workers).any(|slot| {
            let at = self.layout.slot(slot);
            let held = state[at + HELD];
            self.histories.node(state[at + NODE]).code == code
                || (held > 0 && self.delivery_code(endpoint, held - 1) == code)
        })
    }

    fn next_call(&mut self, state: &[u32], slot: usize, client: usize, out: &mut Steps) {
        let held = state[self.layout.slot(slot) + HELD];
        let (call, again) = ((held >> 1) as usize, held & 1 == 1);
        if call >= self.scenario.clients[client].calls.len() {
            return;
        }
        let events = if self.somebody_runs(state) { bit(Event::Concurrent) } else { 0 };
        let code = self.histories.codes.number(CodeKey::Call { client, call, again });
        begin(state, out);
        let extra = self.extras.value(state[EXTRA]);
        let node = self.histories.root(code, self.scenario, extra);
        self.goes_on(slot, node, Label { action: Action::new(ActionKind::Call, slot, 0), fault: None, events }, out);
    }

    // ---- runs

    fn run_steps(&mut self, state: &[u32], slot: usize, node: NodeId, out: &mut Steps) {
        let held = state[self.layout.slot(slot) + HELD];
        let actor = self.layout.actors[slot];
        match (self.histories.node(node).end, actor) {
            (End::Bad, _) => return,
            (End::Running, _) => {
                for ask in 0..self.histories.node(node).pending.len() {
                    self.operation_steps(state, slot, node, ask, out);
                }
            }
            (End::Ok | End::Err, Actor::Server { .. }) => self.response_steps(state, slot, node, out),
            (End::Ok, Actor::Worker { endpoint }) => {
                let next = begin(state, out);
                let at = self.layout.slot(slot);
                clear(&mut next[self.layout.slot_range(slot)]);
                if held > 0
                    && let Some(fact) = self.acked_fact(self.scenario.endpoints[endpoint].queue, held - 1)
                {
                    let journal = self.note(state[JOURNAL], fact);
                    out.next[JOURNAL] = journal;
                }
                debug_assert_eq!(out.next[at + NODE], IDLE);
                self.emit(free(ActionKind::Ack, slot, 0), out);
                if held > 0
                    && let Some(spent) = self.spend(state[SPENT], Fault::AckLost)
                {
                    let next = begin(state, out);
                    next[SPENT] = spent;
                    clear(&mut next[self.layout.slot_range(slot)]);
                    self.give_back(endpoint, held - 1, out);
                    let events = bit(Event::Redelivered);
                    self.emit(fault(ActionKind::AckLost, slot, 0, Fault::AckLost, events), out);
                }
            }
            (End::Err, Actor::Worker { endpoint }) => {
                let next = begin(state, out);
                clear(&mut next[self.layout.slot_range(slot)]);
                if held > 0 {
                    self.give_back(endpoint, held - 1, out);
                }
                let events = if held > 0 { bit(Event::Redelivered) } else { 0 };
                self.emit(Label { events, ..free(ActionKind::Returned, slot, 0) }, out);
            }
            (End::Ok, Actor::Client { client }) => {
                let text = self.histories.node(node).text;
                begin(state, out);
                let events = self.answered(slot, client, true, text, out);
                self.emit(Label { events, ..free(ActionKind::Answer, slot, 0) }, out);
            }
            (End::Err, Actor::Client { client }) => {
                let text = self.histories.node(node).text;
                begin(state, out);
                let events = self.answered(slot, client, false, text, out);
                self.emit(Label { events, ..free(ActionKind::Error, slot, 0) }, out);
            }
        }
        self.crash(state, slot, node, out);
        if let Actor::Worker { endpoint } = actor
            && held > 0
            && let Some(spent) = self.spend(state[SPENT], Fault::LockExpired)
        {
            self.struck_all(node, Fault::LockExpired);
            let next = begin(state, out);
            next[SPENT] = spent;
            next[self.layout.slot(slot) + HELD] = 0;
            self.give_back(endpoint, held - 1, out);
            if self.scenario.reductions.returns && self.histories.node(node).end != End::Running {
                let range = self.layout.slot_range(slot);
                clear(&mut out.next[range]);
            }
            let events = bit(Event::Redelivered);
            self.emit(fault(ActionKind::LockExpired, slot, 0, Fault::LockExpired, events), out);
        }
    }

    fn crash(&mut self, state: &[u32], slot: usize, node: NodeId, out: &mut Steps) {
        let Some(spent) = self.spend(state[SPENT], Fault::Crash) else { return };
        self.struck_all(node, Fault::Crash);
        let held = state[self.layout.slot(slot) + HELD];
        let effect = self.histories.node(node).effect || self.histories.node(node).end == End::Ok;
        let mut events = bit(if effect { Event::CrashAfterEffect } else { Event::CrashBeforeEffect });
        // A run that has ended has given back what it drew, if it could.
        let running = self.histories.node(node).end == End::Running;
        let hidden = running && !self.has_sent(state, slot);
        let extra = if hidden { self.undrawn(state[EXTRA], node) } else { state[EXTRA] };
        let next = begin(state, out);
        next[SPENT] = spent;
        next[EXTRA] = extra;
        self.stops_waiting(slot, IDLE, out);
        match self.layout.actors[slot] {
            Actor::Server { .. } => clear(&mut out.next[self.layout.slot_range(slot)]),
            Actor::Worker { endpoint } => {
                clear(&mut out.next[self.layout.slot_range(slot)]);
                if held > 0 {
                    events |= bit(Event::Redelivered);
                    if self.scenario.reductions.returns && !self.gives_up(endpoint, held) {
                        self.give_back(endpoint, held - 1, out);
                    } else {
                        let at = self.layout.queue(self.scenario.endpoints[endpoint].queue);
                        let copy = self.copies.value(held - 1).clone();
                        let queue = self.queues.value(state[at]).orphaned(copy);
                        out.next[at] = self.queues.number(queue);
                    }
                }
            }
            Actor::Client { client } => {
                let text = self.histories.texts.number("no answer".to_owned());
                events |= self.answered(slot, client, false, text, out);
            }
        }
        self.emit(fault(ActionKind::Crash, slot, 0, Fault::Crash, events), out);
    }

    /// The client hears of an answer or an error, and goes on by its rule; returns the event of that.
    fn answered(&mut self, slot: usize, client: usize, ok: bool, text: u32, out: &mut Steps) -> u64 {
        let at = self.layout.slot(slot);
        let held = out.next[at + HELD];
        let spec = &self.scenario.clients[client];
        let call = held >> 1;
        let rule = spec.calls[call as usize].on_error;
        let range = self.layout.slot_range(slot);
        clear(&mut out.next[range]);
        if !ok && rule == OnError::CallAgain {
            // Calling the same thing again is where it was before; only a restart is somewhere else.
            out.next[at + HELD] = call << 1 | u32::from(spec.calls[call as usize].again.is_some());
            return bit(Event::CalledAgain);
        }
        let leaves = !ok && rule == OnError::Leave;
        out.next[at + HELD] = if leaves { (spec.calls.len() as u32) << 1 } else { (call + 1) << 1 };
        if self.needs.facts.has(FactKind::Answered, &spec.name) {
            let text = self.histories.texts.value(text).as_str().into();
            let answer = if ok { Ok(text) } else { Err(text) };
            let fact = Fact::Answered { client: spec.name.clone(), call: call as u16, answer };
            let fact = self.facts.number(fact);
            out.next[JOURNAL] = self.note(out.next[JOURNAL], fact);
        }
        0
    }

    /// True if a client calls again after an error, which nobody else hears of then.
    fn calls_again(&self, client: usize, held: u32) -> bool {
        self.scenario.clients[client].calls[(held >> 1) as usize].on_error == OnError::CallAgain
    }

    fn operation_steps(&mut self, state: &[u32], slot: usize, node: NodeId, ask: usize, out: &mut Steps) {
        let op = self.histories.node(node).pending[ask].op;
        let kind = self.histories.ops[op as usize].kind;
        let done = free(ActionKind::Done, slot, ask);
        let sent = self.mark(state, slot, self.histories.node(node).pending[ask].ordinal).is_some();
        if let Some(target) = self.target(op)
            && self.extras.value(state[EXTRA]).out & (1 << target) != 0
            && !sent
        {
            if self.histories.node(node).unanswered < UNANSWERED_MAX {
                let reply = OUTAGE
                    | match kind {
                        Kind::Send => self.answers.send_unknown,
                        Kind::Call => self.answers.call_unknown,
                        Kind::Request => self.answers.no_response,
                        Kind::Ack => self.answers.ack_unknown,
                        _ => self.answers.store_unknown,
                    };
                let was_free = out.free;
                begin(state, out);
                self.answer(slot, node, ask, reply, free(ActionKind::NoAnswer, slot, ask), out);
                out.free = was_free;
            }
            return;
        }
        match kind {
            Kind::Get { weak } => {
                begin(state, out);
                self.read_ok(slot, node, ask, op, false, done, out);
                if let Some(label) = self.strike(state, slot, node, ask, ActionKind::Refused, Fault::ReadRefused, out) {
                    self.answer(slot, node, ask, self.answers.throttled, label, out);
                }
                if weak
                    && self.readable(state[DOCUMENTS], op, true).1
                    && let Some(label) =
                        self.strike(state, slot, node, ask, ActionKind::StaleRead, Fault::StaleRead, out)
                {
                    self.read_ok(slot, node, ask, op, true, label, out);
                }
            }
            Kind::List => {
                begin(state, out);
                let reply = self.list(state[DOCUMENTS], op);
                self.answer(slot, node, ask, reply, done, out);
                if let Some(label) = self.strike(state, slot, node, ask, ActionKind::Refused, Fault::ReadRefused, out) {
                    self.answer(slot, node, ask, self.answers.throttled, label, out);
                }
            }
            Kind::Write { versioned } => self.write_steps(state, slot, node, ask, op, versioned, out),
            Kind::Send => {
                begin(state, out);
                self.sends(op, out);
                self.answer(slot, node, ask, self.answers.done, done, out);
                if let Some(label) = self.strike(state, slot, node, ask, ActionKind::Refused, Fault::SendRefused, out) {
                    self.answer(slot, node, ask, self.answers.send_refused, label, out);
                }
                for kind in [ActionKind::UnknownNotDone, ActionKind::UnknownDone] {
                    if let Some(label) = self.strike(state, slot, node, ask, kind, Fault::SendUnknown, out) {
                        if kind == ActionKind::UnknownDone {
                            self.sends(op, out);
                        }
                        self.answer(slot, node, ask, self.answers.send_unknown, label, out);
                    }
                }
            }
            Kind::Ack => {
                let held = state[self.layout.slot(slot) + HELD];
                begin(state, out);
                self.acks(slot, out);
                self.answer(slot, node, ask, self.answers.done, done, out);
                if let Actor::Worker { endpoint } = self.layout.actors[slot]
                    && held > 0
                    && let Some(label) =
                        self.strike(state, slot, node, ask, ActionKind::EarlyAckLost, Fault::AckLost, out)
                {
                    out.next[self.layout.slot(slot) + HELD] = 0;
                    self.give_back(endpoint, held - 1, out);
                    let label = Label { events: label.events | bit(Event::Redelivered), ..label };
                    self.answer(slot, node, ask, self.answers.ack_unknown, label, out);
                }
            }
            Kind::Sleep => {}
            Kind::Request => self.request_steps(state, slot, node, ask, out),
            Kind::Call => {
                begin(state, out);
                let reply = self.calls(op, out);
                self.answer(slot, node, ask, reply, done, out);
                if let Some(label) = self.strike(state, slot, node, ask, ActionKind::Refused, Fault::CallRefused, out) {
                    self.answer(slot, node, ask, self.answers.call_refused, label, out);
                }
                for kind in [ActionKind::UnknownNotDone, ActionKind::UnknownDone] {
                    if let Some(label) = self.strike(state, slot, node, ask, kind, Fault::CallUnknown, out) {
                        if kind == ActionKind::UnknownDone {
                            self.calls(op, out);
                        }
                        self.answer(slot, node, ask, self.answers.call_unknown, label, out);
                    }
                }
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn write_steps(
        &mut self,
        state: &[u32],
        slot: usize,
        node: NodeId,
        ask: usize,
        op: u32,
        versioned: bool,
        out: &mut Steps,
    ) {
        let effect = self.write_effect(state, slot, op);
        let done = free(ActionKind::Done, slot, ask);
        match effect {
            WriteEffect::Fails(reply) => {
                let conflict = reply == self.answers.conflict;
                let events = if conflict { bit(Event::Conflict) } else { 0 };
                begin(state, out);
                self.answer(slot, node, ask, reply, Label { events, ..done }, out);
            }
            WriteEffect::Done { documents, reply } => {
                begin(state, out);
                self.writes(slot, Some(node), op, documents, out);
                let reply = if self.scenario.reductions.versions {
                    let puts = self.written_keys(op).iter().filter(|(_, put)| *put).count() as u32;
                    let held = self.histories.node(node).versions.len() as u32;
                    self.written_reply(puts, held)
                } else {
                    reply
                };
                self.answer(slot, node, ask, reply, done, out);
            }
        }
        if let Some(label) = self.strike(state, slot, node, ask, ActionKind::Refused, Fault::WriteRefused, out) {
            self.answer(slot, node, ask, self.answers.throttled, label, out);
        }
        if let Some(label) = self.strike(state, slot, node, ask, ActionKind::UnknownNotDone, Fault::WriteUnknown, out) {
            self.answer(slot, node, ask, self.answers.store_unknown, label, out);
        }
        if let WriteEffect::Done { documents, .. } = effect
            && let Some(label) = self.strike(state, slot, node, ask, ActionKind::UnknownDone, Fault::WriteUnknown, out)
        {
            self.writes(slot, None, op, documents, out);
            self.answer(slot, node, ask, self.answers.store_unknown, label, out);
        }
        if versioned
            && let Some(label) =
                self.strike(state, slot, node, ask, ActionKind::SpuriousConflict, Fault::SpuriousConflict, out)
        {
            self.answer(slot, node, ask, self.answers.conflict, label, out);
        }
    }

    /// Begins a step in which an operation fails by a fault, if the budget allows one.
    #[allow(clippy::too_many_arguments)]
    fn strike(
        &mut self,
        state: &[u32],
        slot: usize,
        node: NodeId,
        ask: usize,
        kind: ActionKind,
        by: Fault,
        out: &mut Steps,
    ) -> Option<Label> {
        let spent = self.spend(state[SPENT], by)?;
        begin(state, out)[SPENT] = spent;
        self.histories.node_mut(node).pending[ask].struck |= 1 << by as u32;
        Some(fault(kind, slot, ask, by, 0))
    }

    fn struck_all(&mut self, node: NodeId, by: Fault) {
        for ask in &mut self.histories.node_mut(node).pending {
            ask.struck |= 1 << by as u32;
        }
    }

    /// What a write would do for this run.
    pub(crate) fn write_effect(&mut self, state: &[u32], slot: usize, op: u32) -> WriteEffect {
        let effect = self.write(state[DOCUMENTS], op);
        if !self.scenario.reductions.versions || matches!(effect, WriteEffect::Fails(_)) {
            return effect;
        }
        let current = self.layout.current(slot);
        let held = |number: u32| state[current + (number / 32) as usize] >> (number % 32) & 1 == 1;
        let conditions = &self.histories.ops[op as usize].conditions;
        let all = conditions.iter().all(|condition| match condition {
            Condition::Is(number) => held(*number),
            _ => true,
        });
        if all { effect } else { WriteEffect::Fails(self.answers.conflict) }
    }

    #[allow(clippy::too_many_arguments)]
    fn read_ok(&mut self, slot: usize, node: NodeId, ask: usize, op: u32, stale: bool, label: Label, out: &mut Steps) {
        let documents = out.next[DOCUMENTS];
        let mut number = 0;
        if self.scenario.reductions.versions && self.readable(documents, op, stale).0 {
            let Operation::Get { key, .. } = &self.histories.ops[op as usize].operation else {
                unreachable!("only gets are read")
            };
            let key = self.histories.keys.number(key.as_str().into());
            let bits = if stale { self.layout.previous(slot) } else { self.layout.current(slot) };
            let held = &self.histories.node(node).versions;
            // The same version read again is the same version; any other is a new one.
            let known = held
                .iter()
                .enumerate()
                .position(|(number, of)| *of == key && out.next[bits + number / 32] >> (number % 32) & 1 == 1);
            number = known.unwrap_or(held.len()) as u32;
            self.hold(bits, number, out);
        }
        let reply = self.read(documents, op, stale, number);
        self.answer(slot, node, ask, reply, label, out);
    }

    /// Sets a version's bit.
    fn hold(&mut self, bits: usize, number: u32, out: &mut Steps) {
        if number as usize >= 32 * self.layout.version_words {
            self.more_versions = true;
        } else {
            out.next[bits + (number / 32) as usize] |= 1 << (number % 32);
        }
    }

    /// The documents change: every run's versions of the written keys are one write older.
    fn writes(&mut self, slot: usize, writer: Option<NodeId>, op: u32, documents: u32, out: &mut Steps) {
        out.next[DOCUMENTS] = documents;
        if !self.scenario.reductions.versions {
            return;
        }
        let keys = self.written_keys(op);
        for actor in 0..self.layout.actors.len() {
            let node = out.next[self.layout.slot(actor) + NODE];
            if node <= ENDED_ERR {
                continue;
            }
            let (current, previous) = (self.layout.current(actor), self.layout.previous(actor));
            for (number, of) in self.histories.node(node).versions.iter().enumerate() {
                if keys.iter().any(|(key, _)| key == of) {
                    let (word, mask) = (number / 32, 1 << (number % 32));
                    if word >= self.layout.version_words {
                        continue;
                    }
                    if self.layout.stale {
                        let was = out.next[current + word] & mask;
                        out.next[previous + word] = out.next[previous + word] & !mask | was;
                    }
                    out.next[current + word] &= !mask;
                }
            }
        }
        if let Some(writer) = writer {
            let mut number = self.histories.node(writer).versions.len() as u32;
            for (at, (key, put)) in keys.iter().enumerate() {
                if *put {
                    // Of two writes to one key in a batch only the later one's version is current.
                    if keys[at + 1..].iter().all(|(later, _)| later != key) {
                        self.hold(self.layout.current(slot), number, out);
                    }
                    number += 1;
                }
            }
        }
    }

    fn sends(&mut self, op: u32, out: &mut Steps) {
        if let Some(fact) = self.sent_fact(op) {
            out.next[JOURNAL] = self.note(out.next[JOURNAL], fact);
        }
        let read = &self.histories.ops[op as usize];
        let (Some(queue), Some(msg), delay) = (read.queue, read.msg.clone(), read.delay_millis) else { return };
        if !self.consumed(queue) {
            return;
        }
        let copy = if self.scenario.reductions.copies {
            self.sent_copy(op)
        } else {
            let number = self.free_number(queue, &msg, &out.next);
            self.copies.number(Copy::of(msg, number))
        };
        if delay > 0 {
            let mut extra = self.extras.value(out.next[EXTRA]).clone();
            extra.clock = extra.clock.with(delay, queue as u16, self.copies.value(copy).clone());
            out.next[EXTRA] = self.extras.number(extra);
        } else {
            self.appears(queue, copy, out);
        }
    }

    /// The lowest number that no copy of the message has in this queue.
    fn free_number(&self, queue: usize, msg: &kit::Msg, state: &[u32]) -> u8 {
        let mut taken = [false; 256];
        let here = self.queues.value(state[self.layout.queue(queue)]);
        let delayed = self.extras.value(state[EXTRA]).clock.delayed();
        let delayed = delayed.iter().filter(|(_, of, _)| usize::from(*of) == queue).map(|(_, _, copy)| copy);
        let held = self.layout.groups.iter().filter(|group| self.scenario.endpoints[group.endpoint].queue == queue);
        let held = held.flat_map(|group| group.first..group.first + group.workers).filter_map(|slot| {
            let held = state[self.layout.slot(slot) + HELD];
            (held > 0).then(|| self.copies.value(held - 1))
        });
        for copy in here.visible().iter().chain(here.locked()).chain(delayed).chain(held) {
            if *copy.msg == *msg {
                taken[usize::from(copy.number)] = true;
            }
        }
        taken.iter().position(|taken| !taken).expect("fewer than 256 copies") as u8
    }

    fn appears(&mut self, queue: usize, copy: u32, out: &mut Steps) {
        let at = self.layout.queue(queue);
        out.next[at] = self.with_copy(out.next[at], copy);
    }

    /// A copy is visible again, or given up.
    fn give_back(&mut self, endpoint: usize, copy: u32, out: &mut Steps) {
        self.comes_back(self.scenario.endpoints[endpoint].queue, copy, out);
    }

    fn comes_back(&mut self, queue: usize, copy: u32, out: &mut Steps) {
        let spec = &self.scenario.queues[queue];
        if spec.deliveries_max.is_some_and(|most| self.copies.value(copy).delivery_count >= most) {
            if self.needs.facts.has(FactKind::DeadLettered, &spec.name) {
                let id = self.copies.value(copy).msg.id.as_str().into();
                let fact = Fact::DeadLettered { queue: spec.name.clone(), id };
                let fact = self.facts.number(fact);
                out.next[JOURNAL] = self.note(out.next[JOURNAL], fact);
            }
        } else {
            self.appears(queue, copy, out);
        }
    }

    fn acks(&mut self, slot: usize, out: &mut Steps) {
        let at = self.layout.slot(slot) + HELD;
        let Actor::Worker { endpoint } = self.layout.actors[slot] else { return };
        let held = std::mem::take(&mut out.next[at]);
        if held > 0
            && let Some(fact) = self.acked_fact(self.scenario.endpoints[endpoint].queue, held - 1)
        {
            out.next[JOURNAL] = self.note(out.next[JOURNAL], fact);
        }
    }

    fn calls(&mut self, op: u32, out: &mut Steps) -> u32 {
        let (services, reply) = self.call(out.next[SERVICES], op);
        out.next[SERVICES] = services;
        reply
    }

    /// What an operation needs: the store, the bus, or a service.
    fn target(&self, op: u32) -> Option<u32> {
        let op = &self.histories.ops[op as usize];
        match op.kind {
            Kind::Get { .. } | Kind::List | Kind::Write { .. } => Some(OUT_STORE),
            Kind::Send | Kind::Ack => Some(OUT_BUS),
            Kind::Call => op.service.map(|service| OUT_SERVICES + service as u32),
            Kind::Request => op.queue.map(|queue| self.out_host(queue)),
            Kind::Sleep => None,
        }
    }

    /// A run gets an answer and goes on.
    fn answer(&mut self, slot: usize, node: NodeId, ask: usize, reply: u32, label: Label, out: &mut Steps) {
        let ordinal = self.histories.node(node).pending[ask].ordinal;
        let extra = self.extras.value(out.next[EXTRA]);
        let child = self.histories.child(node, ordinal, reply, self.scenario, extra);
        if self.layout.sleeps {
            self.stops_sleeping(slot, ordinal, out);
        }
        self.goes_on(slot, child, label, out);
    }

    /// A run is at another node: what it drew is counted, what it dropped took effect or not, and if it ended,
    /// what is merged with its end happens.
    fn goes_on(&mut self, slot: usize, node: NodeId, label: Label, out: &mut Steps) {
        let at = self.layout.slot(slot);
        out.next[at + NODE] = node;
        let reached = self.histories.node(node);
        let (draws, code, end, text) = (reached.draws, reached.code, reached.end, reached.text);
        let dropped = if reached.dropped.is_empty() { Vec::new() } else { reached.dropped.clone() };
        if draws > 0 {
            let owner = self.histories.owner(code, self.scenario);
            let Some(extra) = self.drawn(out.next[EXTRA], owner, draws) else {
                out.free |= label.fault.is_none(); // it could go on; nobody looks where to
                return;
            };
            out.next[EXTRA] = extra;
        }
        if self.layout.sleeps {
            self.falls_asleep(slot, node, out);
        }
        if dropped.is_empty() {
            self.stops_waiting(slot, node, out);
            self.ends(slot, node, end, text, label, out);
            return;
        }
        let dropped = &dropped[..dropped.len().min(DROPPED_MAX)];
        let base = out.next.clone();
        for effects in 0..1u32 << dropped.len() {
            out.next.copy_from_slice(&base);
            if self.dropped_effects(slot, dropped, effects, out) {
                let label = Label { action: label.action.with_effects(effects), ..label };
                self.stops_waiting(slot, node, out);
                self.ends(slot, node, end, text, label, out);
            }
        }
    }

    /// If the run has ended: what the reductions merge with its end happens. Then the new state is complete.
    fn ends(&mut self, slot: usize, node: NodeId, end: End, text: u32, mut label: Label, out: &mut Steps) {
        if end == End::Running || end == End::Bad {
            self.emit_as(label, node, end == End::Bad, out);
            return;
        }
        let at = self.layout.slot(slot);
        let range = self.layout.slot_range(slot);
        let actor = self.layout.actors[slot];
        let reductions = self.scenario.reductions;
        let held = out.next[at + HELD];
        let tells = match actor {
            Actor::Worker { .. } => false,
            Actor::Server { .. } => true,
            Actor::Client { client } => end == End::Ok || !self.calls_again(client, held),
        };
        if !tells {
            out.next[EXTRA] = self.undrawn(out.next[EXTRA], node);
        }
        match actor {
            Actor::Worker { .. } if reductions.returns && held == 0 => clear(&mut out.next[range]),
            Actor::Worker { endpoint } if reductions.returns && end == End::Err && !self.gives_up(endpoint, held) => {
                clear(&mut out.next[range]);
                self.give_back(endpoint, held - 1, out);
                label.events |= bit(Event::Redelivered);
            }
            Actor::Worker { .. } if reductions.finished => {
                clear(&mut out.next[range]);
                out.next[at + HELD] = held;
                out.next[at + NODE] = if end == End::Ok { ENDED_OK } else { ENDED_ERR };
            }
            Actor::Server { .. } if reductions.returns && self.is_unheard(held) => clear(&mut out.next[range]),
            Actor::Client { client } if reductions.returns && end == End::Err && !self.is_told(client, held) => {
                label.events |= self.answered(slot, client, false, text, out);
            }
            Actor::Client { .. } | Actor::Server { .. } if reductions.finished => {
                clear(&mut out.next[range]);
                out.next[at + HELD] = held;
                out.next[at + NODE] = self.histories.ended(end == End::Ok, text);
            }
            _ => {}
        }
        self.emit_as(label, node, false, out);
    }

    /// True if giving this copy back would dead-letter it, which is a fact of its own: no step is merged with it.
    fn gives_up(&self, endpoint: usize, held: u32) -> bool {
        let spec = &self.scenario.queues[self.scenario.endpoints[endpoint].queue];
        let count = self.copies.value(held - 1).delivery_count;
        spec.deliveries_max.is_some_and(|most| count >= most)
            && self.needs.facts.has(FactKind::DeadLettered, &spec.name)
    }

    /// True if an error that this client hears is a fact of its own: no step is merged with it.
    fn is_told(&self, client: usize, held: u32) -> bool {
        let spec = &self.scenario.clients[client];
        !self.calls_again(client, held) && self.needs.facts.has(FactKind::Answered, &spec.name)
    }

    /// Operations that were dropped in flight, and took effect all the same. False if one of them cannot have any.
    fn dropped_effects(&mut self, slot: usize, dropped: &[Ask], effects: u32, out: &mut Steps) -> bool {
        for (at, Ask { op, ordinal, .. }) in dropped.iter().enumerate() {
            if effects >> at & 1 == 0 {
                continue;
            }
            match self.histories.ops[*op as usize].kind {
                Kind::Get { .. } | Kind::List | Kind::Sleep => return false,
                Kind::Write { .. } => {
                    let state = out.next.clone();
                    match self.write_effect(&state, slot, *op) {
                        WriteEffect::Fails(_) => return false,
                        WriteEffect::Done { documents, .. } => self.writes(slot, None, *op, documents, out),
                    }
                }
                Kind::Send => self.sends(*op, out),
                Kind::Ack => self.acks(slot, out),
                Kind::Call => drop(self.calls(*op, out)),
                // One that was sent before is on its way already.
                Kind::Request if self.mark(&out.next, slot, *ordinal).is_some() => return false,
                Kind::Request => self.goes_out(*op, 0, out),
            }
        }
        true
    }

    // ---- time

    fn falls_asleep(&mut self, slot: usize, node: NodeId, out: &mut Steps) {
        let at = self.layout.asleep(slot);
        let mut asleep = self.asleep.value(out.next[at]).clone();
        let now = self.extras.value(out.next[EXTRA]).clock.now();
        let before = asleep.len();
        for ask in &self.histories.node(node).pending {
            let op = &self.histories.ops[ask.op as usize];
            if op.kind == Kind::Sleep && asleep.iter().all(|(ordinal, _)| *ordinal != ask.ordinal) {
                asleep.push((ask.ordinal, now + op.delay_millis));
            }
        }
        // A sleep that the run has dropped is over.
        let pending = &self.histories.node(node).pending;
        let kept = asleep.len();
        asleep.retain(|(ordinal, _)| pending.iter().any(|ask| ask.ordinal == *ordinal));
        if asleep.len() != before || asleep.len() != kept {
            asleep.sort_unstable();
            out.next[at] = self.asleep.number(asleep);
        }
    }

    fn stops_sleeping(&mut self, slot: usize, ordinal: u8, out: &mut Steps) {
        let at = self.layout.asleep(slot);
        let asleep = self.asleep.value(out.next[at]);
        if asleep.iter().any(|(other, _)| *other == ordinal) {
            let rest = asleep.iter().copied().filter(|(other, _)| *other != ordinal).collect();
            out.next[at] = self.asleep.number(rest);
        }
    }

    fn time_steps(&mut self, state: &[u32], out: &mut Steps) {
        let clock = &self.extras.value(state[EXTRA]).clock;
        let mut due = clock.delayed().first().map(|(due, ..)| *due);
        if self.layout.sleeps {
            for slot in 0..self.layout.actors.len() {
                for (_, at) in self.asleep.value(state[self.layout.asleep(slot)]) {
                    due = Some(due.map_or(*at, |due| due.min(*at)));
                }
            }
        }
        let Some(due) = due else { return };
        if due > clock.now() && self.earliest_deadline(state).is_some_and(|deadline| deadline <= due) {
            return;
        }
        let delayed = clock.delayed().iter().take_while(|(at, ..)| *at <= due).count();
        for entry in 0..delayed {
            begin(state, out);
            self.moves_to(due, out);
            let mut extra = self.extras.value(out.next[EXTRA]).clone();
            let (clock, queue, copy) = extra.clock.without(entry);
            extra.clock = clock;
            out.next[EXTRA] = self.extras.number(extra);
            let copy = self.copies.number(copy);
            self.appears(usize::from(queue), copy, out);
            self.emit(free(ActionKind::Due, usize::from(queue), entry), out);
        }
        if !self.layout.sleeps {
            return;
        }
        for slot in 0..self.layout.actors.len() {
            let asleep = self.asleep.value(state[self.layout.asleep(slot)]).clone();
            let node = state[self.layout.slot(slot) + NODE];
            for (ordinal, at) in asleep {
                if at > due {
                    continue;
                }
                let pending = &self.histories.node(node).pending;
                let Some(ask) = pending.iter().position(|ask| ask.ordinal == ordinal) else { continue };
                begin(state, out);
                self.moves_to(due, out);
                self.answer(slot, node, ask, self.answers.done, free(ActionKind::Woken, slot, ask), out);
            }
        }
    }

    /// The clock moves; where time is relative, all that is due comes nearer.
    fn moves_to(&mut self, due: u64, out: &mut Steps) {
        let absolute = self.layout.clock;
        let mut extra = self.extras.value(out.next[EXTRA]).clone();
        extra.clock = extra.clock.at(due, absolute);
        out.next[EXTRA] = self.extras.number(extra);
        if absolute {
            return;
        }
        self.deadlines_come_nearer(due, out);
        if !self.layout.sleeps {
            return;
        }
        for slot in 0..self.layout.actors.len() {
            let at = self.layout.asleep(slot);
            let asleep = self.asleep.value(out.next[at]);
            if !asleep.is_empty() {
                let nearer = asleep.iter().map(|(ordinal, at)| (*ordinal, at.saturating_sub(due))).collect();
                out.next[at] = self.asleep.number(nearer);
            }
        }
    }

    // ---- queues, services, outages

    fn queue_steps(&mut self, state: &[u32], queue: usize, out: &mut Steps) {
        if let Some(host) = self.scenario.queues[queue].host {
            self.host_steps(state, queue, host, out);
            return;
        }
        let at = self.layout.queue(queue);
        let lossy = self.scenario.queues[queue].lossy;
        for which in 0..self.queues.value(state[at]).locked().len() {
            let here = self.queues.value(state[at]);
            let copy = here.locked()[which].clone();
            if which > 0 && here.locked()[which - 1] == copy {
                continue;
            }
            let without = here.expired(&copy).without(&copy);
            begin(state, out)[at] = self.queues.number(without);
            let copy = self.copies.number(copy);
            self.comes_back(queue, copy, out);
            self.emit(free(ActionKind::DeadLockExpired, queue, which), out);
        }
        for (kind, by) in [(ActionKind::Duplicate, Fault::Duplicate), (ActionKind::Loss, Fault::Loss)] {
            if kind == ActionKind::Loss && !lossy {
                continue;
            }
            let Some(spent) = self.spend(state[SPENT], by) else { continue };
            for which in 0..self.queues.value(state[at]).visible().len() {
                let here = self.queues.value(state[at]);
                let copy = here.visible()[which].clone();
                if which > 0 && here.visible()[which - 1] == copy {
                    continue;
                }
                let next = begin(state, out);
                next[SPENT] = spent;
                if kind == ActionKind::Loss {
                    next[at] = self.queues.number(self.queues.value(state[at]).without(&copy));
                } else {
                    let number =
                        if self.scenario.reductions.copies { 0 } else { self.free_number(queue, &copy.msg, state) };
                    let copy = self.copies.number(Copy { number, ..copy });
                    self.appears(queue, copy, out);
                }
                self.emit(fault(kind, queue, which, by, 0), out);
            }
        }
    }

    fn service_steps(&mut self, state: &[u32], out: &mut Steps) {
        if self.scenario.services.is_empty() {
            return;
        }
        for (service, after) in self.timers(state[SERVICES]).iter() {
            begin(state, out)[SERVICES] = *after;
            self.emit(free(ActionKind::Timer, *service, 0), out);
        }
    }

    fn outage_steps(&mut self, state: &[u32], out: &mut Steps) {
        let down = self.extras.value(state[EXTRA]).out;
        let possible = crate::layout::may_strike(&self.scenario.faults, Fault::Outage);
        if down == 0 && !possible {
            return;
        }
        for target in 0..self.out_host(self.scenario.queues.len()) {
            // Nobody can tell an outage that begins before somebody asks from one that begins then.
            if down & 1 << target == 0 && !self.asked_of(state, target) {
                continue;
            }
            let mut extra = self.extras.value(state[EXTRA]).clone();
            extra.out ^= 1 << target;
            if down & 1 << target != 0 {
                begin(state, out)[EXTRA] = self.extras.number(extra);
                self.emit(free(ActionKind::OutageEnds, target as usize, 0), out);
            } else if let Some(spent) = self.spend(state[SPENT], Fault::Outage) {
                let next = begin(state, out);
                next[EXTRA] = self.extras.number(extra);
                next[SPENT] = spent;
                self.emit(fault(ActionKind::OutageBegins, target as usize, 0, Fault::Outage, 0), out);
            }
        }
    }

    /// True if some run waits for the store, the bus or a service.
    fn asked_of(&self, state: &[u32], target: u32) -> bool {
        (0..self.layout.actors.len()).any(|slot| {
            let node = self.histories.node(state[self.layout.slot(slot) + NODE]);
            let asks = |ask: &Ask| self.target(ask.op) == Some(target) && self.mark(state, slot, ask.ordinal).is_none();
            node.pending.iter().any(asks)
        })
    }

    // ---- the new state

    fn emit(&mut self, label: Label, out: &mut Steps) {
        self.emit_as(label, IDLE, false, out);
    }

    fn emit_as(&mut self, label: Label, reached: NodeId, bad: bool, out: &mut Steps) {
        let moved = if self.scenario.reductions.workers { self.sort(&mut out.next) } else { UNMOVED };
        out.free |= label.fault.is_none();
        let Label { action, fault, events } = label;
        let events = events | fault.map_or(0, |fault| bit(Event::Struck(fault)));
        out.steps.push(Step { action, fault, events, moved, reached, bad });
        out.words.extend_from_slice(&out.next);
    }

    /// Sorts the workers of each endpoint; returns where each slot stood before.
    #[inline]
    fn sort(&self, state: &mut [u32]) -> u64 {
        let mut moved = UNMOVED;
        let width = self.layout.slot_words;
        for group in &self.layout.groups {
            for last in group.first + 1..group.first + group.workers {
                let mut slot = last;
                while slot > group.first {
                    let (left, right) = (self.layout.slot(slot - 1), self.layout.slot(slot));
                    if state[left..left + width] <= state[right..right + width] {
                        break;
                    }
                    for word in 0..width {
                        state.swap(left + word, right + word);
                    }
                    moved = swapped(moved, slot - 1, slot);
                    slot -= 1;
                }
            }
        }
        moved
    }
}

fn swapped(moved: u64, left: usize, right: usize) -> u64 {
    let (a, b) = (moved >> (4 * left) & 15, moved >> (4 * right) & 15);
    moved & !(15 << (4 * left)) & !(15 << (4 * right)) | b << (4 * left) | a << (4 * right)
}

fn begin<'s>(state: &[u32], out: &'s mut Steps) -> &'s mut Vec<u32> {
    out.next.clear();
    out.next.extend_from_slice(state);
    &mut out.next
}

fn clear(slot: &mut [u32]) {
    slot.fill(0);
}

fn free(kind: ActionKind, slot: usize, which: usize) -> Label {
    Label { action: Action::new(kind, slot, which), fault: None, events: 0 }
}

fn fault(kind: ActionKind, slot: usize, which: usize, by: Fault, events: u64) -> Label {
    Label { action: Action::new(kind, slot, which), fault: Some(by), events }
}
