//! What is explored: who acts, what is there in the beginning, what may go wrong.

use std::fmt;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kit::{Cx, Endpoint, Msg, Request, Server};
use serde::Serialize;
use sim::{Faults, Limits, Service};

use crate::reductions::Reductions;
use crate::trace::Trace;

/// One run of a handler, ready to be polled.
pub type Run<T> = Pin<Box<dyn Future<Output = T> + Send>>;
pub use kit::endpoint::Handler;

/// Starts a run of a server on one request; the response is JSON text, an error is its text.
pub type RequestHandler = Arc<dyn Fn(Cx, Request) -> Run<Result<String, String>> + Send + Sync>;
/// Starts a run of one call of a client; the answer is JSON text, an error is its text.
pub type Call = Arc<dyn Fn(Cx) -> Run<Result<String, String>> + Send + Sync>;

/// A world to explore: who acts, what is there in the beginning, what may go wrong, within which bounds.
#[derive(Clone, Default)]
pub struct Scenario {
    pub(crate) documents: Vec<(String, Arc<str>)>,
    pub(crate) queues: Vec<QueueSpec>,
    pub(crate) endpoints: Vec<EndpointSpec>,
    pub(crate) clients: Vec<Client>,
    pub(crate) services: Vec<Service>,
    pub(crate) limits: Limits,
    /// If it is another than [`MAX_FLIGHT`](kit::http::MAX_FLIGHT).
    pub(crate) max_flight: Option<Duration>,
    pub(crate) faults: Faults,
    pub(crate) reductions: Reductions,
    pub(crate) serial: bool,
    pub(crate) bounds: Bounds,
    pub(crate) before_run: Option<BeforeRun>,
    pub(crate) before_telling: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// Called before code is run that was not run before, with the schedule that leads there and the answer that the
/// code is about to get; see [`Scenario::before_run`].
pub type BeforeRun = Arc<dyn Fn(&Trace, &str) + Send + Sync>;

/// When an exploration gives up undecided.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most states to visit.
    pub states: usize,
    /// Most time to spend.
    pub time: Duration,
    /// Most memory for the tables of visited states, in bytes (an estimate).
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { states: 20_000_000, time: Duration::from_secs(30), bytes: 2 << 30 }
    }
}

/// A queue, and what is in it in the beginning.
#[derive(Clone, Debug)]
pub(crate) struct QueueSpec {
    pub(crate) name: Arc<str>,
    /// Messages with the number of their physical copies.
    pub(crate) messages: Vec<(Arc<Msg>, u8)>,
    /// At most once: a delivery removes the copy, and a copy may be lost.
    pub(crate) lossy: bool,
    /// Deliveries after which a copy is dead-lettered, at least 1.
    pub(crate) deliveries_max: Option<u8>,
    /// It holds the requests that are on their way to a host, and who answers for it.
    pub(crate) host: Option<Host>,
}

/// Who answers the requests that reach a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// Workers that run a server's code.
    Workers,
    /// A service, by its place in the scenario.
    Service(usize),
}

/// A handler of messages or of requests, and how many workers run it.
#[derive(Clone)]
pub(crate) struct EndpointSpec {
    pub(crate) name: Arc<str>,
    pub(crate) queue: usize,
    pub(crate) workers: u8,
    pub(crate) handles: Handles,
}

/// What an endpoint handles, and how.
#[derive(Clone)]
pub(crate) enum Handles {
    Messages(Handler),
    Requests(RequestHandler),
}

/// What a client does with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnError {
    /// It calls again, until it gets an answer.
    CallAgain,
    /// It goes on with its next call.
    GoOn,
    /// It goes away.
    Leave,
}

#[derive(Clone)]
pub(crate) struct CallSpec {
    pub(crate) name: Arc<str>,
    pub(crate) first: Call,
    pub(crate) again: Option<Call>,
    pub(crate) again_name: Option<Arc<str>>,
    pub(crate) on_error: OnError,
}

/// A client of synchronous calls: somebody who calls one thing after the other, and sees the answers.
///
/// Each attempt of a call runs on a node of its own, which may crash; the client then sees no answer.
#[derive(Clone)]
pub struct Client {
    pub(crate) name: Arc<str>,
    pub(crate) node: Arc<str>,
    pub(crate) calls: Vec<CallSpec>,
}

impl Client {
    /// A client by this name, whose calls run on nodes of `service`.
    pub fn new(name: &str, service: &str) -> Self {
        Client { name: name.into(), node: service.into(), calls: Vec::new() }
    }

