//! One host: store, broker, clock and chance, and what a handler sees of them.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Cell, OnceLock};
use std::time::Duration;

use kit::documents::{Docs, Version, When};
use kit::endpoint::{Handler, handler};
use kit::errors::{HttpErr, SendErr, StoreErr};
use kit::port::{Answer, Failure, Operation, Port, Reply, Write};
use kit::{Cx, Delivery, Endpoint, Msg, Request, Response};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sim::documents::{Remembers, admissible};
use sim::{Copy, Documents, Limits};
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep, sleep_until};

use crate::broker::Broker;
use crate::faults::{Odds, Struck};

/// How fast a host's time passes.
#[derive(Clone, Copy, Debug)]
pub struct Tempo {
    /// How long a worker may hold a copy before another gets it; 40 ms unless said otherwise. In real time.
    pub visibility_timeout: Duration,
    /// How many seconds pass on the host's clock in one; 1 unless said otherwise. Sleeps and delayed messages are shorter
    /// by that: two minutes, told to a host that is forty times as fast, are over after three seconds.
    pub speed: u32,
}

impl Default for Tempo {
    fn default() -> Self {
        Tempo { visibility_timeout: Duration::from_millis(40), speed: 1 }
    }
}

/// How long an operation takes, at most.
const LATENCY_MAX: Duration = Duration::from_micros(400);
/// A handler that dies does so within this time of its beginning.
const DIES_WITHIN_MICROS: u32 = 1_500;

/// Other systems, as a host reaches them over HTTP.
pub trait Web: Send + Sync + 'static {
    /// Sends a request to a host, and waits for its response.
    ///
    /// # Errors
    /// [`HttpErr::NoAnswer`] (indefinite).
    fn ask(
        &self,
        host: String,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<Response, HttpErr>> + Send + '_>>;
}

/// A document store and a broker in memory, and nodes that run handlers on them.
pub struct Host {
    documents: Mutex<Documents>,
    broker: Mutex<Broker>,
    /// Wakes a worker of a queue.
    arrived: Cell<BTreeMap<String, Arc<Notify>>>,
    chance: Cell<SmallRng>,
    odds: Odds,
    tempo: Tempo,
    struck: Cell<Struck>,
    began: Instant,
    drawn: AtomicU64,
    web: OnceLock<Arc<dyn Web>>,
}

impl Host {
    /// A host whose faults follow from a seed, as far as threads and time let them.
    pub fn new(seed: u64, odds: Odds) -> Arc<Host> {
        Host::with(seed, odds, Tempo::default())
    }

    /// The same, at another tempo.
    pub fn with(seed: u64, odds: Odds, tempo: Tempo) -> Arc<Host> {
        Arc::new(Host {
            documents: Mutex::default(),
            broker: Mutex::default(),
            arrived: Cell::default(),
            chance: Cell::new(SmallRng::seed_from_u64(seed)),
            odds,
            tempo,
            struck: Cell::default(),
            began: Instant::now(),
            drawn: AtomicU64::new(0),
            web: OnceLock::new(),
        })
    }

    /// From now on requests over HTTP go there.
    ///
    /// # Panics
    /// If they go somewhere already.
    pub fn reaches(&self, web: Arc<dyn Web>) {
        assert!(self.web.set(web).is_ok(), "a host has one web");
    }

    /// The context of a run that handles no message, such as that of a server.
    pub fn cx(self: &Arc<Self>) -> Cx {
        Cx::new(Arc::new(Door { host: self.clone(), receipt: None }))
    }

    fn below(&self, end: u32) -> u32 {
        self.chance.lock().expect("nobody panics with it").random_range(0..end)
    }

    fn arrived(&self, queue: &str) -> Arc<Notify> {
        self.arrived.lock().expect("nobody panics with it").entry(queue.to_owned()).or_default().clone()
    }

    fn strikes(&self, percent: u32) -> bool {
        self.below(100) < percent
    }

    fn note(&self, note: impl FnOnce(&mut Struck)) {
        note(&mut self.struck.lock().expect("nobody panics with it"));
    }

