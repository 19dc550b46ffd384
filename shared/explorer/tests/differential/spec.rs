//! A small random world as plain data, and the one interpreter of its generated handlers.
//!
//! From a [`Spec`] both sides are built: an `explorer::Scenario`, and the naive world of `brute.rs`. They share
//! nothing but this data and the handlers, which are ordinary `async fn`s over `kit::Cx`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use explorer::scenario::RequestHandler;
use explorer::{Client, Handler, Scenario};
use kit::http::Method;
use kit::{Cx, Delivery, Msg, Request, Response, Retry, Version, When};
use sim::{Fault, Faults, Limits, Service};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// This text.
    Text(String),
    /// What was read last under the same key, and a letter more; from the third letter on it starts again.
    Append(char),
    /// The id of the message that is handled, or `call`.
    MessageId,
    /// A fresh id.
    Drawn,
    /// The time.
    Now,
    /// The last answer of the service or of a host, or what was listed last.
    Answer,
    /// The body of what is handled.
    Body,
}

/// The condition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cond {
    Absent,
    /// As it was read or written last by this run; `Absent` where it was never read, or was absent.
    IsLastRead,
    Always,
}

/// Where a sent message's id comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IdSource {
    Fixed(&'static str),
    /// From the id of the message that is handled.
    FromMessage,
    /// A fresh id.
    Fresh,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Get {
        key: &'static str,
        weak: bool,
    },
    List {
        partition: &'static str,
    },
    Put {
        key: &'static str,
        value: Value,
        when: Cond,
    },
    Delete {
        key: &'static str,
        when: Cond,
    },
    Batch {
        partition: &'static str,
        puts: Vec<(&'static str, Value, Cond)>,
        deletes: Vec<(&'static str, Cond)>,
    },
    Send {
        queue: &'static str,
        id: IdSource,
        value: Value,
        delay: u64,
    },
    Ack,
    Call {
        request: &'static str,
    },
    Sleep {
        millis: u64,
    },
    /// A request over HTTP; any status but 200 fails.
    Ask {
        host: &'static str,
        method: Method,
        path: &'static str,
        value: Value,
    },
}

/// What a run does when an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnErr {
    /// Ends with `Err`.
    Return,
    /// Goes on.
    Continue,
    /// Ends with `Ok`.
    Finish,
}

/// One instruction of a generated handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Instr {
    Do(Op, OnErr),
    /// Both at once; goes on when both are answered.
    Join(Op, Op, OnErr),
    /// Both at once; goes on when both are answered, or one has failed (then the other is dropped).
    TryJoin(Op, Op, OnErr),
    /// Both at once; goes on when one is answered, and drops the other.
    Race(Op, Op, OnErr),
    /// Does this twice.
    Twice(Vec<Instr>),
    /// Does one or the other, by whether the key was there when this run last looked.
    IfExists(&'static str, Vec<Instr>, Vec<Instr>),
}

/// What a handler does.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// These, in order.
    Instrs(Arc<Vec<Instr>>),
    /// This code, written by hand.
    Code(fn(Cx, Option<Delivery>) -> Coded),
}

/// A run of code that was written by hand.
pub(crate) type Coded = Pin<Box<dyn Future<Output = Result<String, Retry>> + Send>>;

#[derive(Clone, Debug)]
pub(crate) struct MessageSpec {
    pub(crate) queue: &'static str,
    pub(crate) id: &'static str,
    pub(crate) copies: u8,
}

impl MessageSpec {
    pub(crate) fn msg(&self) -> Msg {
        Msg::new(self.id, "start", "b")
    }
}

#[derive(Clone, Debug)]
pub(crate) struct EndpointSpec {
    pub(crate) name: &'static str,
    pub(crate) queue: &'static str,
    pub(crate) workers: u8,
    pub(crate) program: Program,
}

impl EndpointSpec {
    /// The host whose requests it answers, if it is a server.
    pub(crate) fn host(&self) -> Option<&'static str> {
        self.queue.strip_prefix("http://")
    }
}

/// What a server's code sees of a request.
pub(crate) fn delivery_of(queue: &str, request: &Request) -> Delivery {
    let text: String = request.body().unwrap_or_default();
    Delivery { msg: Msg::new(request.to_string(), request.method.as_str(), &text), queue: queue.to_owned() }
}

/// A server's run: what its handler answers, with status 200.
pub(crate) async fn serve(cx: Cx, delivery: Delivery, program: Program) -> Result<Response, Retry> {
    run(cx, Some(delivery), program).await.map(|answer| Response::with(200, &answer))
}

