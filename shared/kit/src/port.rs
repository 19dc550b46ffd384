//! The other side of [`Cx`](crate::Cx): what a world must offer. Exercises need nothing of this module.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::errors::{AckErr, CallErr, HttpErr, SendErr, StoreErr};
use crate::http::{Request, Response};
use crate::message::Msg;
use crate::version::{Version, When};

/// The answer to come of one operation.
pub type Answer = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// A world, as a handler's operations reach it.
pub trait Port: Send + Sync {
    /// Prepares an operation. It starts when the answer is first polled, as with every future.
    fn perform(&self, operation: Operation, called_from: &'static Location<'static>) -> Answer;
    /// A number that no other attempt gets: 128 well-mixed bits.
    fn draw(&self) -> u128;
    /// The world's clock, in milliseconds since it began.
    fn now_millis(&self) -> u64;
}

/// What a handler asks of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Read one document; a weak read may be stale.
    Get {
        /// Which document.
        key: String,
        /// May the answer be older than the last write?
        weak: bool,
    },
    /// The keys of a partition's documents. Strong.
    List {
        /// Which partition.
        partition: String,
    },
    /// One write, or a batch of one partition, all or nothing.
    Write {
        /// The partition of a batch; `None` for a single write.
        batch: Option<String>,
        /// What to write, in order.
        writes: Vec<Write>,
    },
    /// Send a message.
    Send {
        /// Where to.
        queue: String,
        /// What.
        msg: Msg,
        /// Not to be received before this has passed.
        delay: Duration,
    },
    /// Ack the delivery that the handler holds.
    Ack,
    /// Wait until this much time has passed on the world's clock.
    Sleep {
        /// How long.
        delay: Duration,
    },
    /// Call somebody else's system.
    Call {
        /// Which.
        service: String,
        /// The request, as JSON text.
        request: String,
    },
    /// Send a request over HTTP, and wait for its response.
    Request {
        /// To which host.
        host: String,
        /// What.
        request: Request,
    },
}

/// One write under its condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write {
    /// Which document.
    pub key: String,
    /// What becomes of it.
    pub change: Change,
    /// Under which condition.
    pub when: When,
}

/// What becomes of a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It gets this body, as JSON text.
    Put(Arc<str>),
    /// It goes away.
    Delete,
}

/// What the world says to an operation that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// To a read: the document's JSON text and its version.
    Document(Option<(Arc<str>, Version)>),
    /// To a list: the keys, in order.
    Keys(Vec<String>),
    /// To a write: the new version of each put, in order.
    Written(Vec<Version>),
    /// To a send, an ack or a sleep.
    Done,
    /// To a call: the answer, as JSON text.
    Answer(Arc<str>),
    /// To a request.
    Response(Response),
}

/// What the world says to an operation that failed, or that nobody knows about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Of a read or a write.
    Store(StoreErr),
    /// Of a send.
    Send(SendErr),
    /// Of an ack.
    Ack(AckErr),
    /// Of a call.
    Call(CallErr),
    /// Of a request.
    Http(HttpErr),
}

impl Failure {
    /// True where nothing happened; false where nobody can tell.
    pub fn is_definite(self) -> bool {
        match self {
            Failure::Store(error) => error.is_definite(),
            Failure::Send(error) => error.is_definite(),
            Failure::Ack(AckErr::Unknown) => false,
            Failure::Call(error) => error.is_definite(),
            Failure::Http(HttpErr::NoAnswer) => false,
        }
    }

    pub(crate) fn into_store(self) -> StoreErr {
        match self {
            Failure::Store(error) => error,
            other => unreachable!("the world failed a store operation with {other:?}"),
        }
    }

    pub(crate) fn into_send(self) -> SendErr {
        match self {
            Failure::Send(error) => error,
            other => unreachable!("the world failed a send with {other:?}"),
        }
    }

    pub(crate) fn into_call(self) -> CallErr {
        match self {
            Failure::Call(error) => error,
            other => unreachable!("the world failed a call with {other:?}"),
        }
    }

    pub(crate) fn into_http(self) -> HttpErr {
        match self {
            Failure::Http(error) => error,
            other => unreachable!("the world failed a request with {other:?}"),
        }
    }
}
