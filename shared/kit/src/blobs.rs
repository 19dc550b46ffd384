//! [`BlobStore`]: large things under a url (exercise 16).

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::documents::{Docs, DocumentStore, When};
use crate::errors::StoreErr;

/// What a url of a blob begins with in the documents. A blob has no version, and no size limit that matters here.
///
/// Source: Amazon S3 User Guide, "Uploading objects" (one put: up to 5 GB); Azure Blob Storage, "Scalability targets".
pub const PREFIX: &str = "blobs/";

/// `cx.blobs`: uploads, reads and deletes blobs.
#[derive(Clone)]
pub struct BlobStore {
    pub(crate) docs: DocumentStore,
}

/// A blob as the world keeps it: text where it is text, so that a story can be read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stored {
    Text(String),
    Bytes(Vec<u8>),
}

impl Stored {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Stored::Text(text) => text.into_bytes(),
            Stored::Bytes(bytes) => bytes,
        }
    }
}

impl BlobStore {
    /// Writes a blob, over whatever is under this url.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (indefinite).
    #[track_caller]
    pub fn upload(&self, url: &str, bytes: &[u8]) -> impl Future<Output = Result<(), StoreErr>> + Send + use<> {
        let stored = match std::str::from_utf8(bytes) {
            Ok(text) => Stored::Text(text.to_owned()),
            Err(_) => Stored::Bytes(bytes.to_vec()),
        };
        let write = self.docs.put(&key(url), &stored, When::Always);
        async move { write.await.map(drop) }
    }

    /// Reads a blob; `None` if there is none. Strong.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (no answer).
    #[track_caller]
    pub fn read(&self, url: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreErr>> + Send + use<> {
        let read = self.docs.get::<Stored>(&key(url));
        async move { Ok(read.await?.map(|(stored, _)| stored.into_bytes())) }
    }

    /// Deletes a blob; one that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreErr::Throttled`] (definite) or [`StoreErr::Unknown`] (indefinite).
    #[track_caller]
    pub fn delete(&self, url: &str) -> impl Future<Output = Result<(), StoreErr>> + Send + use<> {
        self.docs.delete(&key(url), When::Always)
    }
}

/// Every blob that there is at one moment: url and bytes, in order of the urls.
pub fn all(docs: &Docs) -> Vec<(String, Vec<u8>)> {
    let stored = docs.list::<Stored>(PREFIX).into_iter();
    stored.map(|(key, stored)| (key[PREFIX.len()..].to_owned(), stored.into_bytes())).collect()
}

fn key(url: &str) -> String {
    format!("{PREFIX}{url}")
}
