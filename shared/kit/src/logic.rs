//! Business logic without any plumbing: what a message does to a state, and what it says (exercises 12 to 15).
//!
//! A logic knows nothing of stores, buses, duplicates and crashes. Whoever runs it sees to it that each message has its
//! effect once, and that what it said is sent.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::message::{Msg, MsgId};

/// What a message does to the state of its entity.
pub trait Logic: Default + Send + Sync + 'static {
    /// The state of one entity; [`Default`] before its first message.
    type State: Clone + fmt::Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The key of the entity that a message is about. No two logics of one world share keys.
    fn key(msg: &Msg) -> String;

    /// Handles one message: a function of the state and the message, and of nothing else.
    ///
    /// # Errors
    /// [`Reject`]: the message is refused, and with that it is handled. Nothing that was done to the state counts, and
    /// nothing that was put into `out`.
    fn handle(&self, state: &mut Self::State, msg: &Msg, out: &mut Out) -> Result<(), Reject>;
}

/// A message on its way to a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wire {
    /// Where to.
    pub queue: String,
    /// What.
    pub msg: Msg,
}

/// What a message has to say: the messages to be sent when its effect is committed, in order.
#[derive(Debug)]
pub struct Out {
    cause: MsgId,
    wires: Vec<Wire>,
}

impl Out {
    /// What the message with this id has to say: nothing yet.
    pub fn of(cause: &MsgId) -> Self {
        Out { cause: cause.clone(), wires: Vec::new() }
    }

    /// Says something. Its id is made of the cause's and of its place, so that no two causes share one.
    ///
    /// # Panics
    /// If the body cannot be written as JSON.
    pub fn send<T: Serialize + ?Sized>(&mut self, queue: &str, kind: &str, body: &T) {
        let id = format!("{}/{}", self.cause, self.wires.len() + 1);
        self.wires.push(Wire { queue: queue.to_owned(), msg: Msg::new(id, kind, body) });
    }

    /// All that was said, in order.
    pub fn into_wires(self) -> Vec<Wire> {
        self.wires
    }
}

/// The logic refuses a message, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    reason: String,
}

impl Reject {
    /// Refused, for this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Reject { reason: reason.into() }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}
