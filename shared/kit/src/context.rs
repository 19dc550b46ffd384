//! [`Cx`]: the one door from a handler to the world.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use uuid::Uuid;

use crate::blobs::BlobStore;
use crate::bus::Bus;
use crate::documents::DocumentStore;
use crate::http::Http;
use crate::outbox::OutboxStore;
use crate::port::{Operation, Port};
use crate::seen::SeenStore;
use crate::tokens::TokenStore;

/// A random number generator for one use; see [`Cx::rng`].
pub type Rng = rand::rngs::SmallRng;

/// A moment on the world's clock.
///
/// Unit: milliseconds since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The moment that many milliseconds after the world began.
    pub const fn from_millis(millis: u64) -> Self {
        Time(millis)
    }

    /// Milliseconds since the world began.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl std::ops::Add<Duration> for Time {
    type Output = Time;
    fn add(self, duration: Duration) -> Time {
        Time(self.0 + duration.as_millis() as u64)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.0 as f64 / 1000.0)
    }
}

/// The context of one run of a handler: documents, bus, ids, clock and randomness.
///
/// The same handler runs against any [`Port`]: the explorer's, which tries every schedule and every fault,
/// or a live one, over real parts.
#[derive(Clone)]
pub struct Cx {
    /// Reads and writes documents.
    pub docs: DocumentStore,
    /// Sends messages.
    pub bus: Bus,
    /// Remembers the ids of handled messages (exercise 13).
    pub seen: SeenStore,
    /// Keeps outgoing messages (exercise 14).
    pub outbox: OutboxStore,
    /// Keeps tokens (exercise 15).
    pub tokens: TokenStore,
    /// Keeps blobs (exercise 16).
    pub blobs: BlobStore,
    /// Calls other systems over HTTP (exercise 18).
    pub http: Http,
}

impl Cx {
    /// A context that leads to this world.
    pub fn new(port: Arc<dyn Port>) -> Self {
        let docs = DocumentStore { port: port.clone() };
        Cx {
            docs: docs.clone(),
            bus: Bus { port: port.clone() },
            seen: SeenStore { docs: docs.clone() },
            outbox: OutboxStore { docs: docs.clone() },
            tokens: TokenStore { docs: docs.clone() },
            blobs: BlobStore { docs },
            http: Http { port },
        }
    }

    /// A new id. No two attempts, even of the same message, ever get the same one.
    pub fn fresh_id(&self) -> Uuid {
        Uuid::from_u128(self.port().draw())
    }

    /// The time on the world's clock, as this node's clock shows it: nodes differ by some milliseconds, and another
    /// attempt reads another time.
    pub fn now(&self) -> Time {
        Time(self.port().now_millis())
    }

    /// Random numbers. Another attempt gets others.
    pub fn rng(&self) -> Rng {
        Rng::seed_from_u64(self.port().draw() as u64)
    }

    /// Waits until `delay` has passed on the world's clock. Nothing is held or promised meanwhile: a lock may
    /// expire, a node may crash.
    #[track_caller]
    pub fn sleep(&self, delay: Duration) -> impl Future<Output = ()> + Send + use<> {
        let reply = self.port().perform(Operation::Sleep { delay }, Location::caller());
        async move { drop(reply.await) }
    }

    pub(crate) fn port(&self) -> &Arc<dyn Port> {
        &self.docs.port
    }
}
