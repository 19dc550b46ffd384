//! What can go wrong, and whether it happened.
//!
//! Every error is either *definite* (nothing happened) or *indefinite* (it happened, or it did not, and the
//! caller cannot tell). The distinction is the one that Maelstrom's error table makes
//! (jepsen-io/maelstrom, `resources/errors.edn`).

use std::fmt;

/// Why the document store did not say yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreErr {
    /// Definite: the condition did not hold, nothing was written. Load again, then decide again.
    Conflict,
    /// Definite: the store refused before it did anything. Try again later.
    Throttled,
    /// Definite: a document is larger than the store's item limit, nothing was written.
    TooLarge,
    /// Definite: a batch named documents of more than one partition, nothing was written.
    CrossPartition,
    /// Indefinite: the operation took effect, or it did not.
    Unknown,
}

impl StoreErr {
    /// True where nothing happened; false where nobody can tell.
    pub fn is_definite(self) -> bool {
        self != StoreErr::Unknown
    }
}

impl fmt::Display for StoreErr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreErr::Conflict => "conflict: the condition did not hold, nothing was written",
            StoreErr::Throttled => "throttled: the store refused, nothing was done",
            StoreErr::TooLarge => "too large: over the store's item limit, nothing was written",
            StoreErr::CrossPartition => "cross-partition: a batch may touch one partition only, nothing was written",
            StoreErr::Unknown => "unknown: it was done, or it was not",
        })
    }
}

impl std::error::Error for StoreErr {}

/// Why the bus did not say yes to a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SendErr {
    /// Definite: the message was not enqueued.
    Refused,
    /// Indefinite: the message was enqueued, or it was not.
    Unknown,
}

impl SendErr {
    /// True where nothing happened; false where nobody can tell.
    pub fn is_definite(self) -> bool {
        self != SendErr::Unknown
    }
}

impl fmt::Display for SendErr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendErr::Refused => "refused: the message was not enqueued",
            SendErr::Unknown => "unknown: the message was enqueued, or it was not",
        })
    }
}

impl std::error::Error for SendErr {}

/// Why an ack did not get its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AckErr {
    /// Indefinite: the copy was removed, or it will come again.
    Unknown,
}

impl fmt::Display for AckErr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown: the copy was removed, or it will come again")
    }
}

impl std::error::Error for AckErr {}

/// Why a call to a service has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallErr {
    /// Definite: the service refused before it did anything.
    Refused,
    /// Indefinite: the service did it, or it did not.
    Unknown,
}

impl CallErr {
    /// True where nothing happened; false where nobody can tell.
    pub fn is_definite(self) -> bool {
        self != CallErr::Unknown
    }
}

impl fmt::Display for CallErr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CallErr::Refused => "refused: the service did nothing",
            CallErr::Unknown => "unknown: the service did it, or it did not",
        })
    }
}

impl std::error::Error for CallErr {}

/// Why a request has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HttpErr {
    /// Indefinite: the server has done it, or has not, or will still do it when the request arrives late.
    NoAnswer,
}

impl fmt::Display for HttpErr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer: the server has done it, or has not, or will do it yet")
    }
}

impl std::error::Error for HttpErr {}

/// A handler's way to say: not done, deliver it again. The reason is printed in the story.
///
/// Every error of the kit turns into a `Retry` with `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    reason: String,
}

impl Retry {
    /// Not done, for this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Retry { reason: reason.into() }
    }

    /// Why the handler gave the message back.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

macro_rules! retry_from {
    ($($error:ty),*) => {$(
        impl From<$error> for Retry {
            fn from(error: $error) -> Self {
                Retry::because(error.to_string())
            }
        }
    )*};
}
retry_from!(StoreErr, SendErr, AckErr, CallErr, HttpErr, serde_json::Error);