/// What a client does with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Calls,
    Tries,
    CallsOrLeaves,
}

#[derive(Clone, Debug)]
pub(crate) struct CallSpec {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    pub(crate) rule: Rule,
    /// What is called instead after an error; the rule is then `Calls`.
    pub(crate) again: Option<Program>,
}

#[derive(Clone, Debug)]
pub(crate) struct ClientSpec {
    pub(crate) name: &'static str,
    pub(crate) calls: Vec<CallSpec>,
}

/// What the counter does on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    None,
    /// It would "become" what it is: no step.
    Idle,
    /// 1 becomes 2.
    Steps,
}

/// A counter up to 3: `"add"` and `"read"` answer the new and the present count.
#[derive(Clone, Debug)]
pub(crate) struct CounterSpec {
    pub(crate) start: u32,
    pub(crate) timer: Timer,
}

impl CounterSpec {
    pub(crate) const NAME: &'static str = "counter";

    pub(crate) fn handle(state: &str, request: &str) -> (String, String) {
        let count: u32 = state.parse().expect("a count");
        let after = if request == "\"add\"" { (count + 1).min(3) } else { count };
        (after.to_string(), after.to_string())
    }

    pub(crate) fn timer(&self, state: &str) -> Option<String> {
        match self.timer {
            Timer::None => None,
            Timer::Idle => Some(state.to_owned()),
            Timer::Steps => (state == "1").then(|| "2".to_owned()),
        }
    }
}

/// The system behind the host `till`: up to two texts, one for each `POST`, which is refused when there are two.
pub(crate) struct Till;

impl Till {
    pub(crate) const NAME: &'static str = "till";

    pub(crate) fn handle(state: &str, request: &Request) -> (String, Response) {
        let text: String = request.body().unwrap_or_default();
        let after = match request.method {
            Method::Post if state.contains('+') => return (state.to_owned(), Response::status(409)),
            Method::Post if state.is_empty() => text,
            Method::Post => format!("{state}+{text}"),
            Method::Put => text,
            Method::Delete => String::new(),
            Method::Get => state.to_owned(),
        };
        (after.clone(), Response::with(200, &after))
    }
}

/// The kinds of fact, as this test names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    Sent,
    Acked,
    DeadLettered,
    Answered,
}