    /// Then it calls this, and again after any error or lost answer, until it gets an answer.
    #[must_use]
    pub fn calls<F, Fut, A, E>(self, name: &str, call: F) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, E>> + Send + 'static,
        A: Serialize + 'static,
        E: Display + 'static,
    {
        self.with(name, call, OnError::CallAgain)
    }

    /// Then it calls this, once; whatever comes back, or does not, it goes on to its next call.
    #[must_use]
    pub fn tries<F, Fut, A, E>(self, name: &str, call: F) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, E>> + Send + 'static,
        A: Serialize + 'static,
        E: Display + 'static,
    {
        self.with(name, call, OnError::GoOn)
    }

    /// Then it calls this, once; after an error or a lost answer it goes away.
    #[must_use]
    pub fn calls_or_leaves<F, Fut, A, E>(self, name: &str, call: F) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, E>> + Send + 'static,
        A: Serialize + 'static,
        E: Display + 'static,
    {
        self.with(name, call, OnError::Leave)
    }

    /// Instead of the call before, this is called when that one has failed or its node has crashed: what a
    /// restarted process does. It is called again until it gets an answer.
    ///
    /// # Panics
    /// If there is no call before.
    #[must_use]
    pub fn restarts_with<F, Fut, A, E>(mut self, name: &str, call: F) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, E>> + Send + 'static,
        A: Serialize + 'static,
        E: Display + 'static,
    {
        let last = self.calls.last_mut().expect("restarts_with follows a call");
        last.again = Some(erase(call));
        last.again_name = Some(name.into());
        last.on_error = OnError::CallAgain;
        self
    }

    fn with<F, Fut, A, E>(mut self, name: &str, call: F, on_error: OnError) -> Self
    where
        F: Fn(Cx) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, E>> + Send + 'static,
        A: Serialize + 'static,
        E: Display + 'static,
    {
        self.calls.push(CallSpec { name: name.into(), first: erase(call), again: None, again_name: None, on_error });
        self
    }
}

fn erase<F, Fut, A, E>(call: F) -> Call
where
    F: Fn(Cx) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<A, E>> + Send + 'static,
    A: Serialize + 'static,
    E: Display + 'static,
{
    Arc::new(move |cx| {
        let run = call(cx);
        Box::pin(async move {
            match run.await {
                Ok(answer) => Ok(serde_json::to_string(&answer)
                    .unwrap_or_else(|error| panic!("the answer cannot be written as JSON: {error}"))),
                Err(error) => Err(error.to_string()),
            }
        })
    })
}

impl Scenario {
    /// An empty world in which nothing goes wrong.
    pub fn new() -> Self {
        Scenario::default()
    }

    /// A document that is there in the beginning.
    ///
    /// # Panics
    /// If it cannot be written as JSON.
    #[must_use]
    pub fn document<T: Serialize + ?Sized>(mut self, key: &str, document: &T) -> Self {
        let body = serde_json::to_string(document)
            .unwrap_or_else(|error| panic!("the document for key {key:?} cannot be written as JSON: {error}"));
        self.documents.push((key.to_owned(), body.into()));
        self
    }

    /// A message that is in a queue in the beginning, with its number of physical copies, at least 1.
    #[must_use]
    pub fn message(mut self, queue: &str, msg: Msg, copies: u8) -> Self {
        let queue = self.queue_mut(queue);
        queue.messages.push((Arc::new(msg), copies.max(1)));
        self
    }

    /// A queue that delivers at most once: a delivery removes the copy, and `loss` may take it before.
    #[must_use]
    pub fn lossy_queue(mut self, queue: &str) -> Self {
        self.queue_mut(queue).lossy = true;
        self
    }

    /// Dead-letters a copy in this queue after so many failed deliveries, at least 1. Without it, nobody counts.
    ///
    /// Source: SQS `maxReceiveCount`; Azure Service Bus `MaxDeliveryCount` (default 10).
    #[must_use]
    pub fn deliveries_max(mut self, queue: &str, deliveries: u8) -> Self {
        self.queue_mut(queue).deliveries_max = Some(deliveries.max(1));
        self
    }

    /// Workers that handle the messages of a queue, each delivery with a new `E`.
    #[must_use]
    pub fn endpoint<E: Endpoint>(self, name: &str, queue: &str, workers: u8) -> Self {
        self.handler(name, queue, workers, kit::endpoint::handler::<E>())
    }

    /// Workers that handle the messages of a queue, by a function.
    #[must_use]
    pub fn handler(mut self, name: &str, queue: &str, workers: u8, handler: Handler) -> Self {
        let queue = self.queue_index(queue);
        self.endpoints.push(EndpointSpec { name: name.into(), queue, workers, handles: Handles::Messages(handler) });
        self
    }

