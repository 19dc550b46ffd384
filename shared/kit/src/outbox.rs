//! [`OutboxStore`]: outgoing messages in documents of their own (exercise 14).

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::documents::{DocumentStore, When};
use crate::errors::StoreErr;
use crate::logic::Wire;
use crate::message::MsgId;

/// What one message has to say, kept until it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The message that says it.
    pub owner: MsgId,
    /// What it says, in order.
    pub msgs: Vec<Wire>,
}

/// `cx.outbox`: records under an id of their own, each a document of the partition `outbox`, so no batch holds a record
/// and an entity together.
#[derive(Clone)]
pub struct OutboxStore {
    pub(crate) docs: DocumentStore,
}

impl OutboxStore {
    /// Writes a record; twice the same is once.
    ///
    /// # Errors
    /// Definite: [`StoreErr::Throttled`], [`StoreErr::TooLarge`]. Indefinite: [`StoreErr::Unknown`].
    #[track_caller]
    pub fn put(&self, tx: &str, record: &Record) -> impl Future<Output = Result<(), StoreErr>> + Send + use<> {
        let write = self.docs.put(&key(tx), record, When::Always);
        async move { write.await.map(drop) }
    }

    /// The record, if there is one. Strong.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (no answer).
    #[track_caller]
    pub fn get(&self, tx: &str) -> impl Future<Output = Result<Option<Record>, StoreErr>> + Send + use<> {
        let read = self.docs.get::<Record>(&key(tx));
        async move { Ok(read.await?.map(|(record, _)| record)) }
    }

    /// The record, as a read says that may be older than the last write (a weak read).
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn get_stale(&self, tx: &str) -> impl Future<Output = Result<Option<Record>, StoreErr>> + Send + use<> {
        let read = self.docs.get_stale::<Record>(&key(tx));
        async move { Ok(read.await?.map(|(record, _)| record)) }
    }

    /// The ids of all records, in order. Strong.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn list(&self) -> impl Future<Output = Result<Vec<String>, StoreErr>> + Send + use<> {
        let read = self.docs.list(PARTITION);
        async move { Ok(read.await?.iter().filter_map(|key| key.split_once('/')).map(|(_, tx)| tx.to_owned()).collect()) }
    }

    /// Deletes a record; one that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (indefinite).
    #[track_caller]
    pub fn delete(&self, tx: &str) -> impl Future<Output = Result<(), StoreErr>> + Send + use<> {
        self.docs.delete(&key(tx), When::Always)
    }
}

/// The key of the document of a record.
pub fn key(tx: &str) -> String {
    format!("{PARTITION}/{tx}")
}

/// The partition of all records.
const PARTITION: &str = "outbox";
