//! [`TokenStore`]: a message is handled only while its token exists (exercise 15).

use std::future::Future;

use crate::documents::{DocumentStore, When};
use crate::errors::StoreErr;

/// The header in which a message carries its token.
pub const TOKEN: &str = "token";

/// `cx.tokens`: tokens, each a document of the partition `tokens`, so no batch holds a token and an entity together.
#[derive(Clone)]
pub struct TokenStore {
    pub(crate) docs: DocumentStore,
}

impl TokenStore {
    /// Creates a token that does not exist.
    ///
    /// # Errors
    /// Definite: [`StoreErr::Conflict`] (it exists), [`StoreErr::Throttled`]. Indefinite: [`StoreErr::Unknown`].
    #[track_caller]
    pub fn create(&self, token: &str) -> impl Future<Output = Result<(), StoreErr>> + Send + use<> {
        let write = self.docs.put(&key(token), &true, When::Absent);
        async move { write.await.map(drop) }
    }

    /// Whether a token exists. Strong.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (no answer).
    #[track_caller]
    pub fn exists(&self, token: &str) -> impl Future<Output = Result<bool, StoreErr>> + Send + use<> {
        let read = self.docs.get::<bool>(&key(token));
        async move { Ok(read.await?.is_some()) }
    }

    /// Deletes a token; one that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (indefinite).
    #[track_caller]
    pub fn delete(&self, token: &str) -> impl Future<Output = Result<(), StoreErr>> + Send + use<> {
        self.docs.delete(&key(token), When::Always)
    }
}

/// The key of the document that a token is.
pub fn key(token: &str) -> String {
    format!("tokens/{token}")
}
