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
        sent(self.observation, queue)
    }

    /// The bodies of the messages of one kind that became visible in a queue.
    ///
    /// # Panics
    /// If a body is not a `T`: the attendee sent something else.
    pub fn bodies<T: DeserializeOwned>(&self, queue: &str, kind: &str) -> Vec<T> {
        bodies(self.observation, queue, kind)
    }

    /// The ids of the messages of which a copy was acked in a queue.
    pub fn acked(&self, queue: &str) -> Vec<&'a str> {
        acked(self.observation, queue)
    }

    /// The ids of the messages that were dead-lettered from a queue.
    pub fn dead_lettered(&self, queue: &str) -> Vec<&'a str> {
        dead_lettered(self.observation, queue)
    }

    /// What a client was told by its `call`-th call, from 0: `Ok` with the answer, `Err` with the error's text
    /// where the client left it at that, `None` while there is no answer.
    ///
    /// # Panics
    /// If the answer is not an `A`.
    pub fn answer<A: DeserializeOwned>(&self, client: &str, call: u16) -> Option<Result<A, String>> {
        answer(self.observation, client, call)
    }

    /// True if a client's `call`-th call, from 0, was answered with `Ok`.
    pub fn answered_ok(&self, client: &str, call: u16) -> bool {
        answer_json(self.observation, client, call).is_some_and(|answer| answer.is_ok())
    }

    /// The state of a service.
    ///
    /// # Panics
    /// If there is no such service, or its state is not an `S`.
    pub fn service<S: DeserializeOwned>(&self, name: &str) -> S {
        service(self.observation, name)
    }

    /// What is seen, whatever the view is.
    pub(crate) fn observation(&self) -> &'a Observation<'a> {
        self.observation
    }
}

// What does not depend on the type of the view is compiled once, not for every view.

pub(crate) fn sent<'a>(observation: &'a Observation<'a>, queue: &str) -> Vec<&'a Msg> {
    let facts = observation.facts(FactKind::Sent, queue);
    facts
        .filter_map(|fact| match fact {
            Fact::Sent { msg, .. } => Some(&**msg),
            _ => None,
        })
        .collect()
}

pub(crate) fn acked<'a>(observation: &'a Observation<'a>, queue: &str) -> Vec<&'a str> {
    let facts = observation.facts(FactKind::Acked, queue);
    facts
        .filter_map(|fact| match fact {
            Fact::Acked { id, .. } => Some(&**id),
            _ => None,
        })
        .collect()
}

fn dead_lettered<'a>(observation: &'a Observation<'a>, queue: &str) -> Vec<&'a str> {
    let facts = observation.facts(FactKind::DeadLettered, queue);
    facts
        .filter_map(|fact| match fact {
            Fact::DeadLettered { id, .. } => Some(&**id),
            _ => None,
        })
        .collect()
}

fn bodies<T: DeserializeOwned>(observation: &Observation<'_>, queue: &str, kind: &str) -> Vec<T> {
    let of_kind = sent(observation, queue).into_iter().filter(|msg| msg.kind == kind);
    of_kind.map(|msg| msg.body().unwrap_or_else(|error| panic!("in queue {queue}: {error}"))).collect()
}

fn answer_json<'a>(observation: &'a Observation<'a>, client: &str, call: u16) -> Option<Result<&'a str, String>> {
    observation.facts(FactKind::Answered, client).find_map(|fact| match fact {
        Fact::Answered { call: at, answer, .. } if *at == call => Some(match answer {
            Ok(json) => Ok(&**json),
            Err(error) => Err(error.to_string()),
        }),
        _ => None,
    })
}

fn answer<A: DeserializeOwned>(observation: &Observation<'_>, client: &str, call: u16) -> Option<Result<A, String>> {
    let answer = answer_json(observation, client, call)?;
    Some(answer.map(|json| {
        serde_json::from_str(json)
            .unwrap_or_else(|error| panic!("{client}'s answer {json} is not what was asked for: {error}"))
    }))
}

fn service<S: DeserializeOwned>(observation: &Observation<'_>, name: &str) -> S {
    let state = observation.service(name).unwrap_or_else(|| panic!("the world has no service {name}"));
    serde_json::from_str(state).unwrap_or_else(|error| panic!("the state {state} of {name}: {error}"))
}
