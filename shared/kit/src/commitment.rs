//! A transaction over several databases: participants that promise before they commit, and a coordinator's log.
//!
//! Two-phase commit, as exercise 02 needs it. Participants and log are [`services`](crate::services): somebody
//! else's systems, which keep what they answered, but can be refused, lost or out.

use std::future::Future;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::Cx;
use crate::errors::CallErr;
use crate::services::call;

/// What a participant answers when it is asked to prepare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// A promise: it holds its lock, and commits or aborts as it is told, whenever that is.
    Yes,
    /// It has aborted this transaction.
    No,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Everywhere.
    Commit,
    /// Nowhere.
    Abort,
}

/// What a participant does when it voted and has not heard of a decision for ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// It holds its lock, and goes on waiting.
    Wait,
    /// It aborts, and lets the next transaction have its lock.
    GiveUp,
}

/// What a participant can be asked for; the text is the name of the transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Can you commit this, whatever happens from now on?
    Prepare(String),
    /// Commit it.
    Commit(String),
    /// Abort it.
    Abort(String),
}

/// A database of another team that takes part in transactions.
///
/// It remembers what it answered. It votes once on each transaction: a second `prepare` of the same one is
/// answered with no, and changes nothing (in XA, a protocol error).
#[derive(Clone, Debug)]
pub struct Participant {
    service: String,
}

impl Participant {
    /// The participant behind this service.
    pub fn new(service: &str) -> Self {
        Participant { service: service.to_owned() }
    }

    /// Asks for a promise. Yes: it holds its lock, and waits. No: it has aborted; another transaction holds the
    /// lock, or there is nothing left to sell, or it voted before.
    ///
    /// # Errors
    /// [`CallErr::Refused`] (definite: it did not hear the question) or [`CallErr::Unknown`] (indefinite: it may
    /// have promised).
    #[track_caller]
    pub fn prepare(&self, cx: &Cx, transaction: &str) -> impl Future<Output = Result<Vote, CallErr>> + Send + use<> {
        call(cx, &self.service, &Request::Prepare(transaction.to_owned()))
    }

    /// Tells it to commit what it promised. Again, or without a promise: changes nothing.
    ///
    /// # Errors
    /// [`CallErr::Refused`] (definite) or [`CallErr::Unknown`] (indefinite).
    #[track_caller]
    pub fn commit(&self, cx: &Cx, transaction: &str) -> impl Future<Output = Result<(), CallErr>> + Send + use<> {
        call(cx, &self.service, &Request::Commit(transaction.to_owned()))
    }

    /// Tells it to abort, whether it promised or was never asked. Again, or after a commit: changes nothing.
    ///
    /// # Errors
    /// [`CallErr::Refused`] (definite) or [`CallErr::Unknown`] (indefinite).
    #[track_caller]
    pub fn abort(&self, cx: &Cx, transaction: &str) -> impl Future<Output = Result<(), CallErr>> + Send + use<> {
        call(cx, &self.service, &Request::Abort(transaction.to_owned()))
    }
}

/// What a log can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogRequest {
    /// Write this record behind the others of a transaction, if it is not there yet.
    Append(String, serde_json::Value),
    /// Read the records of a transaction, the oldest first.
    Read(String),
}

/// A coordinator's log: what it answered survives every crash of the coordinator.
#[derive(Clone, Debug)]
pub struct Log {
    service: String,
}

impl Log {
    /// The log behind this service.
    pub fn new(service: &str) -> Self {
        Log { service: service.to_owned() }
    }

    /// Writes a record behind the others of this transaction. A record that is there already is not written twice.
    ///
    /// # Errors
    /// [`CallErr::Refused`] (definite) or [`CallErr::Unknown`] (indefinite: it is written, or it is not).
    ///
    /// # Panics
    /// If the record cannot be written as JSON.
    #[track_caller]
    pub fn append<R: Serialize + ?Sized>(
        &self,
        cx: &Cx,
        transaction: &str,
        record: &R,
    ) -> impl Future<Output = Result<(), CallErr>> + Send + use<R> {
        let record = serde_json::to_value(record)
            .unwrap_or_else(|error| panic!("the record of {transaction} cannot be written as JSON: {error}"));
        call(cx, &self.service, &LogRequest::Append(transaction.to_owned(), record))
    }

    /// The records of this transaction, the oldest first; none if nothing was written.
    ///
    /// # Errors
    /// [`CallErr::Refused`] or [`CallErr::Unknown`]; of a read, both mean: no answer.
    ///
    /// # Panics
    /// If a record is not an `R`.
    #[track_caller]
    pub fn read<R: DeserializeOwned>(
        &self,
        cx: &Cx,
        transaction: &str,
    ) -> impl Future<Output = Result<Vec<R>, CallErr>> + Send + use<R> {
        call(cx, &self.service, &LogRequest::Read(transaction.to_owned()))
    }
}