/// A small world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spec {
    /// Documents are texts.
    pub(crate) documents: Vec<(&'static str, &'static str)>,
    pub(crate) messages: Vec<MessageSpec>,
    pub(crate) endpoints: Vec<EndpointSpec>,
    pub(crate) clients: Vec<ClientSpec>,
    pub(crate) lossy: Vec<&'static str>,
    pub(crate) deliveries_max: Vec<(&'static str, u8)>,
    pub(crate) counter: Option<CounterSpec>,
    /// What the till has in the beginning, where there is one.
    pub(crate) till: Option<&'static str>,
    /// The longest flight of a request, in milliseconds, where it is not the usual one.
    pub(crate) flight: Option<u64>,
    /// Most faults in all.
    pub(crate) total: u8,
    /// Kinds of fault that may strike, each with its own bound (which is at most the total).
    pub(crate) faults: Vec<(Fault, u8)>,
    pub(crate) item_bytes: Option<usize>,
    pub(crate) serial: bool,
    /// The facts that properties read.
    pub(crate) kept: BTreeSet<(Kept, &'static str)>,
}

/// The queue that nobody consumes.
pub(crate) const OUT: &str = "out";

impl Spec {
    /// Reads every fact that this world can know.
    pub(crate) fn keep_all(mut self) -> Self {
        for queue in self.queues() {
            for kind in [Kept::Sent, Kept::Acked, Kept::DeadLettered] {
                self.kept.insert((kind, queue));
            }
        }
        for client in &self.clients {
            self.kept.insert((Kept::Answered, client.name));
        }
        self
    }

    /// Every queue that a handler may name.
    pub(crate) fn queues(&self) -> BTreeSet<&'static str> {
        self.endpoints.iter().map(|endpoint| endpoint.queue).chain([OUT]).collect()
    }

    /// Most faults of one kind.
    pub(crate) fn most(&self, fault: Fault) -> u8 {
        self.faults.iter().find(|(kind, _)| *kind == fault).map_or(0, |(_, most)| (*most).min(self.total))
    }

    /// The longest flight of a request, in milliseconds.
    pub(crate) fn flight(&self) -> u64 {
        self.flight.unwrap_or(kit::http::MAX_FLIGHT.as_millis() as u64)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { item_bytes: self.item_bytes.unwrap_or(Limits::DYNAMODB.item_bytes), ..Limits::DYNAMODB }
    }

    /// The same world for the explorer.
    pub(crate) fn scenario(&self) -> Scenario {
        let mut scenario = Scenario::new().limits(self.limits());
        for (key, text) in &self.documents {
            scenario = scenario.document(key, text);
        }
        for message in &self.messages {
            scenario = scenario.message(message.queue, message.msg(), message.copies);
        }
        for queue in &self.lossy {
            scenario = scenario.lossy_queue(queue);
        }
        for (queue, most) in &self.deliveries_max {
            scenario = scenario.deliveries_max(queue, *most);
        }
        for endpoint in &self.endpoints {
            let program = endpoint.program.clone();
            if let Some(host) = endpoint.host() {
                let queue = endpoint.queue;
                let handler: RequestHandler = Arc::new(move |cx, request| {
                    let served = serve(cx, delivery_of(queue, &request), program.clone());
                    Box::pin(async move {
                        let text = |response| serde_json::to_string(&response).expect("a response is plain data");
                        served.await.map(text).map_err(|retry| retry.reason().to_owned())
                    })
                });
                scenario = scenario.request_handler(endpoint.name, host, endpoint.workers, handler);
                continue;
            }
            let handler: Handler = Arc::new(move |cx, delivery| {
                let program = program.clone();
                Box::pin(async move { run(cx, Some(delivery), program).await.map(drop) })
            });
            scenario = scenario.handler(endpoint.name, endpoint.queue, endpoint.workers, handler);
        }
        for client in &self.clients {
            let mut built = Client::new(client.name, "Service");
            for call in &client.calls {
                let program = call.program.clone();
                let code = move |cx: Cx| run(cx, None, program.clone());
                built = match call.rule {
                    Rule::Calls => built.calls(call.name, code),
                    Rule::Tries => built.tries(call.name, code),
                    Rule::CallsOrLeaves => built.calls_or_leaves(call.name, code),
                };
                if let Some(again) = call.again.clone() {
                    built = built.restarts_with("again", move |cx: Cx| run(cx, None, again.clone()));
                }
            }
            scenario = scenario.client(built);
        }
        if let Some(counter) = self.counter.clone() {
            let mut service = Service::new(CounterSpec::NAME, counter.start.to_string(), CounterSpec::handle);
            if counter.timer != Timer::None {
                service = service.with_timer(move |state| counter.timer(state));
            }
            scenario = scenario.service(service);
        }
        if let Some(start) = self.till {
            scenario = scenario.http_service(Service::over_http(Till::NAME, start, Till::handle));
        }
        if let Some(millis) = self.flight {
            scenario = scenario.max_flight(Duration::from_millis(millis));
        }
        let kinds: Vec<Fault> = self.faults.iter().map(|(kind, _)| *kind).collect();
        let mut faults = Faults::upto(self.total).only(&kinds);
        for (kind, most) in &self.faults {
            faults = faults.at_most(*kind, *most);
        }
        scenario = scenario.faults(faults);
        if self.serial { scenario.serial() } else { scenario }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, text) in &self.documents {
            writeln!(f, "  document {key} = {text:?}")?;
        }
        for message in &self.messages {
            writeln!(f, "  message {} in {}, {} copies", message.id, message.queue, message.copies)?;
        }
        for queue in &self.lossy {
            writeln!(f, "  queue {queue} is lossy")?;
        }
        for (queue, most) in &self.deliveries_max {
            writeln!(f, "  queue {queue} dead-letters after {most}")?;
        }
        for endpoint in &self.endpoints {
            writeln!(f, "  endpoint {} on {}, {} workers:", endpoint.name, endpoint.queue, endpoint.workers)?;
            write_program(f, &endpoint.program, 2)?;
        }
        for client in &self.clients {
            writeln!(f, "  client {}:", client.name)?;
            for call in &client.calls {
                writeln!(f, "    {:?} {}:", call.rule, call.name)?;
                write_program(f, &call.program, 3)?;
                if let Some(again) = &call.again {
                    writeln!(f, "    restarts with:")?;
                    write_program(f, again, 3)?;
                }
            }
        }
        if let Some(counter) = &self.counter {
            writeln!(f, "  counter from {}, timer {:?}", counter.start, counter.timer)?;
        }
        if let Some(start) = self.till {
            writeln!(f, "  till from {start:?}")?;
        }
        if let Some(millis) = self.flight {
            writeln!(f, "  requests fly for at most {millis} ms")?;
        }
        if let Some(bytes) = self.item_bytes {
            writeln!(f, "  items of at most {bytes} bytes")?;
        }
        writeln!(f, "  faults: {} of {:?}{}", self.total, self.faults, if self.serial { ", serial" } else { "" })?;
        writeln!(f, "  facts read: {:?}", self.kept)
    }
}

