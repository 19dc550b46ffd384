//! The world as the explorer keeps it: every part of a state is a number that names a value in a table, and what
//! an operation does to a part is looked up, not done again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use kit::documents::{Docs, Version};
use kit::errors::{AckErr, CallErr, HttpErr, SendErr, StoreErr};
use kit::http::server_error;
use kit::port::{Change, Failure, Operation, Reply};
use rustc_hash::FxHashMap;
use sim::documents::Remembers;
use sim::faults::KINDS;
use sim::{Clock, Copy, Documents, Fact, Fault, Journal, Queue, Services, Spent};

use crate::history::{Around, CodeKey, Histories, NodeId};
use crate::layout::{DOCUMENTS, EXTRA, JOURNAL, Layout, Needs, SERVICES, SPENT};
use crate::observation::{FactKind, FactsRead, Observation};
use crate::operation::{Condition, as_request};
use crate::run::Surroundings;
use crate::scenario::Scenario;
use crate::tables::Interner;

/// Draws that are told apart for one logical message; a world that needs more is not decided. Three faults and two
/// workers make some six attempts, so that an answer which draws ten times in each stays below.
pub(crate) const DRAWS_MAX: u32 = 64;

/// What is rarely there: the clock with delayed messages, draws, outages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Extra {
    pub(crate) clock: Clock,
    /// For each owner: how many ids and random numbers it drew.
    pub(crate) draws: Vec<(u64, u32)>,
    /// What is out: bit 0 the store, bit 1 the bus, then the services in order.
    pub(crate) out: u32,
}

impl Around for Extra {
    fn surroundings(&self, owner: u64) -> Surroundings {
        let drawn = self.draws.iter().find(|(other, _)| *other == owner).map_or(0, |(_, drawn)| *drawn);
        Surroundings { owner, drawn, now_millis: self.clock.now() }
    }
}

pub(crate) const OUT_STORE: u32 = 0;
pub(crate) const OUT_BUS: u32 = 1;
pub(crate) const OUT_SERVICES: u32 = 2;

/// What a write does to the documents.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WriteEffect {
    /// It fails: the answer.
    Fails(u32),
    /// It is done: the documents afterwards. The answer is known where versions are numbered by the store.
    Done { documents: u32, reply: u32 },
}

/// Answers that are always the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers {
    pub(crate) done: u32,
    pub(crate) conflict: u32,
    pub(crate) throttled: u32,
    pub(crate) store_unknown: u32,
    pub(crate) send_refused: u32,
    pub(crate) send_unknown: u32,
    pub(crate) ack_unknown: u32,
    pub(crate) call_refused: u32,
    pub(crate) call_unknown: u32,
    pub(crate) no_response: u32,
}

/// The tables of a world.
pub(crate) struct Engine<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) layout: Layout,
    pub(crate) needs: Needs,
    pub(crate) histories: Histories,
    pub(crate) documents: Interner<Documents>,
    pub(crate) journals: Interner<Journal>,
    pub(crate) services: Interner<Services>,
    pub(crate) extras: Interner<Extra>,
    pub(crate) spents: Interner<Spent>,
    pub(crate) queues: Interner<Queue>,
    pub(crate) copies: Interner<Copy>,
    pub(crate) asleep: Interner<Vec<(u8, u64)>>,
    /// Requests of one run that were sent: the operation's ordinal, and the mark of the wait for its response.
    pub(crate) waits: Interner<Vec<(u8, u8)>>,
    pub(crate) facts: Interner<Fact>,
    pub(crate) answers: Answers,
    /// Somebody drew more than is told apart.
    pub(crate) saturated: bool,
    /// A queue holds more copies than steps can name.
    pub(crate) crowded: bool,
    /// A run holds more versions than the layout has room for.
    pub(crate) more_versions: bool,
    writes: FxHashMap<u64, WriteEffect>,
    reads: FxHashMap<(u64, u32), u32>,
    written: FxHashMap<(u32, u32), u32>,
    noted: FxHashMap<u64, u32>,
    received: FxHashMap<u64, (u32, u32)>,
    spending: Vec<[u32; KINDS]>,
    sent_facts: FxHashMap<u32, Option<u32>>,
    acked_facts: FxHashMap<u64, Option<u32>>,
    written_keys: FxHashMap<u32, Arc<[(u32, bool)]>>,
    delivered: FxHashMap<u64, u32>,
    appeared: FxHashMap<u64, u32>,
    sent_copies: FxHashMap<u32, u32>,
    called: FxHashMap<u64, (u32, u32)>,
    served: FxHashMap<u64, (u32, u32)>,
    responses: FxHashMap<(bool, u32), u32>,
    timed: FxHashMap<u32, Arc<[(usize, u32)]>>,
}

