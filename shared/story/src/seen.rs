//! What a property may read of a state: the attendee's own view, and what became visible outside.

use std::cell::OnceCell;

use explorer::{FactKind, Observation};
use kit::Msg;
use kit::documents::Docs;
use serde::de::DeserializeOwned;
use sim::Fact;

/// One observable state, as a property sees it. Never the structure of the attendee's documents: those are seen
/// through the attendee's own `view`.
pub struct Seen<'a, V> {
    observation: &'a Observation<'a>,
    view_of: &'a (dyn Fn(&Docs) -> V + Sync),
    view: OnceCell<V>,
}

impl<'a, V> Seen<'a, V> {
    pub(crate) fn new(observation: &'a Observation<'a>, view_of: &'a (dyn Fn(&Docs) -> V + Sync)) -> Self {
        Seen { observation, view_of, view: OnceCell::new() }
    }

    /// What the attendee's `view` makes of the documents.
    pub fn view(&self) -> &V {
        self.view.get_or_init(|| (self.view_of)(self.observation.docs()))
    }

    /// The messages that became visible in a queue, each distinct one once, in no order of time.
    pub fn sent(&self, queue: &str) -> Vec<&'a Msg> {
        self.observation
            .facts(FactKind::Sent, queue)
            .filter_map(|fact| match fact {
                Fact::Sent { msg, .. } => Some(&**msg),
                _ => None,
            })
            .collect()
    }

    /// The bodies of the messages of one kind that became visible in a queue.
    ///
    /// # Panics
    /// If a body is not a `T`: the attendee sent something else.
    pub fn bodies<T: DeserializeOwned>(&self, queue: &str, kind: &str) -> Vec<T> {
        self.sent(queue)
            .into_iter()
            .filter(|msg| msg.kind == kind)
            .map(|msg| msg.body().unwrap_or_else(|error| panic!("in queue {queue}: {error}")))
            .collect()
    }

    /// The ids of the messages of which a copy was acked in a queue.
    pub fn acked(&self, queue: &str) -> Vec<&'a str> {
        self.observation
            .facts(FactKind::Acked, queue)
            .filter_map(|fact| match fact {
                Fact::Acked { id, .. } => Some(&**id),
                _ => None,
            })
            .collect()
    }

    /// The ids of the messages that were dead-lettered from a queue.
    pub fn dead_lettered(&self, queue: &str) -> Vec<&'a str> {
        self.observation
            .facts(FactKind::DeadLettered, queue)
            .filter_map(|fact| match fact {
                Fact::DeadLettered { id, .. } => Some(&**id),
                _ => None,
            })
            .collect()
    }

    /// What a client was told by its `call`-th call, from 0: `Ok` with the answer, `Err` with the error's text
    /// where the client left it at that, `None` while there is no answer.
    ///
    /// # Panics
    /// If the answer is not an `A`.
    pub fn answer<A: DeserializeOwned>(&self, client: &str, call: u16) -> Option<Result<A, String>> {
        self.observation.facts(FactKind::Answered, client).find_map(|fact| match fact {
            Fact::Answered { call: at, answer, .. } if *at == call => Some(match answer {
                Ok(json) => Ok(serde_json::from_str(json)
                    .unwrap_or_else(|error| panic!("{client}'s answer {json} is not what was asked for: {error}"))),
                Err(error) => Err(error.to_string()),
            }),
            _ => None,
        })
    }

    /// True if a client's `call`-th call, from 0, was answered with `Ok`.
    pub fn answered_ok(&self, client: &str, call: u16) -> bool {
        self.answer::<serde_json::Value>(client, call).is_some_and(|answer| answer.is_ok())
    }

    /// The state of a service.
    ///
    /// # Panics
    /// If there is no such service, or its state is not an `S`.
    pub fn service<S: DeserializeOwned>(&self, name: &str) -> S {
        let state = self.observation.service(name).unwrap_or_else(|| panic!("the world has no service {name}"));
        serde_json::from_str(state).unwrap_or_else(|error| panic!("the state {state} of {name}: {error}"))
    }
}
