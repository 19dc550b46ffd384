//! Histories of runs, in a trie: a node is a run's code, its delivery, and the answers so far. It knows what is
//! pending there, or how the run ended. Code is run only when a node is reached for the first time.

use std::panic::Location;
use std::sync::Arc;

use kit::documents::Version;
use kit::port::{Failure, Operation, Reply};
use kit::{Delivery, Msg};
use rustc_hash::FxHashMap;

use crate::operation::{Kind, Op, as_request};
use crate::run::{Answered, Asked, Code, Ending, Misbehaviour, Running, Stand, Surroundings, Tally, watched};
use crate::scenario::{Handles, Scenario};
use crate::tables::Interner;

/// A node's number. The first few are not histories.
pub(crate) type NodeId = u32;
/// Nobody runs.
pub(crate) const IDLE: NodeId = 0;
/// A worker's run that ended with `Ok`, its history forgotten.
pub(crate) const ENDED_OK: NodeId = 1;
/// A worker's run that ended with `Err`, its history forgotten.
pub(crate) const ENDED_ERR: NodeId = 2;

/// Set in the number of an answer that did not come because of an outage: such answers are counted.
pub(crate) const OUTAGE: u32 = 1 << 23;

/// Operations that one run may ask for.
pub(crate) const OPERATIONS_MAX: usize = 200;

/// What a run runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CodeKey {
    None,
    Endpoint { endpoint: usize, msg: Arc<Msg> },
    Call { client: usize, call: usize, again: bool },
}

/// An operation that is pending at a node.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) ordinal: u8,
    pub(crate) op: u32,
    pub(crate) at: &'static Location<'static>,
    /// Kinds of fault that struck it, as bits.
    pub(crate) struck: u32,
}

/// How a node's run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It waits for an answer.
    Running,
    Ok,
    Err,
    Bad,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) code: u32,
    parent: NodeId,
    ordinal: u8,
    reply: u32,
    surroundings: Surroundings,
    depth: u16,
    pub(crate) end: End,
    /// The answer's or the error's text, by its number; or which misbehaviour.
    pub(crate) text: u32,
    pub(crate) pending: Vec<Ask>,
    /// Dropped unanswered in its last piece.
    pub(crate) dropped: Vec<Ask>,
    /// The key of each version that the run was given, by the run's own numbering.
    pub(crate) versions: Vec<u32>,
    /// It has written, sent or called something.
    pub(crate) effect: bool,
    /// Something that it has drawn may be seen by others: it wrote, sent or called, or nobody knows whether it did.
    pub(crate) touched: bool,
    /// Draws of its owner before its own first, and its own.
    pub(crate) drawn: (u32, u32),
    /// Answers that did not come because of an outage.
    pub(crate) unanswered: u8,
    /// Draws since the last answer.
    pub(crate) draws: u32,
}

impl Node {
    fn tally(&self) -> Tally {
        Tally { pending: self.pending.len(), dropped: self.dropped.len(), draws: self.draws }
    }
}

#[derive(Clone, Copy)]
enum Child {
    /// The same whatever the surroundings.
    Plain(NodeId),
    /// Its code draws (or reads the clock), so that it is another one in other surroundings.
    Keyed { clock: bool },
}

/// All histories so far.
pub(crate) struct Histories {
    nodes: Vec<Node>,
    children: FxHashMap<u64, Child>,
    keyed: FxHashMap<(u64, u32, u64), NodeId>,
    ended: FxHashMap<(bool, u32), NodeId>,
    pub(crate) codes: Interner<CodeKey>,
    pub(crate) operations: Interner<Operation>,
    pub(crate) ops: Vec<Op>,
    pub(crate) replies: Interner<Result<Reply, Failure>>,
    pub(crate) keys: Interner<Arc<str>>,
    pub(crate) texts: Interner<String>,
    pub(crate) misbehaviours: Vec<Misbehaviour>,
    /// Times that code was run.
    pub(crate) runs: u64,
    /// Somebody read the clock.
    pub(crate) clock_read: bool,
    /// Somebody sleeps.
    pub(crate) sleeps: bool,
    /// Versions are numbered by each run for itself.
    own_versions: bool,
    /// Is told, in words, what code gets that is about to be run for the first time.
    pub(crate) announce: Option<Announce>,
}