const UNKNOWN_YET: u32 = u32::MAX;
const TOO_MANY: u32 = u32::MAX - 1;

impl<'a> Engine<'a> {
    pub(crate) fn new(scenario: &'a Scenario, needs: &Needs) -> Self {
        let mut histories = Histories::new(scenario.reductions.versions);
        let mut reply = |reply| histories.replies.number(reply);
        let answers = Answers {
            done: reply(Ok(Reply::Done)),
            conflict: reply(Err(Failure::Store(StoreErr::Conflict))),
            throttled: reply(Err(Failure::Store(StoreErr::Throttled))),
            store_unknown: reply(Err(Failure::Store(StoreErr::Unknown))),
            send_refused: reply(Err(Failure::Send(SendErr::Refused))),
            send_unknown: reply(Err(Failure::Send(SendErr::Unknown))),
            ack_unknown: reply(Err(Failure::Ack(AckErr::Unknown))),
            call_refused: reply(Err(Failure::Call(CallErr::Refused))),
            call_unknown: reply(Err(Failure::Call(CallErr::Unknown))),
            no_response: reply(Err(Failure::Http(HttpErr::NoAnswer))),
        };
        Engine {
            scenario,
            layout: Layout::of(scenario, needs),
            needs: needs.clone(),
            histories,
            documents: Interner::default(),
            journals: Interner::default(),
            services: Interner::default(),
            extras: Interner::default(),
            spents: Interner::default(),
            queues: Interner::default(),
            copies: Interner::default(),
            asleep: Interner::default(),
            waits: Interner::default(),
            facts: Interner::default(),
            answers,
            saturated: false,
            crowded: false,
            more_versions: false,
            writes: FxHashMap::default(),
            reads: FxHashMap::default(),
            written: FxHashMap::default(),
            noted: FxHashMap::default(),
            received: FxHashMap::default(),
            spending: Vec::new(),
            sent_facts: FxHashMap::default(),
            acked_facts: FxHashMap::default(),
            written_keys: FxHashMap::default(),
            delivered: FxHashMap::default(),
            appeared: FxHashMap::default(),
            sent_copies: FxHashMap::default(),
            called: FxHashMap::default(),
            served: FxHashMap::default(),
            responses: FxHashMap::default(),
            timed: FxHashMap::default(),
        }
    }

    /// The state in the beginning.
    pub(crate) fn initial(&mut self) -> Vec<u32> {
        let scenario = self.scenario;
        let mut words = vec![0; self.layout.words];
        let remembers = self.remembers();
        let mut documents = Documents::default();
        for (key, body) in &scenario.documents {
            let write = kit::port::Write {
                key: key.clone(),
                change: Change::Put(body.clone()),
                when: kit::documents::When::Always,
            };
            // What is there in the beginning has no state before it that a stale read could see.
            documents = documents.apply(&[write], Remembers { previous: false, ..remembers }).documents;
        }
        words[DOCUMENTS] = self.documents.number(documents);
        words[JOURNAL] = self.journals.number(Journal::default());
        let services = scenario
            .services
            .iter()
            .fold(Services::default(), |services, service| services.with(&service.name, &service.initial));
        words[SERVICES] = self.services.number(services);
        words[EXTRA] = self.extras.number(Extra::default());
        words[SPENT] = self.spents.number(Spent::default());
        self.asleep.number(Vec::new());
        self.waits.number(Vec::new());
        for (at, spec) in scenario.queues.iter().enumerate() {
            let mut queue = Queue::default();
            if self.consumed(at) {
                for (msg, copies) in &spec.messages {
                    for number in 0..*copies {
                        let number = if scenario.reductions.copies { 0 } else { number };
                        queue = queue.with(Copy::of(msg.clone(), number));
                    }
                }
            }
            words[self.layout.queue(at)] = self.queues.number(queue);
        }
        words
    }

