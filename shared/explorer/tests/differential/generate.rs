//! Random small worlds.

use kit::http::Method;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use sim::Fault;

use crate::spec::{
    CallSpec, ClientSpec, Cond, CounterSpec, EndpointSpec, IdSource, Instr, Kept, MessageSpec, OUT, OnErr, Op, Program,
    Rule, Spec, Till, Timer, Value,
};

const FIRST: &str = "first";
const SECOND: &str = "second";
const KEYS: [&str; 2] = ["p/a", "p/b"];
/// Of a hundred worlds, so many have requests over HTTP.
const HTTP: u32 = 50;

struct Dice {
    rng: SmallRng,
    /// Queues to which handlers may send.
    queues: Vec<&'static str>,
    counter: bool,
    /// Hosts that programs may ask.
    hosts: Vec<&'static str>,
    /// May this program ack?
    delivery: bool,
    draws: bool,
    clock: bool,
    /// The more, the simpler the programs are.
    tight: bool,
}

/// The world of this seed.
pub(crate) fn spec(seed: u64) -> Spec {
    let mut dice = Dice {
        rng: SmallRng::seed_from_u64(seed),
        queues: vec![OUT],
        counter: false,
        hosts: vec![],
        delivery: true,
        draws: false,
        clock: false,
        tight: false,
    };
    let mut spec = Spec::default();
    for key in KEYS {
        if dice.chance(35) {
            spec.documents.push((key, "a"));
        }
    }
    dice.counter = dice.chance(30);
    dice.draws = dice.chance(12);
    dice.clock = dice.chance(10);
    if dice.counter {
        let timer = dice.one(&[Timer::None, Timer::None, Timer::Idle, Timer::Steps]);
        spec.counter = Some(CounterSpec { start: dice.rng.random_range(0..2), timer });
    }
    let http = dice.chance(HTTP);
    let endpoints = if http { dice.one(&[0, 0, 0, 1]) } else { dice.one(&[0, 1, 1, 1, 1, 2]) };
    let clients = match (endpoints, http) {
        (0, true) => dice.one(&[1, 1, 1, 2]),
        (0, false) => dice.one(&[1, 2]),
        (_, true) => dice.one(&[0, 0, 0, 1]),
        (_, false) => dice.one(&[0, 0, 0, 1, 2]),
    };
    let copies = if http { 1 } else { dice.one(&[1, 1, 2]) };
    let workers = dice.one(&[1, 1, 2]);
    let messages = match (endpoints, http) {
        (0, _) => 0,
        (_, true) => 1,
        _ => dice.one(&[1, 1, 1, 2]),
    };
    let busy = usize::from(copies) * messages + clients + endpoints;
    dice.tight = busy >= if http { 2 } else { 3 };
    if http {
        dice.draws |= dice.chance(20);
        dice.hosts(&mut spec);
    }
    for id in ["m1", "m2"].into_iter().take(messages) {
        spec.messages.push(MessageSpec { queue: FIRST, id, copies });
    }
    if endpoints == 2 {
        // What the second sends goes nowhere, or it would never end.
        let program = dice.program(2);
        spec.endpoints.push(EndpointSpec { name: "Second", queue: SECOND, workers: 1, program });
        dice.queues = vec![OUT, SECOND, SECOND];
    }
    if endpoints >= 1 {
        if dice.chance(4) {
            dice.queues.push(FIRST);
        }
        let program = dice.program(4);
        spec.endpoints.insert(0, EndpointSpec { name: "First", queue: FIRST, workers, program });
    }
    dice.delivery = false;
    if endpoints >= 1 {
        dice.queues.push(FIRST);
    }
    for name in ["ann", "bob"].into_iter().take(clients) {
        let calls = dice.one(&[1, 1, 2]);
        let calls = ["asks", "asks again"].into_iter().take(calls).map(|name| dice.call(name)).collect();
        spec.clients.push(ClientSpec { name, calls });
    }
    for queue in spec.endpoints.iter().filter(|endpoint| endpoint.host().is_none()).map(|endpoint| endpoint.queue) {
        if dice.chance(15) {
            spec.lossy.push(queue);
        }
        if dice.chance(25) {
            spec.deliveries_max.push((queue, dice.one(&[1, 1, 2])));
        }
    }
    spec.total = dice.one(&[0, 1, 1, 1, 2, 2]);
    if dice.chance(40) {
        spec.faults = Fault::ALL.into_iter().map(|kind| (kind, spec.total)).collect();
    } else {
        for kind in Fault::ALL {
            if dice.chance(35) {
                let most = if dice.chance(30) { 1 } else { spec.total };
                spec.faults.push((kind, most));
            }
        }
    }
    if dice.chance(12) {
        // A key has three letters, two quotes are JSON's: a text of two letters fits, of three it does not.
        spec.item_bytes = Some(dice.one(&[6, 7]));
    }
    spec.serial = dice.chance(7);
    if http && dice.chance(50) {
        spec.flight = Some(dice.rng.random_range(0..4));
    }
    spec = spec.keep_all();
    if dice.chance(50) {
        let all: Vec<(Kept, &'static str)> = spec.kept.iter().copied().collect();
        spec.kept = all.into_iter().filter(|_| dice.chance(50)).collect();
    }
    spec
}

impl Dice {
    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.rng).expect("there is one").clone()
    }

    /// Who answers requests: the till, the bank, which may ask the till or the vault, or some of these.
    fn hosts(&mut self, spec: &mut Spec) {
        self.delivery = false;
        let till = self.chance(55);
        let bank = !till || self.chance(40);
        let vault = bank && self.chance(15);
        let tight = std::mem::replace(&mut self.tight, true);
        if till {
            spec.till = Some(self.one(&["", "", "a"]));
            self.hosts.push(Till::NAME);
        }
        if vault {
            let program = self.program(1);
            spec.endpoints.push(EndpointSpec { name: "Vault", queue: "http://vault", workers: 1, program });
            self.hosts.push("vault");
        }
        if bank {
            let workers = self.one(&[1, 1, 1, 2]);
            if self.chance(5) {
                // It may ask itself.
                self.hosts.push("bank");
            }
            let program = self.program(2);
            spec.endpoints.push(EndpointSpec { name: "Bank", queue: "http://bank", workers, program });
            self.hosts.extend(["bank"; 2]);
        }
        (self.delivery, self.tight) = (true, tight);
    }

    fn call(&mut self, name: &'static str) -> CallSpec {
        let rule = self.one(&[Rule::Calls, Rule::Tries, Rule::CallsOrLeaves]);
        let program = self.program(2);
        let again = self.chance(20).then(|| self.program(2));
        CallSpec { name, program, rule, again }
    }

    fn program(&mut self, most: usize) -> Program {
        let most = if self.tight { most.min(2) } else { most };
        let length = self.rng.random_range(1..=most);
        let mut instrs = Vec::new();
        if !self.hosts.is_empty() && self.chance(60) {
            let ask = self.ask();
            let on_err = self.clone_on_err();
            instrs.push(if self.chance(25) { self.gives_up(ask, on_err) } else { Instr::Do(ask, on_err) });
        } else if self.chance(40) {
            // What many handlers do: read, and write what follows from it.
            let key = self.one(&KEYS);
            let weak = self.chance(30);
            instrs.push(Instr::Do(Op::Get { key, weak }, OnErr::Return));
            let put = Op::Put { key, value: Value::Append('c'), when: Cond::IsLastRead };
            instrs.push(if self.chance(40) {
                Instr::IfExists(key, vec![self.instr()], vec![Instr::Do(put, OnErr::Return)])
            } else {
                Instr::Do(put, self.clone_on_err())
            });
        }
        while instrs.len() < length {
            instrs.push(self.instr());
        }
        crate::spec::short::program(instrs)
    }

    fn clone_on_err(&mut self) -> OnErr {
        self.one(&[OnErr::Return, OnErr::Return, OnErr::Continue, OnErr::Finish])
    }

    fn instr(&mut self) -> Instr {
        let on_err = self.clone_on_err();
        if !self.hosts.is_empty() && self.chance(8) {
            let ask = self.ask();
            return self.gives_up(ask, on_err);
        }
        match self.rng.random_range(0..100) {
            0..8 => Instr::Join(self.op(), self.op(), on_err),
            8..14 => Instr::TryJoin(self.op(), self.op(), on_err),
            14..24 => Instr::Race(self.op(), self.op(), on_err),
            24..29 if !self.tight => Instr::Twice(vec![Instr::Do(self.op(), on_err)]),
            29..38 => {
                let key = self.one(&KEYS);
                let get = Instr::Do(Op::Get { key, weak: false }, on_err);
                let choice =
                    Instr::IfExists(key, vec![Instr::Do(self.op(), on_err)], vec![Instr::Do(self.op(), on_err)]);
                if self.chance(50) { choice } else { Instr::Twice(vec![Instr::IfExists(key, vec![], vec![get])]) }
            }
            _ => Instr::Do(self.op(), on_err),
        }
    }

    fn op(&mut self) -> Op {
        let key = self.one(&KEYS);
        if !self.hosts.is_empty() && self.chance(45) {
            return self.ask();
        }
        match self.rng.random_range(0..100) {
            0..17 => Op::Get { key, weak: self.chance(35) },
            17..20 => Op::List { partition: "p" },
            20..45 => Op::Put { key, value: self.value(), when: self.cond() },
            45..52 => Op::Delete { key, when: self.cond() },
            52..60 => {
                // The third kind of batch is in two partitions.
                let (puts, deletes) = match self.rng.random_range(0..3) {
                    0 => (vec![(KEYS[0], self.value(), self.cond()), (KEYS[1], self.value(), self.cond())], vec![]),
                    1 => (vec![(KEYS[0], self.value(), self.cond())], vec![(KEYS[1], self.cond())]),
                    _ => (vec![(KEYS[0], self.value(), self.cond()), ("q/x", self.value(), Cond::Always)], vec![]),
                };
                Op::Batch { partition: "p", puts, deletes }
            }
            60..78 => {
                let queue = self.one(&self.queues.clone());
                let fresh = self.draws && queue == OUT;
                let id = match self.rng.random_range(0..3) {
                    0 if fresh => IdSource::Fresh,
                    0 | 1 => IdSource::FromMessage,
                    _ => IdSource::Fixed("x"),
                };
                // One id has one body in a queue that somebody consumes: what two bodies under one id are is not said.
                let value = if queue == OUT { self.value() } else { Value::Text("b".into()) };
                let delay = if self.chance(25) { self.one(&[1, 2]) } else { 0 };
                Op::Send { queue, id, value, delay }
            }
            78..84 if self.delivery => Op::Ack,
            84..94 if self.counter => Op::Call { request: self.one(&["add", "read"]) },
            94.. => Op::Sleep { millis: self.one(&[1, 2]) },
            _ => Op::Get { key, weak: false },
        }
    }

    /// What many callers do: ask, and wait for so long.
    fn gives_up(&mut self, ask: Op, on_err: OnErr) -> Instr {
        Instr::Race(ask, Op::Sleep { millis: self.one(&[1, 2, 3]) }, on_err)
    }

    fn ask(&mut self) -> Op {
        let host = self.one(&self.hosts.clone());
        let method = self.one(&[Method::Get, Method::Post, Method::Post, Method::Put, Method::Delete]);
        let path = self.one(&["/x", "/x", "/y"]);
        Op::Ask { host, method, path, value: self.value() }
    }

    fn value(&mut self) -> Value {
        match self.rng.random_range(0..10) {
            4 if !self.hosts.is_empty() => Value::Body,
            0..3 => Value::Append('c'),
            3 | 4 => Value::MessageId,
            5 if self.counter || !self.hosts.is_empty() => Value::Answer,
            6 | 7 if self.draws => Value::Drawn,
            8 | 9 if self.clock => Value::Now,
            _ => Value::Text("b".into()),
        }
    }

    fn cond(&mut self) -> Cond {
        self.one(&[Cond::Absent, Cond::IsLastRead, Cond::IsLastRead, Cond::Always])
    }
}
