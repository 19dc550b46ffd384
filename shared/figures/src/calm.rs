//! A world in which nothing fails: one message after the other, each operation answered at once.
//!
//! It finds no mistakes. It tells what an algorithm costs when all goes well: how much it keeps, and how often it goes
//! to the store, to the bus, and to somebody else's system.

use std::future::ready;
use std::ops::AddAssign;
use std::panic::Location;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use kit::documents::{Docs, Version, When};
use kit::errors::{Retry, SendErr, StoreErr};
use kit::http::server_error;
use kit::port::{Answer, Change, Failure, Operation, Port, Reply, Write};
use kit::{Cx, Delivery, Endpoint, Msg, Request, Response, Server};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sim::documents::{Remembers, admissible};
use sim::{Documents, Limits, Service, Services};

/// What the drawn numbers depend on: always the same, so that a figure is.
const SEED: u64 = 0;

/// How many operations of each kind. Unit: operations, each one round trip.
///
/// The receiving and the acking of a message are not counted: every algorithm does both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Reads of one document, or of the keys of a partition.
    pub gets: u64,
    /// Writes, refused ones too. A batch is one.
    pub writes: u64,
    /// Messages sent.
    pub sends: u64,
    /// Calls of somebody else's system.
    pub calls: u64,
}

/// What became of one message, and what the world holds afterwards.
#[derive(Clone, Debug)]
#[must_use = "a handler may have given its message back"]
pub struct Handled {
    /// What the handler returned. Nothing is delivered again.
    pub outcome: Result<(), Retry>,
    /// What this run used.
    pub used: Used,
    /// What this run sent: to which queue, and what. It is not delivered; see [`Calm::handle`].
    pub sent: Vec<(String, Msg)>,
    /// How many documents there are.
    pub documents: usize,
    /// What all documents take. Unit: bytes of keys and JSON, as [`Limits`] counts them.
    pub bytes: usize,
}

/// What became of one request.
#[derive(Clone, Debug)]
pub struct Served {
    /// What its caller hears.
    pub response: Response,
    /// What this run used.
    pub used: Used,
    /// What this run sent: to which queue, and what.
    pub sent: Vec<(String, Msg)>,
}

/// The calm world. It has the store's usual limits.
#[derive(Default)]
pub struct Calm {
    world: Arc<World>,
    services: Arc<Vec<Service>>,
}

impl Calm {
    /// A world with these services, besides its store and its bus.
    pub fn with_services(services: Vec<Service>) -> Self {
        let states = services.iter().fold(Services::default(), |all, one| all.with(&one.name, &one.initial));
        let world = Arc::new(World::default());
        world.now().services = states;
        Calm { world, services: Arc::new(services) }
    }

    /// Handles one message. What the handler sends is told and goes nowhere: to deliver it, handle it.
    ///
    /// # Panics
    /// If the handler waits for something that is not of this world, or calls a service that this world lacks.
    pub fn handle<E: Endpoint>(&mut self, queue: &str, msg: Msg) -> Handled {
        let cx = self.begin();
        let delivery = Delivery { msg, queue: queue.to_owned() };
        let endpoint = E::default();
        let outcome = at_once(queue, endpoint.on_message(&cx, &delivery));
        let mut now = self.world.now();
        let docs = now.documents.docs();
        Handled {
            outcome,
            used: now.used,
            sent: std::mem::take(&mut now.sent),
            documents: docs.pairs().count(),
            bytes: docs.pairs().map(|(key, body)| key.len() + body.len()).sum(),
        }
    }

    /// Lets a server answer one request. What it sends is told, as by [`Calm::handle`].
    ///
    /// # Panics
    /// As [`Calm::handle`].
    pub fn serve<S: Server>(&mut self, request: &Request) -> Served {
        let cx = self.begin();
        let server = S::default();
        let outcome = at_once(&request.path, server.on_request(&cx, request));
        let mut now = self.world.now();
        let response = outcome.unwrap_or_else(|retry| server_error(retry.reason()));
        Served { response, used: now.used, sent: std::mem::take(&mut now.sent) }
    }