    pub(crate) fn remembers(&self) -> Remembers {
        Remembers { versions: !self.scenario.reductions.versions, previous: self.layout.stale }
    }

    /// True if some endpoint consumes the queue, or it is a host's; otherwise it keeps no copies.
    pub(crate) fn consumed(&self, queue: usize) -> bool {
        self.scenario.queues[queue].host.is_some()
            || self.scenario.endpoints.iter().any(|endpoint| endpoint.queue == queue)
    }

    /// What is spent after one more fault of this kind, if the budget allows it.
    #[inline]
    pub(crate) fn spend(&mut self, spent: u32, fault: Fault) -> Option<u32> {
        let at = spent as usize;
        if at >= self.spending.len() {
            self.spending.resize(at + 1, [UNKNOWN_YET; KINDS]);
        }
        match self.spending[at][fault as usize] {
            UNKNOWN_YET => {
                let after = self.scenario.faults.spend(*self.spents.value(spent), fault);
                let after = after.map(|after| self.spents.number(after));
                self.spending[at][fault as usize] = after.unwrap_or(TOO_MANY);
                after
            }
            TOO_MANY => None,
            after => Some(after),
        }
    }

    /// What a write does, if the versions that it names (where runs number them) are current.
    #[inline]
    pub(crate) fn write(&mut self, documents: u32, op: u32) -> WriteEffect {
        let key = u64::from(documents) << 32 | u64::from(op);
        match self.writes.get(&key) {
            Some(effect) => *effect,
            None => self.write_new(key, documents, op),
        }
    }

    #[cold]
    fn write_new(&mut self, key: u64, documents: u32, op: u32) -> WriteEffect {
        let remembers = self.remembers();
        let read = &self.histories.ops[op as usize];
        let Operation::Write { writes, .. } = &read.operation else { unreachable!("only writes are written") };
        let before = self.documents.value(documents);
        let holds = |at: usize, condition: &Condition| match condition {
            Condition::Always => true,
            Condition::Absent => before.body(&writes[at].key).is_none(),
            Condition::Is(number) => !remembers.versions || before.version(&writes[at].key) == Some(u64::from(*number)),
        };
        let effect = if let Some(refusal) = read.refusal {
            WriteEffect::Fails(self.histories.replies.number(Err(Failure::Store(refusal))))
        } else if !read.conditions.iter().enumerate().all(|(at, condition)| holds(at, condition)) {
            WriteEffect::Fails(self.answers.conflict)
        } else {
            let written = before.apply(writes, remembers);
            let versions = written.versions.iter().map(|number| version(*number as u32)).collect();
            let reply = if remembers.versions {
                self.histories.replies.number(Ok(Reply::Written(versions)))
            } else {
                UNKNOWN_YET
            };
            WriteEffect::Done { documents: self.documents.number(written.documents), reply }
        };
        self.writes.insert(key, effect);
        effect
    }

    /// The keys that a write touches, in order; true for a put.
    pub(crate) fn written_keys(&mut self, op: u32) -> Arc<[(u32, bool)]> {
        if let Some(keys) = self.written_keys.get(&op) {
            return keys.clone();
        }
        let Operation::Write { writes, .. } = &self.histories.ops[op as usize].operation else {
            unreachable!("only writes are written")
        };
        let keys: Arc<[(u32, bool)]> = writes
            .iter()
            .map(|write| {
                let key = self.histories.keys.number(write.key.as_str().into());
                (key, matches!(write.change, Change::Put(_)))
            })
            .collect();
        self.written_keys.insert(op, keys.clone());
        keys
    }