fn write_program(f: &mut fmt::Formatter<'_>, program: &Program, depth: usize) -> fmt::Result {
    match program {
        Program::Instrs(instrs) => write_instrs(f, instrs, depth),
        Program::Code(_) => writeln!(f, "{}code written by hand", "  ".repeat(depth)),
    }
}

fn write_instrs(f: &mut fmt::Formatter<'_>, instrs: &[Instr], depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    for instr in instrs {
        match instr {
            Instr::Twice(body) => {
                writeln!(f, "{indent}twice")?;
                write_instrs(f, body, depth + 1)?;
            }
            Instr::IfExists(key, then, otherwise) => {
                writeln!(f, "{indent}if {key} exists")?;
                write_instrs(f, then, depth + 1)?;
                writeln!(f, "{indent}else")?;
                write_instrs(f, otherwise, depth + 1)?;
            }
            plain => writeln!(f, "{indent}{plain:?}")?,
        }
    }
    Ok(())
}

/// Shorthands for worlds written by hand.
pub(crate) mod short {
    use super::*;

    pub(crate) fn program(instrs: impl IntoIterator<Item = Instr>) -> Program {
        Program::Instrs(Arc::new(instrs.into_iter().collect()))
    }

    /// An operation whose error ends the run with `Err`.
    pub(crate) fn must(op: Op) -> Instr {
        Instr::Do(op, OnErr::Return)
    }

    /// An operation whose error is ignored.
    pub(crate) fn may(op: Op) -> Instr {
        Instr::Do(op, OnErr::Continue)
    }

    pub(crate) fn get(key: &'static str) -> Op {
        Op::Get { key, weak: false }
    }

    pub(crate) fn put(key: &'static str, text: &str, when: Cond) -> Op {
        Op::Put { key, value: Value::Text(text.to_owned()), when }
    }

    pub(crate) fn send(queue: &'static str, id: &'static str) -> Op {
        Op::Send { queue, id: IdSource::Fixed(id), value: Value::Text("b".into()), delay: 0 }
    }

    pub(crate) fn endpoint(queue: &'static str, workers: u8, instrs: impl IntoIterator<Item = Instr>) -> EndpointSpec {
        EndpointSpec { name: "Worker", queue, workers, program: program(instrs) }
    }

    pub(crate) fn message(queue: &'static str, id: &'static str, copies: u8) -> MessageSpec {
        MessageSpec { queue, id, copies }
    }

    pub(crate) fn call(rule: Rule, instrs: impl IntoIterator<Item = Instr>) -> CallSpec {
        CallSpec { name: "asks", program: program(instrs), rule, again: None }
    }

    pub(crate) fn client(name: &'static str, calls: impl IntoIterator<Item = CallSpec>) -> ClientSpec {
        ClientSpec { name, calls: calls.into_iter().collect() }
    }
}

// ---------------------------------------------------------------------------------------------------------
// The interpreter.

#[derive(Default)]
struct Memory {
    read: BTreeMap<&'static str, Option<(String, Version)>>,
    answer: String,
}

impl Memory {
    fn value(&self, cx: &Cx, delivery: Option<&Delivery>, key: Option<&str>, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Append(letter) => {
                let before = key.and_then(|key| self.read.get(key)).and_then(|read| read.as_ref());
                match before {
                    Some((text, _)) if text.len() < 3 => format!("{text}{letter}"),
                    _ => letter.to_string(),
                }
            }
            Value::MessageId => delivery.map_or_else(|| "call".to_owned(), |delivery| delivery.id().to_string()),
            Value::Drawn => cx.fresh_id().to_string(),
            Value::Now => format!("t{}", cx.now().as_millis()),
            Value::Answer => format!("n{}", self.answer),
            Value::Body => delivery.map_or_else(String::new, |delivery| delivery.msg.body.trim_matches('"').to_owned()),
        }
    }

    fn when(&self, key: &str, cond: Cond) -> When {
        match cond {
            Cond::Absent => When::Absent,
            Cond::Always => When::Always,
            Cond::IsLastRead => match self.read.get(key) {
                Some(Some((_, version))) => When::Is(version.clone()),
                _ => When::Absent,
            },
        }
    }
}

