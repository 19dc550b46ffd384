//! A small live host: one document store and one broker in memory, real time, real threads, and faults by a seeded
//! generator. Only for tests; it shows that a handler needs nothing of the explorer.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Cell};
use std::time::Duration;

use explorer::Handler;
use kit::documents::{Docs, Version, When};
use kit::errors::{SendErr, StoreErr};
use kit::port::{Answer, Failure, Operation, Port, Reply, Write};
use kit::{Cx, Delivery, Msg};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sim::documents::{Remembers, admissible};
use sim::{Copy, Documents, Limits, Queue};
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep, sleep_until};

/// How long a worker may hold a copy before another gets it.
const VISIBILITY_TIMEOUT: Duration = Duration::from_millis(40);
/// How long an operation takes, at most.
const LATENCY_MAX: Duration = Duration::from_micros(400);

/// How often something goes wrong, in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Odds {
    /// An operation is refused before it does anything.
    pub(crate) refused: u32,
    /// An operation's outcome stays unknown; half of those took effect.
    pub(crate) unknown: u32,
    /// A message that is sent arrives twice.
    pub(crate) duplicate: u32,
    /// A worker dies while it handles a delivery.
    pub(crate) crash: u32,
    /// An ack never arrives.
    pub(crate) ack_lost: u32,
    /// A worker is so slow that its copy's lock expires while it works.
    pub(crate) slow: u32,
}

/// What went wrong, so that a test can tell that it did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Struck {
    pub(crate) refused: u32,
    pub(crate) took_effect: u32,
    pub(crate) had_no_effect: u32,
    pub(crate) duplicates: u32,
    pub(crate) crashes: u32,
    pub(crate) acks_lost: u32,
    pub(crate) expired: u32,
}

#[derive(Default)]
struct Broker {
    queues: BTreeMap<String, Queue>,
    /// Copies in the hands of a worker: who has it, until when, which.
    locked: BTreeMap<u64, (Instant, String, Copy)>,
    receipts: u64,
    copies: u8,
}

impl Broker {
    fn enqueue(&mut self, queue: &str, msg: Arc<Msg>) {
        // Told apart, so that two copies of one message are two.
        self.copies = self.copies.wrapping_add(1);
        let copy = Copy::of(msg, self.copies);
        let queue = self.queues.entry(queue.to_owned()).or_default();
        *queue = queue.with(copy);
    }

    /// Copies whose lock has expired are visible again; how many.
    fn expire(&mut self) -> u32 {
        let now = Instant::now();
        let late: Vec<u64> = self.locked.iter().filter(|(_, (until, ..))| *until <= now).map(|(at, _)| *at).collect();
        for receipt in &late {
            if let Some((_, queue, copy)) = self.locked.remove(receipt) {
                let queue = self.queues.entry(queue).or_default();
                *queue = queue.with(copy);
            }
        }
        late.len() as u32
    }
}

/// Store, broker, clock, chance.
pub(crate) struct Host {
    documents: Mutex<Documents>,
    broker: Mutex<Broker>,
    arrived: Notify,
    chance: Cell<SmallRng>,
    odds: Odds,
    struck: Cell<Struck>,
    began: Instant,
    drawn: AtomicU64,
}

impl Host {
    pub(crate) fn new(seed: u64, odds: Odds) -> Arc<Host> {
        Arc::new(Host {
            documents: Mutex::default(),
            broker: Mutex::default(),
            arrived: Notify::new(),
            chance: Cell::new(SmallRng::seed_from_u64(seed)),
            odds,
            struck: Cell::default(),
            began: Instant::now(),
            drawn: AtomicU64::new(0),
        })
    }

    fn below(&self, end: u32) -> u32 {
        self.chance.lock().expect("nobody panics with it").random_range(0..end)
    }

    fn strikes(&self, percent: u32) -> bool {
        self.below(100) < percent
    }

    fn note(&self, note: impl FnOnce(&mut Struck)) {
        note(&mut self.struck.lock().expect("nobody panics with it"));
    }

    /// What went wrong so far.
    pub(crate) fn struck(&self) -> Struck {
        *self.struck.lock().expect("nobody panics with it")
    }

    /// Puts a message into a queue, as a client would whose send is always answered.
    pub(crate) async fn publish(&self, queue: &str, msg: Msg) {
        self.broker.lock().await.enqueue(queue, Arc::new(msg));
        self.arrived.notify_one();
    }

    /// The documents.
    pub(crate) async fn docs(&self) -> Docs {
        self.documents.lock().await.docs()
    }