    /// The answer to a write of so many puts, by a run that holds so many versions already.
    pub(crate) fn written_reply(&mut self, puts: u32, held: u32) -> u32 {
        if let Some(reply) = self.written.get(&(puts, held)) {
            return *reply;
        }
        let versions = (held..held + puts).map(version).collect();
        let reply = self.histories.replies.number(Ok(Reply::Written(versions)));
        self.written.insert((puts, held), reply);
        reply
    }

    /// The answer to a read, under this number of a version (where runs number them).
    #[inline]
    pub(crate) fn read(&mut self, documents: u32, op: u32, stale: bool, number: u32) -> u32 {
        let key = (u64::from(documents) << 32 | u64::from(op), number << 1 | u32::from(stale));
        match self.reads.get(&key) {
            Some(reply) => *reply,
            None => {
                let reply = self.read_new(documents, op, stale, number);
                self.reads.insert(key, reply);
                reply
            }
        }
    }

    #[cold]
    fn read_new(&mut self, documents: u32, op: u32, stale: bool, number: u32) -> u32 {
        let Operation::Get { key, .. } = &self.histories.ops[op as usize].operation else {
            unreachable!("only gets are read")
        };
        let documents = self.documents.value(documents);
        let found = if stale {
            documents.previous(key).and_then(|(body, stored)| body.clone().map(|body| (body, stored)))
        } else {
            documents.body(key).map(|body| (body.clone(), documents.version(key).unwrap_or_default()))
        };
        let found = found.map(|(body, stored)| {
            let number = if self.scenario.reductions.versions { number } else { stored as u32 };
            (body, version(number))
        });
        self.histories.replies.number(Ok(Reply::Document(found)))
    }

    /// What a list is answered.
    pub(crate) fn list(&mut self, documents: u32, op: u32) -> u32 {
        let Operation::List { partition } = &self.histories.ops[op as usize].operation else {
            unreachable!("only lists are listed")
        };
        let keys = self.documents.value(documents).keys_of(partition);
        self.histories.replies.number(Ok(Reply::Keys(keys)))
    }

    /// Whether a key's document is there, and whether a stale read could see something.
    pub(crate) fn readable(&self, documents: u32, op: u32, stale: bool) -> (bool, bool) {
        let Operation::Get { key, .. } = &self.histories.ops[op as usize].operation else {
            unreachable!("only gets are read")
        };
        let documents = self.documents.value(documents);
        if stale {
            let previous = documents.previous(key);
            (previous.is_some_and(|(body, _)| body.is_some()), previous.is_some())
        } else {
            (documents.body(key).is_some(), true)
        }
    }

    /// The journal with one more fact.
    #[inline]
    pub(crate) fn note(&mut self, journal: u32, fact: u32) -> u32 {
        let key = u64::from(journal) << 32 | u64::from(fact);
        if let Some(after) = self.noted.get(&key) {
            return *after;
        }
        let after = self.journals.value(journal).with(self.facts.value(fact).clone());
        let after = self.journals.number(after);
        self.noted.insert(key, after);
        after
    }

    /// The fact of a send, if some property reads it.
    pub(crate) fn sent_fact(&mut self, op: u32) -> Option<u32> {
        if let Some(fact) = self.sent_facts.get(&op) {
            return *fact;
        }
        let read = &self.histories.ops[op as usize];
        let Operation::Send { queue, .. } = &read.operation else { unreachable!("only sends are sent") };
        let fact = self.needs.facts.has(FactKind::Sent, queue).then(|| {
            let msg = read.msg.clone().expect("a send has a message");
            self.facts.number(Fact::Sent { queue: queue.as_str().into(), msg })
        });
        self.sent_facts.insert(op, fact);
        fact
    }