/// See [`Histories::announce`].
pub(crate) type Announce = Box<dyn Fn(&str)>;

/// What the world's surroundings are for a run that goes on now.
pub(crate) trait Around {
    fn surroundings(&self, owner: u64) -> Surroundings;
}

impl Histories {
    pub(crate) fn new(own_versions: bool) -> Self {
        let mut histories = Histories {
            nodes: Vec::new(),
            children: FxHashMap::default(),
            keyed: FxHashMap::default(),
            ended: FxHashMap::default(),
            codes: Interner::default(),
            operations: Interner::default(),
            ops: Vec::new(),
            replies: Interner::default(),
            keys: Interner::default(),
            texts: Interner::default(),
            misbehaviours: Vec::new(),
            runs: 0,
            clock_read: false,
            sleeps: false,
            own_versions,
            announce: None,
        };
        histories.codes.number(CodeKey::None);
        for end in [End::Running, End::Ok, End::Err] {
            histories.nodes.push(blank(end));
        }
        histories
    }

    pub(crate) fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node as usize]
    }

    pub(crate) fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node as usize]
    }

    /// How many histories there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len() - 3
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// A client's ended run, its history forgotten.
    pub(crate) fn ended(&mut self, ok: bool, text: u32) -> NodeId {
        if let Some(node) = self.ended.get(&(ok, text)) {
            return *node;
        }
        let node = self.nodes.len() as NodeId;
        self.nodes.push(Node { text, ..blank(if ok { End::Ok } else { End::Err }) });
        self.ended.insert((ok, text), node);
        node
    }

    /// The node where a run begins.
    pub(crate) fn root(&mut self, code: u32, scenario: &Scenario, around: &impl Around) -> NodeId {
        self.reach(IDLE, 0, code, scenario, around)
    }

    /// The node after one more answer.
    #[inline]
    pub(crate) fn child(
        &mut self,
        node: NodeId,
        ordinal: u8,
        reply: u32,
        scenario: &Scenario,
        around: &impl Around,
    ) -> NodeId {
        self.reach(node, ordinal, reply, scenario, around)
    }

    #[inline]
    fn reach(&mut self, from: NodeId, ordinal: u8, by: u32, scenario: &Scenario, around: &impl Around) -> NodeId {
        let key = u64::from(from) << 32 | u64::from(ordinal) << 24 | u64::from(by);
        match self.children.get(&key) {
            Some(Child::Plain(node)) => *node,
            Some(Child::Keyed { clock }) => self.reach_keyed(key, *clock, from, ordinal, by, scenario, around),
            None => self.reach_new(key, from, ordinal, by, scenario, around),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn reach_keyed(
        &mut self,
        key: u64,
        clock: bool,
        from: NodeId,
        ordinal: u8,
        by: u32,
        scenario: &Scenario,
        around: &impl Around,
    ) -> NodeId {
        let code = if from == IDLE { by } else { self.node(from).code };
        let surroundings = around.surroundings(self.owner(code, scenario));
        let full = (key, surroundings.drawn, if clock { surroundings.now_millis } else { 0 });
        if let Some(node) = self.keyed.get(&full) {
            return *node;
        }
        let (node, _) = self.run_to(from, ordinal, by, surroundings, scenario);
        let id = self.push(node);
        self.keyed.insert(full, id);
        id
    }

    #[cold]
    fn reach_new(
        &mut self,
        key: u64,
        from: NodeId,
        ordinal: u8,
        by: u32,
        scenario: &Scenario,
        around: &impl Around,
    ) -> NodeId {
        assert!(by & !OUTAGE < OUTAGE, "at most 8 million distinct answers");
        let code = if from == IDLE { by } else { self.node(from).code };
        let surroundings = around.surroundings(self.owner(code, scenario));
        let (node, read_clock) = self.run_to(from, ordinal, by, surroundings, scenario);
        let draws = node.draws > 0;
        let id = self.push(node);
        self.clock_read |= read_clock;
        if draws || read_clock {
            self.children.insert(key, Child::Keyed { clock: read_clock });
            let now = if read_clock { surroundings.now_millis } else { 0 };
            self.keyed.insert((key, surroundings.drawn, now), id);
        } else {
            self.children.insert(key, Child::Plain(id));
        }
        id
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        (self.nodes.len() - 1) as NodeId
    }

    /// Whose draws a run's draws are: a hash of its logical message, or of the client's call.
    pub(crate) fn owner(&self, code: u32, scenario: &Scenario) -> u64 {
        match self.codes.value(code) {
            CodeKey::None => 0,
            CodeKey::Endpoint { msg, .. } => hashed(&[b"message", msg.id.as_str().as_bytes()]),
            CodeKey::Call { client, call, .. } => {
                hashed(&[b"call", scenario.clients[*client].name.as_bytes(), &[*call as u8]])
            }
        }
    }

    /// The code of a node's run.
    pub(crate) fn code(&self, code: u32, scenario: &Scenario) -> Code {
        match self.codes.value(code) {
            CodeKey::None => unreachable!("nobody runs nothing"),
            CodeKey::Endpoint { endpoint, msg } => {
                let spec = &scenario.endpoints[*endpoint];
                match &spec.handles {
                    Handles::Messages(handler) => {
                        let queue = scenario.queues[spec.queue].name.to_string();
                        Code::Endpoint(handler.clone(), Delivery { msg: (**msg).clone(), queue })
                    }
                    Handles::Requests(handler) => Code::Server(handler.clone(), as_request(msg)),
                }
            }
            CodeKey::Call { client, call, again } => {
                let spec = &scenario.clients[*client].calls[*call];
                let call = if *again { spec.again.as_ref().unwrap_or(&spec.first) } else { &spec.first };
                Code::Call(call.clone())
            }
        }
    }

    /// The nodes from a run's beginning to this one.
    pub(crate) fn path(&self, mut node: NodeId) -> Vec<NodeId> {
        let mut path = Vec::new();
        while node > ENDED_ERR {
            path.push(node);
            node = self.node(node).parent;
        }
        path.reverse();
        path
    }

    /// What a run was told on the way to a node: the surroundings of its beginning, and the answers.
    pub(crate) fn told(&self, node: NodeId) -> (Surroundings, Vec<Answered>) {
        let path = self.path(node);
        let mut nodes = path.iter().map(|node| self.node(*node));
        let beginning = nodes.next().map_or_else(Surroundings::default, |root| root.surroundings);
        let answers = nodes.map(|node| self.answered(node.ordinal, node.reply, node.surroundings)).collect();
        (beginning, answers)
    }

    fn answered(&self, ordinal: u8, reply: u32, surroundings: Surroundings) -> Answered {
        let reply = self.replies.value(reply & !OUTAGE).clone();
        Answered { ordinal: usize::from(ordinal), reply, surroundings }
    }

    /// Runs the code up to a node that is not there yet. Each piece of it is run at least twice, and has to do the same:
    /// on the way to whatever follows it, and the first and the last piece at once.
    fn run_to(
        &mut self,
        from: NodeId,
        ordinal: u8,
        by: u32,
        surroundings: Surroundings,
        scenario: &Scenario,
    ) -> (Node, bool) {
        let code = if from == IDLE { by } else { self.node(from).code };
        if let Some(announce) = &self.announce {
            announce(&self.gets(from, ordinal, by, scenario));
        }
        let mut stand = self.run_once(from, ordinal, by, surroundings, code, scenario);
        if let Ok(first) = &stand
            && (from == IDLE || first.ending.is_some())
        {
            let second = self.run_once(from, ordinal, by, surroundings, code, scenario);
            stand = second.and_then(|second| match *first == second {
                true => Ok(second),
                false => Err(Misbehaviour::NotDeterministic {
                    first: self.describe(first, scenario),
                    second: self.describe(&second, scenario),
                }),
            });
        }
        let parent = self.node(from).clone();
        let depth = if from == IDLE { 0 } else { parent.depth + 1 };
        let mut node = Node {
            code,
            parent: from,
            ordinal,
            reply: by,
            surroundings,
            depth,
            versions: parent.versions.clone(),
            effect: parent.effect,
            touched: parent.touched,
            drawn: parent.drawn,
            unanswered: parent.unanswered,
            ..blank(End::Running)
        };
        if from != IDLE {
            self.learn(&mut node, &parent, ordinal, by);
        }
        let stand = match stand {
            Ok(stand) => stand,
            Err(bad) => return (self.misbehaved(node, bad), false),
        };
        let asked = stand.pending.iter().chain(&stand.dropped).map(|asked| asked.ordinal + 1).max().unwrap_or(0);
        if usize::from(depth) >= OPERATIONS_MAX || asked > OPERATIONS_MAX {
            let operations = asked.max(usize::from(depth));
            return (self.misbehaved(node, Misbehaviour::DoesNotFinish { operations }), false);
        }
        node.draws = stand.draws;
        if stand.draws > 0 {
            let before = if node.drawn.1 == 0 { surroundings.drawn } else { node.drawn.0 };
            node.drawn = (before, node.drawn.1 + stand.draws);
        }
        let mut asks = |asked: Vec<Asked>| -> Vec<Ask> {
            let ask = |Asked { ordinal, operation, at }| {
                let op = self.op(operation, scenario);
                Ask { ordinal: ordinal as u8, op, at, struck: 0 }
            };
            asked.into_iter().map(ask).collect()
        };
        node.dropped = asks(stand.dropped);
        node.pending = asks(stand.pending);
        node.touched |= node.dropped.iter().any(|ask| self.ops[ask.op as usize].has_effect());
        self.sleeps |= node.pending.iter().any(|ask| self.ops[ask.op as usize].kind == Kind::Sleep);
        match stand.ending {
            None => {}
            Some(Ending::Ok(answer)) => {
                node.end = End::Ok;
                node.text = self.texts.number(answer);
            }
            Some(Ending::Err(error)) => {
                node.end = End::Err;
                node.text = self.texts.number(error);
            }
            Some(Ending::Bad(bad)) => return (self.misbehaved(node, bad), false),
        }
        (node, stand.read_clock)
    }

    fn misbehaved(&mut self, mut node: Node, bad: Misbehaviour) -> Node {
        node.end = End::Bad;
        node.text = self.misbehaviours.len() as u32;
        self.misbehaviours.push(bad);
        node
    }

    /// What the answer of an operation tells a run about versions and effects.
    fn learn(&mut self, node: &mut Node, parent: &Node, ordinal: u8, reply: u32) {
        let Some(ask) = parent.pending.iter().find(|ask| ask.ordinal == ordinal) else { return };
        let op = &self.ops[ask.op as usize];
        node.unanswered += u8::from(reply & OUTAGE != 0);
        let reply = self.replies.value(reply & !OUTAGE);
        node.effect |= op.has_effect() && reply.is_ok();
        node.touched |= op.has_effect() && !matches!(reply, Err(failure) if failure.is_definite());
        if !self.own_versions {
            return;
        }
        match (&op.operation, reply) {
            (Operation::Get { key, .. }, Ok(Reply::Document(Some((_, version)))))
                if version_number(version) as usize == node.versions.len() =>
            {
                node.versions.push(self.keys.number(key.as_str().into()));
            }
            (Operation::Write { writes, .. }, Ok(Reply::Written(_))) => {
                for write in writes {
                    if matches!(write.change, kit::port::Change::Put(_)) {
                        node.versions.push(self.keys.number(write.key.as_str().into()));
                    }
                }
            }
            _ => {}
        }
    }

    fn run_once(
        &mut self,
        from: NodeId,
        ordinal: u8,
        by: u32,
        surroundings: Surroundings,
        code: u32,
        scenario: &Scenario,
    ) -> Result<Stand, Misbehaviour> {
        self.runs += 1;
        let code = self.code(code, scenario);
        if from == IDLE {
            return Ok(Running::start(&code, surroundings).stand());
        }
        let path = self.path(from);
        let (beginning, mut answers) = self.told(from);
        answers.push(self.answered(ordinal, by, surroundings));
        let mut running = Running::start(&code, beginning);
        for (node, answered) in path.iter().zip(&answers) {
            let recorded = self.node(*node).pending.iter().find(|ask| usize::from(ask.ordinal) == answered.ordinal);
            let recorded = recorded.map(|ask| &self.ops[ask.op as usize].operation);
            let now = running.asked(answered.ordinal);
            let (before, here) = (self.node(*node).tally(), running.tally());
            if recorded != now.as_ref() || before != here || !running.answer(answered) {
                let tell = |operation: Option<&Operation>, tally: Tally| {
                    let told = operation.map_or_else(|| "nothing".to_owned(), |it| in_full(it, scenario));
                    if before == here { told } else { format!("{told}, and {tally}") }
                };
                let (first, second) = (tell(recorded, before), tell(now.as_ref(), here));
                return Err(Misbehaviour::NotDeterministic { first, second });
            }
        }
        Ok(running.stand())
    }

    /// What a run gets next, in words.
    fn gets(&self, from: NodeId, ordinal: u8, by: u32, scenario: &Scenario) -> String {
        if from == IDLE {
            return match self.codes.value(by) {
                CodeKey::Endpoint { msg, .. } => format!("{} is delivered", msg.id),
                CodeKey::Call { client, call, .. } => {
                    format!("{} is called", scenario.clients[*client].calls[*call].name)
                }
                CodeKey::None => String::new(),
            };
        }
        let asked = self.node(from).pending.iter().find(|ask| ask.ordinal == ordinal);
        let label = asked.map(|ask| self.ops[ask.op as usize].label()).unwrap_or_default();
        let answer = match self.replies.value(by & !OUTAGE) {
            Ok(Reply::Document(None)) => "nothing there".to_owned(),
            Ok(Reply::Document(Some((body, _)))) => body.to_string(),
            Ok(Reply::Keys(keys)) => format!("{keys:?}"),
            Ok(Reply::Answer(answer)) => answer.to_string(),
            Ok(Reply::Response(response)) => response.to_string(),
            Ok(Reply::Written(_) | Reply::Done) => "ok".to_owned(),
            Err(Failure::Store(error)) => error.to_string(),
            Err(Failure::Send(error)) => error.to_string(),
            Err(Failure::Ack(error)) => error.to_string(),
            Err(Failure::Call(error)) => error.to_string(),
            Err(Failure::Http(error)) => error.to_string(),
        };
        format!("`{label}` is answered: {}", answer.chars().take(60).collect::<String>())
    }

    fn describe(&self, stand: &Stand, scenario: &Scenario) -> String {
        if let Some(ending) = &stand.ending {
            return match ending {
                Ending::Ok(answer) if answer.is_empty() => "it ended with Ok".to_owned(),
                Ending::Ok(answer) => format!("it ended with Ok({answer})"),
                Ending::Err(error) => format!("it ended with Err: {error}"),
                Ending::Bad(_) => "it misbehaved".to_owned(),
            };
        }
        let asked: Vec<String> = stand.pending.iter().map(|asked| in_full(&asked.operation, scenario)).collect();
        asked.join(", ")
    }

    /// The operation's number.
    pub(crate) fn op(&mut self, operation: Operation, scenario: &Scenario) -> u32 {
        let number = self.operations.number(operation.clone());
        if number as usize == self.ops.len() {
            self.ops.push(Op::of(operation, scenario));
        }
        number
    }

    /// Runs a node's history once more, all of it, and hands out each piece: for collecting what it prints.
    pub(crate) fn rerun(&self, node: NodeId, scenario: &Scenario, mut piece: impl FnMut(usize, &mut dyn FnMut())) {
        let path = self.path(node);
        let Some(root) = path.first() else { return };
        let code = self.code(self.node(*root).code, scenario);
        let (beginning, answers) = self.told(node);
        let mut running = None;
        piece(0, &mut || running = Some(Running::start(&code, beginning)));
        let Some(mut running) = running else { return };
        for (at, answered) in answers.iter().enumerate() {
            piece(at + 1, &mut || drop(watched(|| running.answer(answered))));
        }
    }
}

/// An operation with what it carries.
fn in_full(operation: &Operation, scenario: &Scenario) -> String {
    let op = Op::of(operation.clone(), scenario);
    let detail = op.detail();
    if detail.is_empty() { op.label() } else { format!("{} {detail}", op.label()) }
}

pub(crate) fn version_number(version: &Version) -> u32 {
    version.as_store().parse().expect("the explorer's versions are numbers")
}

fn blank(end: End) -> Node {
    Node {
        code: 0,
        parent: IDLE,
        ordinal: 0,
        reply: 0,
        surroundings: Surroundings::default(),
        depth: 0,
        end,
        text: 0,
        pending: Vec::new(),
        dropped: Vec::new(),
        versions: Vec::new(),
        effect: false,
        touched: false,
        drawn: (0, 0),
        unanswered: 0,
        draws: 0,
    }
}

/// FNV-1a over the parts, 64 bits.
///
/// Source: Fowler, Noll and Vo; constants from the FNV reference page.
fn hashed(parts: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.iter().chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
