//! Somebody else's system: a state, and a function from state and request to state and answer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kit::{Request, Response};

type Handle = dyn Fn(&str, &str) -> (String, String) + Send + Sync;
type Timer = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A service: it does each request as one step. States, requests and answers are JSON text.
#[derive(Clone)]
pub struct Service {
    /// Its name, as callers know it.
    pub name: String,
    /// Its state in the beginning.
    pub initial: String,
    handle: Arc<Handle>,
    timer: Option<Arc<Timer>>,
}

impl Service {
    /// A service whose requests are handled by `handle(state, request) -> (state, answer)`.
    pub fn new(
        name: impl Into<String>,
        initial: impl Into<String>,
        handle: impl Fn(&str, &str) -> (String, String) + Send + Sync + 'static,
    ) -> Self {
        Service { name: name.into(), initial: initial.into(), handle: Arc::new(handle), timer: None }
    }

    /// A service whose requests come over HTTP: `handle(state, request) -> (state, response)`, in one step.
    ///
    /// # Panics
    /// When asked something that is no HTTP request.
    pub fn over_http(
        name: impl Into<String>,
        initial: impl Into<String>,
        handle: impl Fn(&str, &Request) -> (String, Response) + Send + Sync + 'static,
    ) -> Self {
        Service::new(name, initial, move |state, request| {
            let request = serde_json::from_str(request).unwrap_or_else(|error| {
                panic!("a service over HTTP is asked by HTTP requests, not {request}: {error}")
            });
            let (state, response) = handle(state, &request);
            (state, serde_json::to_string(&response).expect("a response is plain data"))
        })
    }

    /// Lets the service act on its own: whenever `timer(state)` is `Some`, that may become its state.
    #[must_use]
    pub fn with_timer(mut self, timer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.timer = Some(Arc::new(timer));
        self
    }

    /// The state after a request, and the answer.
    pub fn handle(&self, state: &str, request: &str) -> (String, String) {
        (self.handle)(state, request)
    }

    /// The state after the service's own timer, if it would act now.
    pub fn timer(&self, state: &str) -> Option<String> {
        self.timer.as_ref().and_then(|timer| timer(state))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The states of all services, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Services {
    states: BTreeMap<Arc<str>, Arc<str>>,
}

impl Services {
    /// The state of one service.
    pub fn state(&self, name: &str) -> Option<&Arc<str>> {
        self.states.get(name)
    }

    /// All services with that one in another state.
    #[must_use]
    pub fn with(&self, name: &str, state: &str) -> Services {
        let mut states = self.states.clone();
        states.insert(name.into(), state.into());
        Services { states }
    }

    /// All services after one of them did a request, and its answer.
    pub fn handled(&self, service: &Service, request: &str) -> (Services, String) {
        let before = self.state(&service.name).map_or("", |state| &**state);
        let (after, answer) = service.handle(before, request);
        (self.with(&service.name, &after), answer)
    }

    /// Every service's name and state.
    pub fn states(&self) -> impl Iterator<Item = (&str, &str)> {
        self.states.iter().map(|(name, state)| (&**name, &**state))
    }
}