    /// The fact of an ack, if some property reads it.
    pub(crate) fn acked_fact(&mut self, queue: usize, copy: u32) -> Option<u32> {
        let key = (queue as u64) << 32 | u64::from(copy);
        if let Some(fact) = self.acked_facts.get(&key) {
            return *fact;
        }
        let name = self.scenario.queues[queue].name.clone();
        let fact = self.needs.facts.has(FactKind::Acked, &name).then(|| {
            let id = self.copies.value(copy).msg.id.as_str().into();
            self.facts.number(Fact::Acked { queue: name, id })
        });
        self.acked_facts.insert(key, fact);
        fact
    }

    /// The queue without its `at`-th visible copy, and that copy, counted as delivered where deliveries are counted.
    #[inline]
    pub(crate) fn receive(&mut self, queue: usize, number: u32, at: usize) -> (u32, u32) {
        let key = u64::from(number) << 32 | (queue as u64) << 16 | at as u64;
        if let Some(received) = self.received.get(&key) {
            return *received;
        }
        let before = self.queues.value(number);
        let mut copy = before.visible()[at].clone();
        let after = before.without(&copy);
        if self.scenario.queues[queue].deliveries_max.is_some() {
            copy.delivery_count = copy.delivery_count.saturating_add(1);
        }
        let received = (self.queues.number(after), self.copies.number(copy));
        self.received.insert(key, received);
        received
    }

    /// The code of an endpoint's run on one copy; the same for every copy of the message.
    #[inline]
    pub(crate) fn delivery_code(&mut self, endpoint: usize, copy: u32) -> u32 {
        let key = (endpoint as u64) << 32 | u64::from(copy);
        if let Some(code) = self.delivered.get(&key) {
            return *code;
        }
        let msg = self.copies.value(copy).msg.clone();
        let code = self.histories.codes.number(CodeKey::Endpoint { endpoint, msg });
        self.delivered.insert(key, code);
        code
    }

    /// The queue with one more visible copy.
    #[inline]
    pub(crate) fn with_copy(&mut self, queue: u32, copy: u32) -> u32 {
        let key = u64::from(queue) << 32 | u64::from(copy);
        if let Some(after) = self.appeared.get(&key) {
            return *after;
        }
        let after = self.queues.value(queue).with(self.copies.value(copy).clone());
        let after = self.queues.number(after);
        self.appeared.insert(key, after);
        after
    }

    /// The copy that a send puts into its queue, where copies have no numbers.
    pub(crate) fn sent_copy(&mut self, op: u32) -> u32 {
        if let Some(copy) = self.sent_copies.get(&op) {
            return *copy;
        }
        let msg = self.histories.ops[op as usize].msg.clone().expect("a send has a message");
        let copy = self.copies.number(Copy::of(msg, 0));
        self.sent_copies.insert(op, copy);
        copy
    }

    /// The state of services after a call, and the answer.
    pub(crate) fn call(&mut self, services: u32, op: u32) -> (u32, u32) {
        let key = u64::from(services) << 32 | u64::from(op);
        if let Some(called) = self.called.get(&key) {
            return *called;
        }
        let read = &self.histories.ops[op as usize];
        let Operation::Call { service: name, request } = &read.operation else { unreachable!("only calls are called") };
        let Some(service) = read.service.map(|at| &self.scenario.services[at]) else {
            panic!("a handler calls the service {name:?}, which the scenario does not have")
        };
        let (after, answer) = self.services.value(services).handled(service, request);
        let reply = self.histories.replies.number(Ok(Reply::Answer(answer.into())));
        let called = (self.services.number(after), reply);
        self.called.insert(key, called);
        called
    }

    /// The bit of a host that is out, by its queue.
    pub(crate) fn out_host(&self, queue: usize) -> u32 {
        OUT_SERVICES + (self.scenario.services.len() + queue) as u32
    }