    /// Workers that answer the requests to `http://host/…`, each with a new `S`.
    #[must_use]
    pub fn server<S: Server>(self, name: &str, host: &str, workers: u8) -> Self {
        let handler: RequestHandler = Arc::new(|cx, request| {
            Box::pin(async move {
                let server = S::default();
                match server.on_request(&cx, &request).await {
                    Ok(response) => Ok(serde_json::to_string(&response).expect("a response is plain data")),
                    Err(retry) => Err(retry.reason().to_owned()),
                }
            })
        });
        self.request_handler(name, host, workers, handler)
    }

    /// Workers that answer the requests to `http://host/…`, by a function.
    #[must_use]
    pub fn request_handler(mut self, name: &str, host: &str, workers: u8, handler: RequestHandler) -> Self {
        let queue = self.host_index(host, Host::Workers);
        self.endpoints.push(EndpointSpec { name: name.into(), queue, workers, handles: Handles::Requests(handler) });
        self
    }

    /// Somebody else's system behind HTTP, which answers the requests to `http://name/…`, each in one step. Make it
    /// with [`Service::over_http`].
    #[must_use]
    pub fn http_service(mut self, service: Service) -> Self {
        let host = Host::Service(self.services.len());
        self.host_index(&service.name.clone(), host);
        self.services.push(service);
        self
    }

    /// How long a request may be on its way and handled; [`MAX_FLIGHT`](kit::http::MAX_FLIGHT) unless said otherwise.
    #[must_use]
    pub fn max_flight(mut self, flight: Duration) -> Self {
        self.max_flight = Some(flight);
        self
    }

    /// A client of synchronous calls.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.clients.push(client);
        self
    }

    /// Somebody else's system.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// The store's limits; [`Limits::DYNAMODB`] unless said otherwise.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What may go wrong, and how often; nothing unless said.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Which states count as one; all reductions are on unless said otherwise.
    #[must_use]
    pub fn reductions(mut self, reductions: Reductions) -> Self {
        self.reductions = reductions;
        self
    }

    /// Gives up undecided after so many states, if it would not sooner.
    #[must_use]
    pub fn states_max(mut self, states: usize) -> Self {
        self.bounds.states = self.bounds.states.min(states);
        self
    }

    /// Gives up undecided after so much time, not sooner and not later.
    #[must_use]
    pub fn time_max(mut self, time: Duration) -> Self {
        self.bounds.time = time;
        self
    }

    /// When to give up undecided.
    #[must_use]
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Calls this before any code is run that was not run before, with the schedule that leads there and, in words,
    /// what the code then gets. Slow: only for finding out where a run was that never came back.
    #[must_use]
    pub fn before_run(mut self, before_run: BeforeRun) -> Self {
        self.before_run = Some(before_run);
        self
    }

    /// Calls this when a violation was found, before its runs are run once more to collect what they print.
    #[must_use]
    pub fn before_telling(mut self, before_telling: impl Fn() + Send + Sync + 'static) -> Self {
        self.before_telling = Some(Arc::new(before_telling));
        self
    }

    /// The same world as a serial one: nothing fails, each message has one copy, and one run ends before the
    /// next begins. Its outcomes are what every other world's must be equal to.
    #[must_use]
    pub fn serial(mut self) -> Self {
        self.serial = true;
        self.faults = Faults::NONE;
        for queue in &mut self.queues {
            for (_, copies) in &mut queue.messages {
                *copies = 1;
            }
        }
        for endpoint in &mut self.endpoints {
            endpoint.workers = 1;
        }
        self
    }

    pub(crate) fn queue_index(&mut self, name: &str) -> usize {
        if let Some(at) = self.queues.iter().position(|queue| &*queue.name == name) {
            return at;
        }
        let name = name.into();
        self.queues.push(QueueSpec { name, messages: Vec::new(), lossy: false, deliveries_max: None, host: None });
        self.queues.len() - 1
    }

    fn host_index(&mut self, name: &str, host: Host) -> usize {
        let at = self.queue_index(&host_queue(name));
        self.queues[at].host = Some(host);
        at
    }

    fn queue_mut(&mut self, name: &str) -> &mut QueueSpec {
        let at = self.queue_index(name);
        &mut self.queues[at]
    }
}

/// What the queue of the requests to a host is called.
pub(crate) fn host_queue(host: &str) -> String {
    format!("http://{host}")
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario").field("queues", &self.queues).field("faults", &self.faults).finish_non_exhaustive()
    }
}
