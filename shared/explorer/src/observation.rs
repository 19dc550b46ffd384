//! What a property may read of a state: documents, facts, services. Reading is noted, so that a world keeps no
//! facts that nobody reads.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use kit::documents::Docs;
use sim::{Fact, Journal, Services};

/// The kinds of fact that some property of a story reads. A world keeps only these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactsRead {
    read: BTreeSet<(FactKind, Arc<str>)>,
}

/// A kind of fact, as properties ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactKind {
    /// What was sent to a queue.
    Sent,
    /// What was acked in a queue.
    Acked,
    /// What was dead-lettered from a queue.
    DeadLettered,
    /// What a client was told.
    Answered,
}

impl FactsRead {
    /// True if somebody reads facts of this kind about this queue or client.
    pub fn has(&self, kind: FactKind, of: &str) -> bool {
        self.read.iter().any(|(read, name)| *read == kind && &**name == of)
    }

    /// Notes that somebody does; true if that is news.
    pub fn insert(&mut self, kind: FactKind, of: &str) -> bool {
        !self.has(kind, of) && self.read.insert((kind, of.into()))
    }

    /// How many kinds are read.
    pub fn len(&self) -> usize {
        self.read.len()
    }

    /// True if nobody reads any.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty()
    }
}

/// One observable state.
pub struct Observation<'a> {
    pub(crate) docs: &'a Docs,
    pub(crate) journal: &'a Journal,
    pub(crate) services: &'a Services,
    pub(crate) asked: &'a RefCell<FactsRead>,
}

impl<'a> Observation<'a> {
    /// The documents, for a view.
    pub fn docs(&self) -> &'a Docs {
        self.docs
    }

    /// The state of a service, as JSON text.
    pub fn service(&self, name: &str) -> Option<&'a str> {
        self.services.state(name).map(|state| &**state)
    }

    /// The facts of one kind about one queue or client, in order of the facts (not of time).
    pub fn facts(&self, kind: FactKind, of: &str) -> impl Iterator<Item = &'a Fact> {
        self.asked.borrow_mut().insert(kind, of);
        let of: Arc<str> = of.into();
        self.journal.facts().filter(move |fact| match (kind, fact) {
            (FactKind::Sent, Fact::Sent { queue, .. })
            | (FactKind::Acked, Fact::Acked { queue, .. })
            | (FactKind::DeadLettered, Fact::DeadLettered { queue, .. }) => *queue == of,
            (FactKind::Answered, Fact::Answered { client, .. }) => *client == of,
            _ => false,
        })
    }
}