    /// A run begins: nothing is used yet.
    fn begin(&self) -> Cx {
        let mut now = self.world.now();
        now.used = Used::default();
        now.sent.clear();
        Cx::new(Arc::new(Door { world: self.world.clone(), services: self.services.clone() }))
    }

    /// A document that is there in the beginning.
    ///
    /// # Panics
    /// If it cannot be written as JSON.
    pub fn with_document<T: serde::Serialize + ?Sized>(self, key: &str, document: &T) -> Self {
        let body = serde_json::to_string(document)
            .unwrap_or_else(|error| panic!("the document for key {key:?} cannot be written as JSON: {error}"));
        let write = Write { key: key.to_owned(), change: Change::Put(body.into()), when: When::Always };
        self.world.now().write(None, &[write]).unwrap_or_else(|error| panic!("the document for key {key:?}: {error}"));
        self
    }

    /// The next send is refused: the one thing that can go wrong here, and only if it is asked for.
    pub fn refuse_next_send(&mut self) {
        self.world.now().refuses_send = true;
    }

    /// The documents, for a `view`.
    pub fn docs(&self) -> Docs {
        self.world.now().documents.docs()
    }
}

impl AddAssign for Used {
    fn add_assign(&mut self, other: Used) {
        self.gets += other.gets;
        self.writes += other.writes;
        self.sends += other.sends;
        self.calls += other.calls;
    }
}

/// What the world holds, and what the run of now has done.
struct Now {
    documents: Documents,
    services: Services,
    chance: SmallRng,
    millis: u64,
    used: Used,
    sent: Vec<(String, Msg)>,
    refuses_send: bool,
}

struct World(Mutex<Now>);

impl Default for World {
    fn default() -> Self {
        World(Mutex::new(Now {
            documents: Documents::default(),
            services: Services::default(),
            chance: SmallRng::seed_from_u64(SEED),
            millis: 0,
            used: Used::default(),
            sent: Vec::new(),
            refuses_send: false,
        }))
    }
}

impl World {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().expect("nobody panicked with it")
    }
}

impl Now {
    /// A service does a request, and answers.
    fn call(&mut self, service: &Service, request: &str) -> String {
        self.used.calls += 1;
        let (services, answer) = self.services.handled(service, request);
        self.services = services;
        answer
    }

    fn write(&mut self, batch: Option<&str>, writes: &[Write]) -> Result<Reply, StoreErr> {
        admissible(batch, writes, &Limits::default())?;
        if !writes.iter().all(|write| holds(write, &self.documents)) {
            return Err(StoreErr::Conflict);
        }
        let written = self.documents.apply(writes, Remembers { versions: true, previous: false });
        self.documents = written.documents;
        Ok(Reply::Written(written.versions.into_iter().map(version).collect()))
    }
}

fn version(number: u64) -> Version {
    Version::from_store(number.to_string())
}

fn holds(write: &Write, documents: &Documents) -> bool {
    match &write.when {
        When::Always => true,
        When::Absent => documents.body(&write.key).is_none(),
        When::Is(expected) => documents.version(&write.key).is_some_and(|number| version(number) == *expected),
    }
}

/// What a run returns that has no reason to wait.
fn at_once<T>(whose: &str, run: impl Future<Output = T>) -> T {
    match pin!(run).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!(
            "the handler of {whose} waits, but the calm world has answered everything: it waits for something that is \
             not of this world"
        ),
    }
}

/// What one run sees of the world.
struct Door {
    world: Arc<World>,
    services: Arc<Vec<Service>>,
}

