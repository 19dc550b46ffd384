//! The steps of requests over HTTP, and who waits for which response.
//!
//! A request on its way is a copy in its host's queue. While a run waits for its response the copy bears the mark of
//! that wait, and the run's slot remembers the mark: that is how a response finds its way. A copy that nobody waits for
//! bears the mark 0.

use kit::http::MAX_FLIGHT;
use sim::{Copy, Fault};

use super::{Steps, begin, clear, fault, free};
use crate::action::ActionKind;
use crate::engine::Engine;
use crate::history::{End, NodeId};
use crate::layout::{Actor, EXTRA, HELD, NODE, SERVICES, SPENT};
use crate::operation::Kind;
use crate::scenario::Host;

/// A run that waits for a response.
#[derive(Clone, Copy)]
pub(crate) struct Waiter {
    pub(crate) slot: usize,
    pub(crate) node: NodeId,
    /// Which of the operations that are pending there.
    pub(crate) ask: usize,
}

impl Engine<'_> {
    /// Of a request that is pending: it is sent, or its wait ends.
    pub(super) fn request_steps(&mut self, state: &[u32], slot: usize, node: NodeId, ask: usize, out: &mut Steps) {
        let op = self.histories.node(node).pending[ask].op;
        let ordinal = self.histories.node(node).pending[ask].ordinal;
        let Some(mark) = self.mark(state, slot, ordinal) else {
            begin(state, out);
            let mark = self.unused_mark(state);
            self.goes_out(op, mark, out);
            let at = self.layout.waits(slot);
            let mut waits = self.waits.value(state[at]).clone();
            waits.push((ordinal, mark));
            waits.sort_unstable();
            out.next[at] = self.waits.number(waits);
            self.emit(free(ActionKind::RequestSent, slot, ask), out);
            return;
        };
        match self.whereabouts(state, mark) {
            Whereabouts::Nowhere => {
                begin(state, out);
                self.answer(slot, node, ask, self.answers.no_response, free(ActionKind::NoResponse, slot, ask), out);
            }
            Whereabouts::UnderWay => {
                if let Some(label) = self.strike(state, slot, node, ask, ActionKind::TimedOut, Fault::TimedOut, out) {
                    self.answer(slot, node, ask, self.answers.no_response, label, out);
                }
            }
            Whereabouts::Answered => {}
        }
    }

    /// Of a server's run that has ended: its response reaches whoever waits for it, or goes nowhere.
    pub(super) fn response_steps(&mut self, state: &[u32], slot: usize, node: NodeId, out: &mut Steps) {
        let held = state[self.layout.slot(slot) + HELD];
        let run = self.histories.node(node);
        let reply = (run.end == End::Ok, run.text);
        let waiter = self.waiter(state, self.copies.value(held - 1).number);
        clear(&mut begin(state, out)[self.layout.slot_range(slot)]);
        let Some(waiter) = waiter else {
            self.emit(free(ActionKind::Response, slot, 0), out);
            return;
        };
        let reply = self.responded(reply.0, reply.1);
        self.answer(waiter.slot, waiter.node, waiter.ask, reply, free(ActionKind::Response, slot, 0), out);
        if let Some(spent) = self.spend(state[SPENT], Fault::ResponseLost) {
            self.struck(Some(waiter), Fault::ResponseLost);
            let next = begin(state, out);
            next[SPENT] = spent;
            clear(&mut next[self.layout.slot_range(slot)]);
            self.emit(fault(ActionKind::ResponseLost, slot, 0, Fault::ResponseLost, 0), out);
        }
    }

    /// Of the requests that are on their way to a host.
    pub(super) fn host_steps(&mut self, state: &[u32], queue: usize, host: Host, out: &mut Steps) {
        let at = self.layout.queue(queue);
        for which in 0..self.queues.value(state[at]).visible().len() {
            let here = self.queues.value(state[at]);
            let copy = here.visible()[which].clone();
            if which > 0 && here.visible()[which - 1] == copy {
                continue;
            }
            let without = here.without(&copy);
            let without = self.queues.number(without);
            let waiter = self.waiter(state, copy.number);
            let copy = self.copies.number(copy);
            if let Host::Service(service) = host {
                self.service_serves(state, queue, which, service, copy, without, waiter, out);
            }
            if let Some(spent) = self.spend(state[SPENT], Fault::RequestLost) {
                let next = begin(state, out);
                (next[SPENT], next[at]) = (spent, without);
                self.struck(waiter, Fault::RequestLost);
                self.emit(fault(ActionKind::RequestLost, queue, which, Fault::RequestLost, 0), out);
            }
            if let Some(spent) = self.spend(state[SPENT], Fault::RequestDuplicated) {
                begin(state, out)[SPENT] = spent;
                self.appears(queue, copy, out);
                self.struck(waiter, Fault::RequestDuplicated);
                self.emit(fault(ActionKind::RequestDuplicated, queue, which, Fault::RequestDuplicated, 0), out);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn service_serves(
        &mut self,
        state: &[u32],
        queue: usize,
        which: usize,
        service: usize,
        copy: u32,
        without: u32,
        waiter: Option<Waiter>,
        out: &mut Steps,
    ) {
        let at = self.layout.queue(queue);
        let (services, reply) = self.serve(state[SERVICES], service, copy);
        let next = begin(state, out);
        (next[SERVICES], next[at]) = (services, without);
        let Some(waiter) = waiter else {
            self.emit(free(ActionKind::Served, queue, which), out);
            return;
        };
        self.answer(waiter.slot, waiter.node, waiter.ask, reply, free(ActionKind::Served, queue, which), out);
        if let Some(spent) = self.spend(state[SPENT], Fault::ResponseLost) {
            self.struck(Some(waiter), Fault::ResponseLost);
            let next = begin(state, out);
            (next[SPENT], next[SERVICES], next[at]) = (spent, services, without);
            self.emit(fault(ActionKind::ServedUnheard, queue, which, Fault::ResponseLost, 0), out);
        }
    }

    /// A fault strikes the request of whoever waits, if somebody does.
    fn struck(&mut self, waiter: Option<Waiter>, by: Fault) {
        if let Some(Waiter { node, ask, .. }) = waiter {
            self.histories.node_mut(node).pending[ask].struck |= 1 << by as u32;
        }
    }

    /// A request is on its way.
    pub(super) fn goes_out(&mut self, op: u32, mark: u8, out: &mut Steps) {
        let read = &self.histories.ops[op as usize];
        let (Some(queue), Some(msg)) = (read.queue, read.msg.clone()) else {
            let kit::port::Operation::Request { host, .. } = &read.operation else {
                unreachable!("only requests go out")
            };
            panic!("a handler sends a request to http://{host}, and the world has no such host")
        };
        let now = self.extras.value(out.next[EXTRA]).clock.now();
        let deadline = now + self.scenario.max_flight.unwrap_or(MAX_FLIGHT).as_millis() as u64;
        let copy = self.copies.number(Copy { deadline, ..Copy::of(msg, mark) });
        self.appears(queue, copy, out);
    }

    /// The mark of a run's wait, if the request was sent.
    pub(crate) fn mark(&self, state: &[u32], slot: usize, ordinal: u8) -> Option<u8> {
        if !self.layout.waits {
            return None;
        }
        let waits = self.waits.value(state[self.layout.waits(slot)]);
        waits.iter().find(|(other, _)| *other == ordinal).map(|(_, mark)| *mark)
    }

    fn unused_mark(&self, state: &[u32]) -> u8 {
        let used = |mark: u8| {
            (0..self.layout.actors.len())
                .any(|slot| self.waits.value(state[self.layout.waits(slot)]).iter().any(|(_, other)| *other == mark))
        };
        (1..=u8::MAX).find(|mark| !used(*mark)).expect("fewer than 255 requests are waited for at once")
    }

    /// Who waits under this mark.
    pub(crate) fn waiter(&self, state: &[u32], mark: u8) -> Option<Waiter> {
        if mark == 0 {
            return None;
        }
        (0..self.layout.actors.len()).find_map(|slot| {
            let waits = self.waits.value(state[self.layout.waits(slot)]);
            let (ordinal, _) = waits.iter().find(|(_, other)| *other == mark)?;
            let node = state[self.layout.slot(slot) + NODE];
            let ask = self.histories.node(node).pending.iter().position(|ask| ask.ordinal == *ordinal)?;
            Some(Waiter { slot, node, ask })
        })
    }

    fn whereabouts(&self, state: &[u32], mark: u8) -> Whereabouts {
        let mut found = Whereabouts::Nowhere;
        for queue in self.hosts() {
            let here = self.queues.value(state[self.layout.queue(queue)]);
            if here.visible().iter().any(|copy| copy.number == mark) {
                return Whereabouts::UnderWay;
            }
        }
        for slot in self.servers() {
            let at = self.layout.slot(slot);
            let held = state[at + HELD];
            if held > 0 && self.copies.value(held - 1).number == mark {
                if self.histories.node(state[at + NODE]).end == End::Running {
                    return Whereabouts::UnderWay;
                }
                found = Whereabouts::Answered;
            }
        }
        found
    }

    /// The queues that hold requests.
    fn hosts(&self) -> impl Iterator<Item = usize> {
        (0..self.scenario.queues.len()).filter(|queue| self.scenario.queues[*queue].host.is_some())
    }

    /// The slots of workers that answer requests.
    fn servers(&self) -> impl Iterator<Item = usize> {
        (0..self.layout.actors.len()).filter(|slot| matches!(self.layout.actors[*slot], Actor::Server { .. }))
    }

    /// Ends the waits of a run that are for none of the operations which are pending at a node: copies of those requests
    /// that are left are awaited by nobody.
    pub(super) fn stops_waiting(&mut self, slot: usize, node: NodeId, out: &mut Steps) {
        if !self.has_sent(&out.next, slot) {
            return;
        }
        let at = self.layout.waits(slot);
        let pending = &self.histories.node(node).pending;
        let stays = |ordinal: u8| pending.iter().any(|ask| ask.ordinal == ordinal);
        let (kept, over): (Vec<_>, Vec<_>) =
            self.waits.value(out.next[at]).iter().partition(|(ordinal, _)| stays(*ordinal));
        if over.is_empty() {
            return;
        }
        out.next[at] = self.waits.number(kept);
        self.change_requests(out, |copy| match over.iter().any(|(_, mark)| *mark == copy.number) {
            true => Copy { number: 0, ..copy },
            false => copy,
        });
    }

    /// Where time is relative, deadlines come nearer.
    pub(super) fn deadlines_come_nearer(&mut self, by: u64, out: &mut Steps) {
        self.change_requests(out, |copy| Copy { deadline: copy.deadline.saturating_sub(by), ..copy });
    }

    fn change_requests(&mut self, out: &mut Steps, change: impl Fn(Copy) -> Copy) {
        for queue in self.hosts().collect::<Vec<_>>() {
            let at = self.layout.queue(queue);
            let here = self.queues.value(out.next[at]);
            if !here.visible().is_empty() {
                let changed = here.map(&change);
                out.next[at] = self.queues.number(changed);
            }
        }
        for slot in self.servers().collect::<Vec<_>>() {
            let at = self.layout.slot(slot) + HELD;
            if out.next[at] > 0 {
                let changed = change(self.copies.value(out.next[at] - 1).clone());
                out.next[at] = self.copies.number(changed) + 1;
            }
        }
    }

    /// The moment that the clock must not reach: the earliest deadline of a request that is on its way, or handled by a run
    /// that does not only sleep.
    pub(super) fn earliest_deadline(&self, state: &[u32]) -> Option<u64> {
        let flying = self.hosts().flat_map(|queue| {
            self.queues.value(state[self.layout.queue(queue)]).visible().iter().map(|copy| copy.deadline)
        });
        let handled = self.servers().filter_map(|slot| {
            let at = self.layout.slot(slot);
            let held = state[at + HELD];
            let run = self.histories.node(state[at + NODE]);
            let sleeps = run.end == End::Running
                && run.pending.iter().all(|ask| self.histories.ops[ask.op as usize].kind == Kind::Sleep);
            (held > 0 && !sleeps).then(|| self.copies.value(held - 1).deadline)
        });
        flying.chain(handled).min()
    }

    /// True if a run has sent a request whose response it has not got: what it drew may be on its way.
    pub(super) fn has_sent(&self, state: &[u32], slot: usize) -> bool {
        self.layout.waits && !self.waits.value(state[self.layout.waits(slot)]).is_empty()
    }

    /// True if every run waits for a response: then a serial world lets a server answer.
    pub(super) fn everybody_waits(&self, state: &[u32]) -> bool {
        (0..self.layout.actors.len()).all(|slot| {
            let at = self.layout.slot(slot);
            state[at + NODE] == crate::history::IDLE || self.has_sent(state, slot)
        })
    }

    /// A server's run that ended and whose response nobody waits for.
    pub(super) fn is_unheard(&self, held: u32) -> bool {
        held == 0 || self.copies.value(held - 1).number == 0
    }
}

/// Where the copies of a request are.
enum Whereabouts {
    /// Some copy is on its way, or in the hands of a run that goes on.
    UnderWay,
    /// Those that are left are about to be answered.
    Answered,
    /// There is none.
    Nowhere,
}
