//! An operation of a handler, with all that can be said of it before it meets a world.

use std::collections::BTreeMap;
use std::sync::Arc;

use kit::errors::StoreErr;
use kit::http::Method;
use kit::port::{Change, Operation};
use kit::{Msg, Request};
use sim::Fault;
use sim::documents::admissible;

use kit::documents::When;

use crate::count::long;
use crate::scenario::{Scenario, host_queue};

/// What kind of operation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Get {
        weak: bool,
    },
    List,
    Write {
        /// Some condition names a version.
        versioned: bool,
    },
    Send,
    Ack,
    Sleep,
    Call,
    Request,
}

impl Kind {
    /// The faults that may strike such an operation, of a run that holds a copy of a message or does not.
    pub(crate) fn faults(self, holds_a_copy: bool) -> Vec<Fault> {
        let mut faults = vec![Fault::Crash];
        if holds_a_copy {
            faults.push(Fault::LockExpired);
        }
        match self {
            Kind::Get { weak } => {
                faults.push(Fault::ReadRefused);
                faults.extend(weak.then_some(Fault::StaleRead));
            }
            Kind::List => faults.push(Fault::ReadRefused),
            Kind::Write { versioned } => {
                faults.extend([Fault::WriteRefused, Fault::WriteUnknown]);
                faults.extend(versioned.then_some(Fault::SpuriousConflict));
            }
            Kind::Send => faults.extend([Fault::SendRefused, Fault::SendUnknown]),
            Kind::Ack => faults.push(Fault::AckLost),
            Kind::Sleep => {}
            Kind::Call => faults.extend([Fault::CallRefused, Fault::CallUnknown]),
            Kind::Request => faults.extend(Fault::NETWORK),
        }
        faults
    }
}

/// The condition of a write, read once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    Absent,
    /// The version by its number: a store's counter, or the run's own numbering.
    Is(u32),
}

/// An operation, read once.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) operation: Operation,
    pub(crate) kind: Kind,
    /// Of each write: its condition.
    pub(crate) conditions: Vec<Condition>,
    /// Why the store refuses it, whatever it holds.
    pub(crate) refusal: Option<StoreErr>,
    /// The queue that a send goes to, or a request, if the scenario knows it.
    pub(crate) queue: Option<usize>,
    pub(crate) msg: Option<Arc<Msg>>,
    pub(crate) delay_millis: u64,
    /// The service that a call goes to, by its place in the scenario.
    pub(crate) service: Option<usize>,
}

impl Op {
    pub(crate) fn of(operation: Operation, scenario: &Scenario) -> Op {
        let mut op = Op {
            operation,
            kind: Kind::Ack,
            conditions: Vec::new(),
            refusal: None,
            queue: None,
            msg: None,
            delay_millis: 0,
            service: None,
        };
        match &op.operation {
            Operation::Get { weak, .. } => op.kind = Kind::Get { weak: *weak },
            Operation::List { .. } => op.kind = Kind::List,
            Operation::Write { batch, writes } => {
                op.conditions = writes
                    .iter()
                    .map(|write| match &write.when {
                        When::Always => Condition::Always,
                        When::Absent => Condition::Absent,
                        When::Is(version) => {
                            let number = version.as_store().parse().expect("the explorer's versions are numbers");
                            Condition::Is(number)
                        }
                    })
                    .collect();
                let versioned = op.conditions.iter().any(|condition| matches!(condition, Condition::Is(_)));
                op.kind = Kind::Write { versioned };
                op.refusal = admissible(batch.as_deref(), writes, &scenario.limits).err();
            }
            Operation::Send { queue, msg, delay } => {
                op.kind = Kind::Send;
                op.queue = scenario.queues.iter().position(|known| *known.name == **queue);
                op.msg = Some(Arc::new(msg.clone()));
                op.delay_millis = delay.as_millis() as u64;
            }
            Operation::Ack => {}
            Operation::Sleep { delay } => {
                op.kind = Kind::Sleep;
                op.delay_millis = delay.as_millis() as u64;
            }
            Operation::Call { service, .. } => {
                op.kind = Kind::Call;
                op.service = scenario.services.iter().position(|known| known.name == *service);
            }
            Operation::Request { host, request } => {
                op.kind = Kind::Request;
                let queue = host_queue(host);
                op.queue = scenario.queues.iter().position(|known| *known.name == *queue && known.host.is_some());
                op.msg = Some(Arc::new(as_msg(request)));
            }
        }
        op
    }

    /// The operation in a few words: `put cart-1`, `send PlaceOrder`.
    pub(crate) fn label(&self) -> String {
        match &self.operation {
            Operation::Get { key, weak: false } => format!("get {key}"),
            Operation::Get { key, weak: true } => format!("get {key} (weak)"),
            Operation::List { partition } => format!("list {partition}"),
            Operation::Write { batch: None, writes } => writes
                .iter()
                .map(|write| match write.change {
                    Change::Put(_) => format!("put {}", write.key),
                    Change::Delete => format!("delete {}", write.key),
                })
                .collect(),
            Operation::Write { batch: Some(_), writes } => {
                let keys: Vec<&str> = writes.iter().map(|write| write.key.as_str()).collect();
                format!("batch {}", keys.join(" + "))
            }
            Operation::Send { msg, .. } => format!("send {}", msg.kind),
            Operation::Ack => "ack".to_owned(),
            Operation::Sleep { delay } => format!("sleep {}", long(*delay)),
            Operation::Call { request, .. } => request_words(request),
            Operation::Request { request, .. } => request.to_string(),
        }
    }

    /// What the operation carries, as text: documents, a body.
    pub(crate) fn detail(&self) -> String {
        match &self.operation {
            Operation::Write { writes, .. } => writes
                .iter()
                .map(|write| match &write.change {
                    Change::Put(body) => body.to_string(),
                    Change::Delete => "deleted".to_owned(),
                })
                .collect::<Vec<_>>()
                .join(" + "),
            Operation::Send { msg, .. } => format!("{} {}", &*msg.id, msg.body),
            Operation::Request { request, .. } if request.body != "null" => request.body.clone(),
            _ => String::new(),
        }
    }

    /// True if it can change what others see.
    pub(crate) fn has_effect(&self) -> bool {
        matches!(self.kind, Kind::Write { .. } | Kind::Send | Kind::Call | Kind::Request)
    }
}

/// A request on its way, as a message of its host's queue.
fn as_msg(request: &Request) -> Msg {
    Msg {
        id: request.to_string().into(),
        kind: request.method.to_string(),
        headers: BTreeMap::from([("path".to_owned(), request.path.clone())]),
        body: request.body.clone(),
    }
}

/// The request that a message of a host's queue is.
pub(crate) fn as_request(msg: &Msg) -> Request {
    let method = Method::ALL.into_iter().find(|method| method.as_str() == msg.kind);
    Request {
        method: method.expect("a request's kind is its method"),
        path: msg.headers.get("path").cloned().unwrap_or_default(),
        body: msg.body.clone(),
    }
}

/// A request in words: `{"prepare":"ada"}` is `prepare ada`.
fn request_words(request: &str) -> String {
    use serde_json::Value;
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match serde_json::from_str::<Value>(request) {
        Ok(Value::Object(fields)) if fields.len() == 1 => {
            let words = fields.iter().map(|(verb, what)| match what {
                Value::Array(parts) => {
                    format!("{verb} {}", parts.iter().map(plain).collect::<Vec<_>>().join(" "))
                }
                what => format!("{verb} {}", plain(what)),
            });
            words.collect()
        }
        Ok(value) => format!("call {}", plain(&value)),
        Err(_) => format!("call {request}"),
    }
}