impl Door {
    fn take_effect(&self, operation: Operation) -> Result<Reply, Failure> {
        // Looked for first, so that the world is whole when this panics.
        let called = match &operation {
            Operation::Call { service: name, .. } | Operation::Request { host: name, .. } => {
                let found = self.services.iter().find(|one| one.name == *name);
                Some(found.unwrap_or_else(|| panic!("the calm world has no service {name}: give it one")))
            }
            _ => None,
        };
        let mut now = self.world.now();
        match operation {
            // The last write is what a stale read sees, too: nobody else writes.
            Operation::Get { key, weak: _ } => {
                now.used.gets += 1;
                let number = now.documents.version(&key).unwrap_or_default();
                Ok(Reply::Document(now.documents.body(&key).cloned().map(|body| (body, version(number)))))
            }
            Operation::List { partition } => {
                now.used.gets += 1;
                Ok(Reply::Keys(now.documents.keys_of(&partition)))
            }
            Operation::Write { batch, writes } => {
                now.used.writes += 1;
                now.write(batch.as_deref(), &writes).map_err(Failure::Store)
            }
            Operation::Send { queue, msg, delay: _ } => {
                now.used.sends += 1;
                if std::mem::take(&mut now.refuses_send) {
                    return Err(Failure::Send(SendErr::Refused));
                }
                now.sent.push((queue, msg));
                Ok(Reply::Done)
            }
            Operation::Ack => Ok(Reply::Done),
            Operation::Sleep { delay } => {
                now.millis += delay.as_millis() as u64;
                Ok(Reply::Done)
            }
            Operation::Call { request, .. } => {
                let answer = now.call(called.expect("it was looked for"), &request);
                Ok(Reply::Answer(answer.into()))
            }
            Operation::Request { request, .. } => {
                let request = serde_json::to_string(&request).expect("a request is plain data");
                let response = now.call(called.expect("it was looked for"), &request);
                let response = serde_json::from_str(&response);
                Ok(Reply::Response(response.expect("a service over HTTP answers with a response")))
            }
        }
    }
}

impl Port for Door {
    fn perform(&self, operation: Operation, _: &'static Location<'static>) -> Answer {
        let door = Door { world: self.world.clone(), services: self.services.clone() };
        // Not before it is polled: an operation that nobody waits for does not happen.
        Box::pin(async move { ready(door.take_effect(operation)).await })
    }

    fn draw(&self) -> u128 {
        self.world.now().chance.random()
    }

    fn now_millis(&self) -> u64 {
        self.world.now().millis
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use kit::outbox::Record;
    use kit::services::call;

    use super::*;

    fn msg(id: &str) -> Msg {
        Msg::new(id, "Note", &id)
    }

    /// Writes a document that must not be there yet, then says so.
    #[derive(Default)]
    struct Once;

    impl Endpoint for Once {
        async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
            cx.docs.put("note", "abc", When::Absent).await?;
            cx.bus.send("noted", delivery.msg.clone()).await?;
            Ok(())
        }
    }

    #[test]
    fn a_run_is_counted_and_what_it_sent_is_told() {
        let handled = Calm::default().handle::<Once>("notes", msg("n-1"));
        assert!(handled.outcome.is_ok());
        assert_eq!(handled.used, Used { writes: 1, sends: 1, ..Used::default() });
        assert_eq!(handled.sent, [("noted".to_owned(), msg("n-1"))]);
        assert_eq!((handled.documents, handled.bytes), (1, "note".len() + "\"abc\"".len()));
    }

    #[test]
    fn a_write_whose_condition_does_not_hold_is_a_conflict_and_changes_nothing() {
        let mut calm = Calm::default();
        let first = calm.handle::<Once>("notes", msg("n-1"));
        let second = calm.handle::<Once>("notes", msg("n-2"));
        assert!(second.outcome.is_err(), "the document is there");
        assert_eq!(second.used, Used { writes: 1, ..Used::default() }, "the refused write was a round trip, too");
        assert_eq!((second.bytes, second.sent.len()), (first.bytes, 0));
    }

    /// Two documents in one batch, one of them under the version that was read.
    #[derive(Default)]
    struct Both;

    impl Endpoint for Both {
        async fn on_message(&self, cx: &Cx, _: &Delivery) -> Result<(), Retry> {
            let when = match cx.docs.get::<u64>("p/count").await? {
                Some((_, version)) => When::Is(version),
                None => When::Absent,
            };
            cx.docs.batch("p").put("p/count", &7, when).put("p/other", &8, When::Always).commit().await?;
            Ok(())
        }
    }