    /// What went wrong so far.
    pub fn struck(&self) -> Struck {
        *self.struck.lock().expect("nobody panics with it")
    }

    /// Puts a message into a queue, as a client would whose send is always answered.
    pub async fn publish(&self, queue: &str, msg: Msg) {
        self.broker.lock().await.enqueue(queue, Arc::new(msg));
        self.arrived(queue).notify_one();
    }

    /// The documents.
    pub async fn docs(&self) -> Docs {
        self.documents.lock().await.docs()
    }

    /// What was sent to a queue that nobody consumes.
    pub async fn sent(&self, queue: &str) -> Vec<Msg> {
        self.broker.lock().await.visible(queue)
    }

    /// How many copies wait in a queue.
    pub async fn waiting(&self, queue: &str) -> usize {
        self.broker.lock().await.waiting(queue)
    }

    /// Waits until a queue is empty and nobody holds a copy of it.
    pub async fn drained(&self, queue: &str) {
        while !self.broker.lock().await.is_drained(queue) {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Handles the messages of a queue, each with a new `E`, for ever.
    pub async fn serve_queue<E: Endpoint>(self: Arc<Self>, queue: &'static str) {
        self.work(queue, handler::<E>()).await;
    }

    /// Handles the messages of a queue, for ever.
    pub async fn work(self: Arc<Self>, queue: &'static str, handler: Handler) {
        loop {
            let Some((receipt, copy)) = self.receive(queue).await else { continue };
            let delivery = Delivery { msg: (*copy.msg).clone(), queue: queue.to_owned() };
            let cx = Cx::new(Arc::new(Door { host: self.clone(), receipt: Some(receipt) }));
            // The node dies in the middle, or after its end and before the ack.
            let Some(outcome) = self.lives_through(handler(cx, delivery)).await else { continue };
            if self.strikes(self.odds.slow) {
                sleep(self.tempo.visibility_timeout * 2).await;
            }
            match outcome {
                Ok(()) if self.strikes(self.odds.ack_lost) => self.note(|struck| struck.acks_lost += 1),
                Ok(()) => self.broker.lock().await.ack(receipt),
                Err(_) => self.broker.lock().await.give_back(receipt),
            }
        }
    }

    /// Runs something on a node. `None`: the node died, and whatever was pending with it.
    pub async fn lives_through<T>(&self, run: impl Future<Output = T> + Send) -> Option<T> {
        let mut run = std::pin::pin!(run);
        if !self.strikes(self.odds.crash) {
            return Some(run.await);
        }
        let dies_at = Instant::now() + Duration::from_micros(u64::from(self.below(DIES_WITHIN_MICROS)));
        tokio::select! {
            biased;
            () = sleep_until(dies_at) => {}
            _ = &mut run => {}
        }
        self.note(|struck| struck.crashes += 1);
        None
    }

    async fn receive(&self, queue: &str) -> Option<(u64, Copy)> {
        {
            let mut broker = self.broker.lock().await;
            let expired = broker.expire();
            self.note(|struck| struck.expired += expired);
            let received =
                broker.lock(queue, self.tempo.visibility_timeout, |copies| self.below(copies as u32) as usize);
            if received.is_some() {
                return received;
            }
        }
        // Whoever waits also looks for locks that have expired.
        let _ = tokio::time::timeout(self.tempo.visibility_timeout / 4, self.arrived(queue).notified()).await;
        None
    }

    async fn perform(self: &Arc<Self>, operation: Operation, receipt: Option<u64>) -> Result<Reply, Failure> {
        let latency = self.below(LATENCY_MAX.as_micros() as u32);
        if latency > 100 {
            sleep(Duration::from_micros(u64::from(latency))).await;
        }
        let (refused, unknown) = match operation {
            Operation::Get { .. } | Operation::List { .. } | Operation::Write { .. } => {
                (Failure::Store(StoreErr::Throttled), Failure::Store(StoreErr::Unknown))
            }
            Operation::Send { .. } => (Failure::Send(SendErr::Refused), Failure::Send(SendErr::Unknown)),
            _ => return self.take_effect(operation, receipt).await,
        };
        if self.strikes(self.odds.refused) {
            self.note(|struck| struck.refused += 1);
            return Err(refused);
        }
        if self.strikes(self.odds.unknown) {
            if self.strikes(50) {
                self.note(|struck| struck.took_effect += 1);
                let _ = self.take_effect(operation, receipt).await;
            } else {
                self.note(|struck| struck.had_no_effect += 1);
            }
            return Err(unknown);
        }
        self.take_effect(operation, receipt).await
    }

    async fn take_effect(self: &Arc<Self>, operation: Operation, receipt: Option<u64>) -> Result<Reply, Failure> {
        match operation {
            Operation::Get { key, .. } => {
                let documents = self.documents.lock().await;
                let body = documents.body(&key).cloned();
                Ok(Reply::Document(body.map(|body| (body, version(documents.version(&key).unwrap_or_default())))))
            }
            Operation::List { partition } => Ok(Reply::Keys(self.documents.lock().await.keys_of(&partition))),
            Operation::Write { batch, writes } => {
                admissible(batch.as_deref(), &writes, &Limits::default()).map_err(Failure::Store)?;
                let mut documents = self.documents.lock().await;
                if !writes.iter().all(|write| holds(write, &documents)) {
                    return Err(Failure::Store(StoreErr::Conflict));
                }
                let versions = documents.write(&writes, Remembers { versions: true, previous: false });
                Ok(Reply::Written(versions.into_iter().map(version).collect()))
            }
            Operation::Send { queue, msg, delay } => {
                self.send(queue, msg, delay).await;
                Ok(Reply::Done)
            }
            Operation::Ack => {
                if let Some(receipt) = receipt {
                    self.broker.lock().await.ack(receipt);
                }
                Ok(Reply::Done)
            }
            Operation::Sleep { delay } => {
                sleep(delay / self.tempo.speed).await;
                Ok(Reply::Done)
            }
            Operation::Call { service, .. } => panic!("this host has no services, so nobody calls {service}"),
            Operation::Request { host, request } => {
                let web = self.web.get().unwrap_or_else(|| panic!("this host has no web, so nobody asks {host}"));
                web.ask(host, request).await.map(Reply::Response).map_err(Failure::Http)
            }
        }
    }

    async fn send(self: &Arc<Self>, queue: String, msg: Msg, delay: Duration) {
        let copies = if self.strikes(self.odds.duplicate) { 2 } else { 1 };
        self.note(|struck| struck.duplicates += copies - 1);
        let host = self.clone();
        let arrives = async move {
            let mut broker = host.broker.lock().await;
            let msg = Arc::new(msg);
            for _ in 0..copies {
                broker.enqueue(&queue, msg.clone());
            }
            host.arrived(&queue).notify_one();
        };
        if delay.is_zero() {
            return arrives.await;
        }
        let delay = delay / self.tempo.speed;
        tokio::spawn(async move {
            sleep(delay).await;
            arrives.await;
        });
    }
}

fn version(number: u64) -> Version {
    Version::from_store(number.to_string())
}

fn holds(write: &Write, documents: &Documents) -> bool {
    match &write.when {
        When::Always => true,
        When::Absent => documents.body(&write.key).is_none(),
        When::Is(version) => {
            documents.version(&write.key).is_some_and(|number| number.to_string() == version.as_store())
        }
    }
}

/// What one run sees of the host.
struct Door {
    host: Arc<Host>,
    /// Of the delivery that the run handles.
    receipt: Option<u64>,
}

impl Port for Door {
    fn perform(&self, operation: Operation, _: &'static Location<'static>) -> Answer {
        let (host, receipt) = (self.host.clone(), self.receipt);
        Box::pin(async move { host.perform(operation, receipt).await })
    }

    fn draw(&self) -> u128 {
        let number = self.host.drawn.fetch_add(1, Ordering::Relaxed);
        let chance: u64 = self.host.chance.lock().expect("nobody panics with it").random();
        u128::from(chance) << 64 | u128::from(number)
    }

    fn now_millis(&self) -> u64 {
        self.host.began.elapsed().as_millis() as u64 * u64::from(self.host.tempo.speed)
    }
}
