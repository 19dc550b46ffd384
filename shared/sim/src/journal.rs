//! The facts that a story may read: what became visible outside of any handler.
//!
//! Kept as a set, never as an ordered log: worlds that reached the same facts on different paths are the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use kit::Msg;

/// One fact. It names logical messages, ids and bytes, never an attempt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// A message became visible in a queue.
    Sent {
        /// Which queue.
        queue: Arc<str>,
        /// The message, to the byte.
        msg: Arc<Msg>,
    },
    /// A message was acked: its queue forgot one copy of it.
    Acked {
        /// Which queue.
        queue: Arc<str>,
        /// Which message.
        id: Arc<str>,
    },
    /// A message was given up after too many deliveries.
    DeadLettered {
        /// Which queue.
        queue: Arc<str>,
        /// Which message.
        id: Arc<str>,
    },
    /// A client got an answer.
    Answered {
        /// Which client.
        client: Arc<str>,
        /// The place of the call in the client's script, from 0.
        call: u16,
        /// What it was told: `Ok` with the answer as JSON text, or `Err` with the error's text, where the client
        /// left it at that.
        answer: Result<Arc<str>, Arc<str>>,
    },
}

/// The kinds of fact, as bits. A world keeps only the kinds that some property of its story reads.
pub mod kinds {
    /// [`Fact::Sent`](super::Fact::Sent).
    pub const SENT: u8 = 1;
    /// [`Fact::Acked`](super::Fact::Acked).
    pub const ACKED: u8 = 2;
    /// [`Fact::DeadLettered`](super::Fact::DeadLettered).
    pub const DEAD_LETTERED: u8 = 4;
    /// [`Fact::Answered`](super::Fact::Answered).
    pub const ANSWERED: u8 = 8;
}

impl Fact {
    /// Which of [`kinds`] it is.
    pub fn kind(&self) -> u8 {
        match self {
            Fact::Sent { .. } => kinds::SENT,
            Fact::Acked { .. } => kinds::ACKED,
            Fact::DeadLettered { .. } => kinds::DEAD_LETTERED,
            Fact::Answered { .. } => kinds::ANSWERED,
        }
    }
}

/// The facts so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Journal {
    facts: BTreeSet<Fact>,
}

impl Journal {
    /// Every fact, in order of the facts (not of time).
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter()
    }

    /// The journal with one more fact.
    #[must_use]
    pub fn with(&self, fact: Fact) -> Journal {
        let mut facts = self.facts.clone();
        facts.insert(fact);
        Journal { facts }
    }
}