    #[test]
    fn a_batch_is_one_write_under_all_its_conditions() {
        let mut calm = Calm::default();
        let mut used = Used::default();
        for id in ["n-1", "n-2"] {
            let handled = calm.handle::<Both>("notes", msg(id));
            assert!(handled.outcome.is_ok(), "the version that was read is the last");
            assert_eq!(handled.documents, 2);
            used += handled.used;
        }
        assert_eq!(used, Used { gets: 2, writes: 2, ..Used::default() });
        assert_eq!(calm.docs().get::<u64>("p/other"), Some(8));
    }

    /// Keeps a record of its own, and says which ones there are.
    #[derive(Default)]
    struct Lists;

    impl Endpoint for Lists {
        async fn on_message(&self, cx: &Cx, delivery: &Delivery) -> Result<(), Retry> {
            let owner = delivery.msg.id.clone();
            cx.outbox.put(&format!("of-{owner}"), &Record { owner, msgs: Vec::new() }).await?;
            cx.docs.put("outbox-of-somebody", &cx.outbox.list().await?, When::Always).await?;
            Ok(())
        }
    }

    #[test]
    fn a_list_names_the_records_and_is_one_read() {
        let mut calm = Calm::default();
        let mut used = Used::default();
        for id in ["n-1", "n-2"] {
            used += calm.handle::<Lists>("notes", msg(id)).used;
        }
        assert_eq!(calm.docs().get::<Vec<String>>("outbox-of-somebody"), Some(vec!["of-n-1".into(), "of-n-2".into()]));
        assert_eq!(used, Used { gets: 2, writes: 4, ..Used::default() });
    }

    #[derive(Default)]
    struct Asks;

    impl Endpoint for Asks {
        async fn on_message(&self, cx: &Cx, _: &Delivery) -> Result<(), Retry> {
            let count: u64 = call(cx, "counter", "next").await?;
            cx.docs.put("count", &count, When::Always).await?;
            Ok(())
        }
    }

    #[test]
    fn a_service_keeps_its_state_between_calls() {
        let next = |state: &str, _: &str| {
            let next = (state.parse::<u64>().expect("a number") + 1).to_string();
            (next.clone(), next)
        };
        let mut calm = Calm::with_services(vec![Service::new("counter", "0", next)]);
        let first = calm.handle::<Asks>("notes", msg("n-1"));
        assert_eq!(first.used, Used { calls: 1, writes: 1, ..Used::default() });
        assert!(calm.handle::<Asks>("notes", msg("n-2")).outcome.is_ok());
        assert_eq!(calm.docs().get::<u64>("count"), Some(2));
    }

    #[test]
    #[should_panic(expected = "the calm world has no service counter: give it one")]
    fn a_service_that_is_not_there_is_named() {
        let _ = Calm::default().handle::<Asks>("notes", msg("n-1"));
    }

    /// Answers once, and fails the second time.
    #[derive(Default)]
    struct First;

    impl Server for First {
        async fn on_request(&self, cx: &Cx, request: &Request) -> Result<Response, Retry> {
            cx.docs.put(&request.path, &request.method, When::Absent).await?;
            Ok(Response::status(201))
        }
    }

    #[test]
    fn a_server_answers_and_its_failure_is_status_500() {
        let request = Request { method: kit::http::Method::Put, path: "/note".to_owned(), body: "null".to_owned() };
        let mut calm = Calm::default();
        let statuses =
            [(); 2].map(|()| calm.serve::<First>(&request)).map(|served| (served.response.status, served.used));
        let one_write = Used { writes: 1, ..Used::default() };
        assert_eq!(statuses, [(201, one_write), (500, one_write)]);
    }

    #[derive(Default)]
    struct Waits;

    impl Endpoint for Waits {
        async fn on_message(&self, _: &Cx, _: &Delivery) -> Result<(), Retry> {
            pending().await
        }
    }

    #[test]
    #[should_panic(expected = "the handler of notes waits")]
    fn whoever_waits_for_something_else_is_told() {
        let _ = Calm::default().handle::<Waits>("notes", msg("n-1"));
    }
}