    /// What was sent to a queue that nobody consumes.
    pub(crate) async fn sent(&self, queue: &str) -> Vec<Msg> {
        let broker = self.broker.lock().await;
        let copies = broker.queues.get(queue).map(Queue::visible).unwrap_or_default();
        copies.iter().map(|copy| (*copy.msg).clone()).collect()
    }

    /// Waits until a queue is empty and nobody holds a copy of it.
    pub(crate) async fn drained(&self, queue: &str) {
        loop {
            {
                let broker = self.broker.lock().await;
                let waiting = broker.queues.get(queue).is_some_and(|queue| !queue.is_empty());
                if !waiting && broker.locked.values().all(|(_, of, _)| of != queue) {
                    return;
                }
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Handles the messages of a queue, for ever.
    pub(crate) async fn work(self: Arc<Self>, queue: &'static str, handler: Handler) {
        loop {
            let Some((receipt, copy)) = self.receive(queue).await else { continue };
            let delivery = Delivery { msg: (*copy.msg).clone(), queue: queue.to_owned() };
            let cx = Cx::new(Arc::new(Door { host: self.clone(), receipt }));
            let mut run = handler(cx, delivery);
            if self.strikes(self.odds.crash) {
                // The node dies in the middle: its future is dropped, wherever it is.
                let dies_at = Instant::now() + Duration::from_micros(u64::from(self.below(1_500)));
                tokio::select! {
                    biased;
                    () = sleep_until(dies_at) => self.note(|struck| struck.crashes += 1),
                    _ = &mut run => self.note(|struck| struck.crashes += 1), // after its end, before the ack
                }
                continue;
            }
            if self.strikes(self.odds.slow) {
                sleep(VISIBILITY_TIMEOUT * 2).await;
            }
            match run.await {
                Ok(()) if self.strikes(self.odds.ack_lost) => self.note(|struck| struck.acks_lost += 1),
                Ok(()) => self.ack(receipt).await,
                Err(_) => self.give_back(receipt).await,
            }
        }
    }

    async fn receive(&self, queue: &str) -> Option<(u64, Copy)> {
        {
            let mut broker = self.broker.lock().await;
            let expired = broker.expire();
            self.note(|struck| struck.expired += expired);
            let here = broker.queues.get(queue).cloned().unwrap_or_default();
            if !here.visible().is_empty() {
                let which = self.below(here.visible().len() as u32) as usize;
                let copy = here.visible()[which].clone();
                broker.queues.insert(queue.to_owned(), here.without(&copy));
                broker.receipts += 1;
                let receipt = broker.receipts;
                let until = Instant::now() + VISIBILITY_TIMEOUT;
                broker.locked.insert(receipt, (until, queue.to_owned(), copy.clone()));
                return Some((receipt, copy));
            }
        }
        // Whoever waits also looks for locks that have expired.
        let _ = tokio::time::timeout(VISIBILITY_TIMEOUT / 4, self.arrived.notified()).await;
        None
    }

    /// A late ack, with a lock that is no longer the worker's own, removes nothing.
    async fn ack(&self, receipt: u64) {
        self.broker.lock().await.locked.remove(&receipt);
    }

    async fn give_back(&self, receipt: u64) {
        let mut broker = self.broker.lock().await;
        if let Some((_, queue, copy)) = broker.locked.remove(&receipt) {
            let queue = broker.queues.entry(queue).or_default();
            *queue = queue.with(copy);
        }
    }

    async fn perform(&self, operation: Operation, receipt: u64) -> Result<Reply, Failure> {
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

    async fn take_effect(&self, operation: Operation, receipt: u64) -> Result<Reply, Failure> {
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
                let written = documents.apply(&writes, Remembers { versions: true, previous: false });
                *documents = written.documents;
                Ok(Reply::Written(written.versions.into_iter().map(version).collect()))
            }
            Operation::Send { queue, msg, delay } => {
                sleep(delay).await;
                let msg = Arc::new(msg);
                let mut broker = self.broker.lock().await;
                broker.enqueue(&queue, msg.clone());
                if self.strikes(self.odds.duplicate) {
                    self.note(|struck| struck.duplicates += 1);
                    broker.enqueue(&queue, msg);
                }
                self.arrived.notify_one();
                Ok(Reply::Done)
            }
            Operation::Ack => {
                self.ack(receipt).await;
                Ok(Reply::Done)
            }
            Operation::Sleep { delay } => {
                sleep(delay).await;
                Ok(Reply::Done)
            }
            Operation::Call { service, .. } => unreachable!("this host has no services, so nobody calls {service}"),
            Operation::Request { host, .. } => unreachable!("this host has no web, so nobody asks {host}"),
        }
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
    receipt: u64,
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
        self.host.began.elapsed().as_millis() as u64
    }
}