    /// The state of services after one of them did the request that a copy is, and the response.
    pub(crate) fn serve(&mut self, services: u32, service: usize, copy: u32) -> (u32, u32) {
        let key = u64::from(services) << 32 | u64::from(copy);
        if let Some(served) = self.served.get(&key) {
            return *served;
        }
        let service = &self.scenario.services[service];
        let request = as_request(&self.copies.value(copy).msg);
        let request = serde_json::to_string(&request).expect("a request is plain data");
        let (after, response) = self.services.value(services).handled(service, &request);
        let served = (self.services.number(after), self.response(true, &response));
        self.served.insert(key, served);
        served
    }

    /// The answer that a caller gets from a server whose run ended with this text.
    pub(crate) fn responded(&mut self, ok: bool, text: u32) -> u32 {
        if let Some(reply) = self.responses.get(&(ok, text)) {
            return *reply;
        }
        let said = self.histories.texts.value(text).clone();
        let reply = self.response(ok, &said);
        self.responses.insert((ok, text), reply);
        reply
    }

    fn response(&mut self, ok: bool, text: &str) -> u32 {
        let response = match ok {
            true => serde_json::from_str(text)
                .unwrap_or_else(|error| panic!("a service over HTTP answers with a response, not {text}: {error}")),
            false => server_error(text),
        };
        self.histories.replies.number(Ok(Reply::Response(response)))
    }

    /// What services would do on their own: which, and the state of all services afterwards.
    pub(crate) fn timers(&mut self, services: u32) -> Arc<[(usize, u32)]> {
        if let Some(timers) = self.timed.get(&services) {
            return timers.clone();
        }
        let mut timers = Vec::new();
        for (at, service) in self.scenario.services.iter().enumerate() {
            let all = self.services.value(services);
            let before = all.state(&service.name).map_or("", |state| &**state);
            if let Some(after) = service.timer(before)
                && after != before
            {
                let all = all.with(&service.name, &after);
                timers.push((at, self.services.number(all)));
            }
        }
        let timers: Arc<[(usize, u32)]> = timers.into();
        self.timed.insert(services, timers.clone());
        timers
    }

    /// The documents of a state, for an observation.
    pub(crate) fn docs(&self, state: &[u32]) -> Docs {
        self.documents.value(state[DOCUMENTS]).docs()
    }

    /// What properties may read of a state; what they ask for is noted.
    pub(crate) fn observation<'o>(
        &'o self,
        state: &[u32],
        docs: &'o Docs,
        asked: &'o RefCell<FactsRead>,
    ) -> Observation<'o> {
        let (journal, services) = (self.journals.value(state[JOURNAL]), self.services.value(state[SERVICES]));
        Observation { docs, journal, services, asked }
    }

    /// The surroundings after a run has ended of which nobody saw anything: what it drew was never drawn, unless
    /// another run of its owner has drawn since. (Otherwise somebody who only asks, again and again, would make an
    /// endless world.)
    pub(crate) fn undrawn(&mut self, extra: u32, node: NodeId) -> u32 {
        let run = self.histories.node(node);
        let (before, own) = run.drawn;
        if run.touched || own == 0 {
            return extra;
        }
        let owner = self.histories.owner(run.code, self.scenario);
        let mut after = self.extras.value(extra).clone();
        let Some(at) = after.draws.iter().position(|(other, drawn)| *other == owner && *drawn == before + own) else {
            return extra;
        };
        if before == 0 {
            after.draws.remove(at);
        } else {
            after.draws[at].1 = before;
        }
        self.extras.number(after)
    }

    /// The surroundings with more draws of an owner; `None` beyond those that are told apart, since the next ones would be
    /// some that others have.
    pub(crate) fn drawn(&mut self, extra: u32, owner: u64, draws: u32) -> Option<u32> {
        let mut after = self.extras.value(extra).clone();
        let mut counts: BTreeMap<u64, u32> = after.draws.iter().copied().collect();
        let count = counts.entry(owner).or_default();
        *count += draws;
        if *count > DRAWS_MAX {
            self.saturated = true;
            return None;
        }
        after.draws = counts.into_iter().collect();
        Some(self.extras.number(after))
    }
}

fn version(number: u32) -> Version {
    Version::from_store(number.to_string())
}
