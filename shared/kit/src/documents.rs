//! Documents: JSON under a key, each with a version that changes on every write.
//!
//! A key is text such as `"shopper-1/cart"`. What stands before the first `/` is its *partition*; a key
//! without `/` is a partition of its own. A batch is atomic, and stays in one partition.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::StoreErr;
use crate::port::{Change, Failure, Operation, Port, Reply, Write};
pub use crate::version::{Version, When};

/// `cx.docs`: reads and writes documents.
#[derive(Clone)]
pub struct DocumentStore {
    pub(crate) port: Arc<dyn Port>,
}

impl DocumentStore {
    /// Reads a document and its version; `None` if there is none. Strong: sees every write that was answered.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (of a read: no answer).
    ///
    /// # Panics
    /// If the document is not a `T`.
    #[track_caller]
    pub fn get<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<(T, Version)>, StoreErr>> + Send + use<T> {
        self.read(key, false)
    }

    /// Reads a document that may be older than the last write (a weak, or eventually consistent, read).
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn get_stale<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<(T, Version)>, StoreErr>> + Send + use<T> {
        self.read(key, true)
    }

    #[track_caller]
    fn read<T: DeserializeOwned>(
        &self,
        key: &str,
        weak: bool,
    ) -> impl Future<Output = Result<Option<(T, Version)>, StoreErr>> + Send + use<T> {
        let key = key.to_owned();
        let reply = self.port.perform(Operation::Get { key: key.clone(), weak }, Location::caller());
        async move {
            match reply.await {
                Ok(Reply::Document(None)) => Ok(None),
                Ok(Reply::Document(Some((body, version)))) => Ok(Some((decode(&key, &body), version))),
                Ok(other) => unreachable!("the world answered a get with {other:?}"),
                Err(failure) => Err(failure.into_store()),
            }
        }
    }

    /// The keys of all documents of a partition, in order. Strong: sees every write that was answered.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (no answer).
    #[track_caller]
    pub fn list(&self, partition: &str) -> impl Future<Output = Result<Vec<String>, StoreErr>> + Send + use<> {
        let reply = self.port.perform(Operation::List { partition: partition.to_owned() }, Location::caller());
        async move {
            match reply.await {
                Ok(Reply::Keys(keys)) => Ok(keys),
                Ok(other) => unreachable!("the world answered a list with {other:?}"),
                Err(failure) => Err(failure.into_store()),
            }
        }
    }

    /// Writes a document if the condition holds, and returns its new version.
    ///
    /// # Errors
    /// Definite: [`StoreErr::Conflict`], [`StoreErr::Throttled`], [`StoreErr::TooLarge`].
    /// Indefinite: [`StoreErr::Unknown`].
    #[track_caller]
    pub fn put<T: Serialize + ?Sized>(
        &self,
        key: &str,
        document: &T,
        when: When,
    ) -> impl Future<Output = Result<Version, StoreErr>> + Send + use<T> {
        let write = Write { key: key.to_owned(), change: Change::Put(encode(key, document)), when };
        let reply = self.port.perform(Operation::Write { batch: None, writes: vec![write] }, Location::caller());
        async move { Ok(written(reply.await)?.pop().expect("one version for one put")) }
    }

    /// Deletes a document if the condition holds. Deleting what is not there is a success under
    /// [`When::Always`] and [`When::Absent`], and a conflict under [`When::Is`].
    ///
    /// # Errors
    /// Definite: [`StoreErr::Conflict`], [`StoreErr::Throttled`]. Indefinite: [`StoreErr::Unknown`].
    #[track_caller]
    pub fn delete(&self, key: &str, when: When) -> impl Future<Output = Result<(), StoreErr>> + Send + use<> {
        let write = Write { key: key.to_owned(), change: Change::Delete, when };
        let reply = self.port.perform(Operation::Write { batch: None, writes: vec![write] }, Location::caller());
        async move { written(reply.await).map(drop) }
    }

    /// Starts a batch: writes of one partition that take effect together or not at all.
    pub fn batch(&self, partition: impl Into<String>) -> Batch {
        Batch { port: self.port.clone(), partition: partition.into(), writes: Vec::new() }
    }
}

/// Writes of one partition that take effect together or not at all. Nothing happens before
/// [`commit`](Self::commit).
#[must_use = "a batch does nothing until it is committed"]
pub struct Batch {
    port: Arc<dyn Port>,
    partition: String,
    writes: Vec<Write>,
}

impl Batch {
    /// Adds a put.
    pub fn put<T: Serialize + ?Sized>(mut self, key: &str, document: &T, when: When) -> Self {
        self.writes.push(Write { key: key.to_owned(), change: Change::Put(encode(key, document)), when });
        self
    }

    /// Adds a delete.
    pub fn delete(mut self, key: &str, when: When) -> Self {
        self.writes.push(Write { key: key.to_owned(), change: Change::Delete, when });
        self
    }

    /// Writes all of it if every condition holds; returns a version for each put, in order.
    ///
    /// # Errors
    /// Definite: [`StoreErr::Conflict`], [`StoreErr::Throttled`], [`StoreErr::TooLarge`] (the batch, or one of
    /// its documents), [`StoreErr::CrossPartition`]. Indefinite: [`StoreErr::Unknown`].
    #[track_caller]
    pub fn commit(self) -> impl Future<Output = Result<Vec<Version>, StoreErr>> + Send + use<> {
        let operation = Operation::Write { batch: Some(self.partition), writes: self.writes };
        let reply = self.port.perform(operation, Location::caller());
        async move { written(reply.await) }
    }
}

/// The documents as they are at one moment: what a `view` reads. Nothing can change them here.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Docs {
    documents: BTreeMap<String, Arc<str>>,
}

impl Docs {
    /// The documents of a store, as pairs of key and JSON.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, Arc<str>)>) -> Self {
        Docs { documents: pairs.into_iter().collect() }
    }

    /// The document under this key.
    ///
    /// # Panics
    /// If the document is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.documents.get(key).map(|body| decode(key, body))
    }

    /// All documents whose key starts with `prefix`, in order of their keys.
    ///
    /// # Panics
    /// If one of them is not a `T`.
    pub fn list<T: DeserializeOwned>(&self, prefix: &str) -> Vec<(String, T)> {
        self.pairs()
            .filter(|(key, _)| key.starts_with(prefix))
            .map(|(key, body)| (key.to_owned(), decode(key, body)))
            .collect()
    }

    /// Every key with its JSON, in order of the keys.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.documents.iter().map(|(key, body)| (key.as_str(), &**body))
    }
}

/// The partition of a key: what stands before the first `/`.
pub fn partition(key: &str) -> &str {
    key.split_once('/').map_or(key, |(partition, _)| partition)
}

fn encode<T: Serialize + ?Sized>(key: &str, document: &T) -> Arc<str> {
    match serde_json::to_string(document) {
        Ok(body) => body.into(),
        Err(error) => panic!("the document for key {key:?} cannot be written as JSON: {error}"),
    }
}

fn decode<T: DeserializeOwned>(key: &str, body: &str) -> T {
    match serde_json::from_str(body) {
        Ok(document) => document,
        Err(error) => {
            panic!("the document under key {key:?} is not a {}: {error}\n  it is {body}", std::any::type_name::<T>())
        }
    }
}

fn written(reply: Result<Reply, Failure>) -> Result<Vec<Version>, StoreErr> {
    match reply {
        Ok(Reply::Written(versions)) => Ok(versions),
        Ok(other) => unreachable!("the world answered a write with {other:?}"),
        Err(failure) => Err(failure.into_store()),
    }
}
