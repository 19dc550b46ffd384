//! A document's version, and conditions on it: optimistic concurrency.

use std::fmt;
use std::sync::Arc;

/// The version of a document as it was read: opaque, only good for [`When::Is`].
///
/// Versions are never reused, even when a document is deleted and created again. In other products:
/// `_etag` (Cosmos DB), a version attribute with a condition (DynamoDB).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// A version by the name that a store gave it. Only stores make versions.
    pub fn from_store(name: impl Into<Arc<str>>) -> Self {
        Version(name.into())
    }

    /// The store's own name of this version.
    pub fn as_store(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Opaque in logs too: a handler whose messages depended on a version's name could not be checked.
        f.write_str("Version")
    }
}

/// The condition under which a write takes effect; otherwise it is a [`StoreErr::Conflict`](crate::StoreErr::Conflict).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// Only if there is no document under the key.
    Absent,
    /// Only if the document is still the one that was read with this version (optimistic concurrency).
    Is(Version),
    /// Whatever is there now. The last writer wins.
    Always,
}