/// What an operation changes in a run's memory.
enum Update {
    Nothing,
    Read(&'static str, Option<(String, Version)>),
    Wrote(Vec<(&'static str, Option<(String, Version)>)>),
    Answer(String),
}

type Started = Pin<Box<dyn Future<Output = Result<Update, Retry>> + Send>>;

fn start(cx: &Cx, delivery: Option<&Delivery>, memory: &Memory, op: &Op) -> Started {
    match op {
        Op::Get { key, weak } => {
            let key = *key;
            if *weak {
                let read = cx.docs.get_stale::<String>(key);
                Box::pin(async move { Ok(Update::Read(key, read.await?)) })
            } else {
                let read = cx.docs.get::<String>(key);
                Box::pin(async move { Ok(Update::Read(key, read.await?)) })
            }
        }
        Op::List { partition } => {
            let read = cx.docs.list(partition);
            Box::pin(async move { Ok(Update::Answer(read.await?.join(" "))) })
        }
        Op::Put { key, value, when } => {
            let key = *key;
            let text = memory.value(cx, delivery, Some(key), value);
            let write = cx.docs.put(key, &text, memory.when(key, *when));
            Box::pin(async move { Ok(Update::Wrote(vec![(key, Some((text, write.await?)))])) })
        }
        Op::Delete { key, when } => {
            let key = *key;
            let write = cx.docs.delete(key, memory.when(key, *when));
            Box::pin(async move { write.await.map(|()| Update::Wrote(vec![(key, None)])).map_err(Retry::from) })
        }
        Op::Batch { partition, puts, deletes } => {
            let mut batch = cx.docs.batch(*partition);
            let mut put = Vec::new();
            for (key, value, when) in puts {
                let text = memory.value(cx, delivery, Some(key), value);
                batch = batch.put(key, &text, memory.when(key, *when));
                put.push((*key, text));
            }
            let mut wrote = Vec::new();
            for (key, when) in deletes {
                batch = batch.delete(key, memory.when(key, *when));
                wrote.push((*key, None));
            }
            let commit = batch.commit();
            Box::pin(async move {
                let versions = commit.await?;
                wrote.extend(put.into_iter().zip(versions).map(|((key, text), version)| (key, Some((text, version)))));
                Ok(Update::Wrote(wrote))
            })
        }
        Op::Send { queue, id, value, delay } => {
            let handled = delivery.map_or("call", |delivery| delivery.id().as_str());
            let id = match id {
                IdSource::Fixed(id) => (*id).to_owned(),
                IdSource::FromMessage => format!("of-{handled}"),
                IdSource::Fresh => cx.fresh_id().to_string(),
            };
            let body = memory.value(cx, delivery, None, value);
            let msg = Msg::new(id, "sent", &body);
            if *delay == 0 {
                let send = cx.bus.send(queue, msg);
                Box::pin(async move { send.await.map(|()| Update::Nothing).map_err(Retry::from) })
            } else {
                let send = cx.bus.send_later(queue, msg, Duration::from_millis(*delay));
                Box::pin(async move { send.await.map(|()| Update::Nothing).map_err(Retry::from) })
            }
        }
        Op::Ack => match delivery {
            Some(delivery) => {
                let ack = delivery.ack(cx);
                Box::pin(async move { ack.await.map(|()| Update::Nothing).map_err(Retry::from) })
            }
            None => Box::pin(async { Ok(Update::Nothing) }),
        },
        Op::Call { request } => {
            let call = kit::services::call::<_, u32>(cx, CounterSpec::NAME, *request);
            Box::pin(async move { Ok(Update::Answer(call.await?.to_string())) })
        }
        Op::Ask { host, method, path, value } => {
            let url = format!("http://{host}{path}");
            let text = memory.value(cx, delivery, None, value);
            let asked: Pin<Box<dyn Future<Output = Result<Response, kit::HttpErr>> + Send>> = match method {
                Method::Get => Box::pin(cx.http.get(&url)),
                Method::Put => Box::pin(cx.http.put(&url, &text)),
                Method::Post => Box::pin(cx.http.post(&url, &text)),
                Method::Delete => Box::pin(cx.http.delete(&url)),
            };
            Box::pin(async move {
                let response = asked.await?;
                match response.status {
                    200 => Ok(Update::Answer(response.body().unwrap_or_default())),
                    _ => Err(Retry::because(response.to_string())),
                }
            })
        }
        Op::Sleep { millis } => {
            let sleep = cx.sleep(Duration::from_millis(*millis));
            Box::pin(async move {
                sleep.await;
                Ok(Update::Nothing)
            })
        }
    }
}

/// Both; `None` for the one that was dropped because the other failed (where `stop` says so).
async fn both(mut a: Started, mut b: Started, stop: bool) -> Vec<Result<Update, Retry>> {
    let (mut done_a, mut done_b) = (None, None);
    poll_fn(move |context| {
        if done_a.is_none()
            && let Poll::Ready(result) = a.as_mut().poll(context)
        {
            done_a = Some(result);
        }
        let failed = |done: &Option<Result<Update, Retry>>| stop && matches!(done, Some(Err(_)));
        if failed(&done_a) {
            return Poll::Ready(done_a.take().into_iter().collect());
        }
        if done_b.is_none()
            && let Poll::Ready(result) = b.as_mut().poll(context)
        {
            done_b = Some(result);
        }
        if failed(&done_b) {
            return Poll::Ready(done_b.take().into_iter().collect());
        }
        if done_a.is_some() && done_b.is_some() {
            return Poll::Ready(done_a.take().into_iter().chain(done_b.take()).collect());
        }
        Poll::Pending
    })
    .await
}

/// The first of both; the other is dropped.
async fn first(mut a: Started, mut b: Started) -> Result<Update, Retry> {
    poll_fn(move |context| match a.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending => b.as_mut().poll(context),
    })
    .await
}

/// Whether the run goes on.
enum Flow {
    On,
    Finished,
}

fn block<'a>(
    cx: &'a Cx,
    delivery: Option<&'a Delivery>,
    memory: &'a mut Memory,
    program: &'a [Instr],
) -> Pin<Box<dyn Future<Output = Result<Flow, Retry>> + Send + 'a>> {
    Box::pin(async move {
        for instr in program {
            let (results, on_err) = match instr {
                Instr::Do(op, on_err) => (vec![start(cx, delivery, memory, op).await], *on_err),
                Instr::Join(a, b, on_err) | Instr::TryJoin(a, b, on_err) => {
                    let stop = matches!(instr, Instr::TryJoin(..));
                    let (a, b) = (start(cx, delivery, memory, a), start(cx, delivery, memory, b));
                    (both(a, b, stop).await, *on_err)
                }
                Instr::Race(a, b, on_err) => {
                    let (a, b) = (start(cx, delivery, memory, a), start(cx, delivery, memory, b));
                    (vec![first(a, b).await], *on_err)
                }
                Instr::Twice(body) => {
                    for _ in 0..2 {
                        if let Flow::Finished = block(cx, delivery, memory, body).await? {
                            return Ok(Flow::Finished);
                        }
                    }
                    continue;
                }
                Instr::IfExists(key, then, otherwise) => {
                    let exists = matches!(memory.read.get(key), Some(Some(_)));
                    let body = if exists { then } else { otherwise };
                    if let Flow::Finished = block(cx, delivery, memory, body).await? {
                        return Ok(Flow::Finished);
                    }
                    continue;
                }
            };
            for result in results {
                match (result, on_err) {
                    (Ok(Update::Nothing), _) | (Err(_), OnErr::Continue) => {}
                    (Ok(Update::Read(key, read)), _) => drop(memory.read.insert(key, read)),
                    (Ok(Update::Wrote(wrote)), _) => memory.read.extend(wrote),
                    (Ok(Update::Answer(answer)), _) => memory.answer = answer,
                    (Err(retry), OnErr::Return) => return Err(retry),
                    (Err(_), OnErr::Finish) => return Ok(Flow::Finished),
                }
            }
        }
        Ok(Flow::On)
    })
}

/// Runs a handler. The answer (which only clients hear) says what it read and was told.
pub(crate) async fn run(cx: Cx, delivery: Option<Delivery>, program: Program) -> Result<String, Retry> {
    let instrs = match program {
        Program::Instrs(instrs) => instrs,
        Program::Code(code) => return code(cx, delivery).await,
    };
    let mut memory = Memory::default();
    block(&cx, delivery.as_ref(), &mut memory, &instrs).await?;
    let read: Vec<&str> = memory.read.values().flatten().map(|(text, _)| text.as_str()).collect();
    Ok(format!("{}{}", read.join("+"), memory.answer))
}
