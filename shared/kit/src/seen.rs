//! [`SeenStore`]: the ids of the messages that were handled, in a place of their own (exercise 13).

use std::future::Future;

use crate::documents::{DocumentStore, When};
use crate::errors::StoreErr;
use crate::message::MsgId;

/// `cx.seen`: remembers ids. Each is a document of the partition `seen`, so no batch holds it and an entity together.
#[derive(Clone)]
pub struct SeenStore {
    pub(crate) docs: DocumentStore,
}

impl SeenStore {
    /// Whether this id was inserted. Strong: sees every insert that was answered.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (no answer).
    #[track_caller]
    pub fn contains(&self, id: &MsgId) -> impl Future<Output = Result<bool, StoreErr>> + Send + use<> {
        let read = self.docs.get::<bool>(&key(id));
        async move { Ok(read.await?.is_some()) }
    }

    /// Whether this id was inserted, as a read says that may be older than the last insert (a weak read).
    ///
    /// # Errors
    /// As [`contains`](Self::contains).
    #[track_caller]
    pub fn contains_stale(&self, id: &MsgId) -> impl Future<Output = Result<bool, StoreErr>> + Send + use<> {
        let read = self.docs.get_stale::<bool>(&key(id));
        async move { Ok(read.await?.is_some()) }
    }

    /// Inserts an id; twice is once.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (indefinite).
    #[track_caller]
    pub fn insert(&self, id: &MsgId) -> impl Future<Output = Result<(), StoreErr>> + Send + use<> {
        let write = self.docs.put(&key(id), &true, When::Always);
        async move { write.await.map(drop) }
    }
}

/// The key of the document that remembers an id: whoever evicts old ids deletes it.
pub fn key(id: &MsgId) -> String {
    format!("seen/{id}")
}
