//! What the document store holds, and what a write does to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kit::documents::{Docs, partition};
use kit::errors::StoreErr;
use kit::port::{Change, Write};

/// The store's limits: properties of the product, set for each scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest document, in bytes of key and JSON together.
    pub item_bytes: usize,
    /// Largest batch, in bytes of all its documents.
    pub batch_bytes: usize,
    /// Most writes in one batch.
    pub batch_writes: usize,
}

impl Limits {
    /// DynamoDB: items of 400 KB, names included; TransactWriteItems takes 100 actions and 4 MB.
    ///
    /// Source: Amazon DynamoDB Developer Guide, "Quotas" (item size) and "Transactions".
    pub const DYNAMODB: Limits = Limits { item_bytes: 400 * 1024, batch_bytes: 4 * 1024 * 1024, batch_writes: 100 };
    /// Cosmos DB: items of 2 MB; a transactional batch takes 100 operations and 2 MB.
    ///
    /// Source: Azure Cosmos DB, "Service quotas" and "Transactional batch operations".
    pub const COSMOS_DB: Limits =
        Limits { item_bytes: 2 * 1024 * 1024, batch_bytes: 2 * 1024 * 1024, batch_writes: 100 };
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DYNAMODB
    }
}

/// One key's state. A deleted key keeps its version counter, so that no version is ever reused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stored {
    /// The JSON text, or `None` where there is no document.
    pub body: Option<Arc<str>>,
    /// How often the key was written; 0 where nobody counts (see [`Documents::apply`]).
    pub version: u64,
    /// What a stale read may still see: the state before the last write, where somebody asks for it.
    pub previous: Option<(Option<Arc<str>>, u64)>,
}

/// What a store remembers beyond the documents' bodies. Both grow the state; a world keeps only what its
/// handlers can tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembers {
    /// Number the versions.
    pub versions: bool,
    /// Keep what was there before the last write, for stale reads.
    pub previous: bool,
}

/// The documents of a store, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Documents {
    keys: BTreeMap<Arc<str>, Stored>,
}

/// What became of a write whose condition held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The store afterwards.
    pub documents: Documents,
    /// The new version of each put, in order.
    pub versions: Vec<u64>,
}

impl Documents {
    /// What is stored under a key, if it was ever written.
    pub fn stored(&self, key: &str) -> Option<&Stored> {
        self.keys.get(key)
    }

    /// The document under a key.
    pub fn body(&self, key: &str) -> Option<&Arc<str>> {
        self.keys.get(key).and_then(|stored| stored.body.as_ref())
    }

    /// The keys of a partition's documents, in order.
    pub fn keys_of(&self, partition_name: &str) -> Vec<String> {
        let there = self.keys.iter().filter(|(key, stored)| stored.body.is_some() && partition(key) == partition_name);
        there.map(|(key, _)| key.to_string()).collect()
    }

    /// The version of the document under a key; `None` if there is no document.
    pub fn version(&self, key: &str) -> Option<u64> {
        self.keys.get(key).filter(|stored| stored.body.is_some()).map(|stored| stored.version)
    }

    /// What a stale read may see: the state before the last write.
    pub fn previous(&self, key: &str) -> Option<(&Option<Arc<str>>, u64)> {
        self.keys.get(key).and_then(|stored| stored.previous.as_ref()).map(|(body, version)| (body, *version))
    }

    /// The store after the writes took effect. Conditions are the caller's business.
    pub fn apply(&self, writes: &[Write], remembers: Remembers) -> Written {
        let mut documents = self.clone();
        let versions = documents.write(writes, remembers);
        Written { documents, versions }
    }

    /// Lets the writes take effect; returns the new version of each put, in order. Conditions are the caller's business.
    pub fn write(&mut self, writes: &[Write], remembers: Remembers) -> Vec<u64> {
        let mut versions = Vec::new();
        for write in writes {
            let before = self.keys.get(&*write.key).cloned();
            let version = if remembers.versions { before.as_ref().map_or(0, |stored| stored.version) + 1 } else { 0 };
            let previous = remembers.previous.then(|| before.map_or((None, 0), |stored| (stored.body, stored.version)));
            let body = match &write.change {
                Change::Put(body) => {
                    versions.push(version);
                    Some(body.clone())
                }
                Change::Delete => None,
            };
            let stored = Stored { body, version, previous };
            if stored == (Stored { body: None, version: 0, previous: None }) {
                self.keys.remove(&*write.key);
            } else {
                self.keys.insert(write.key.as_str().into(), stored);
            }
        }
        versions
    }

    /// The documents as a view reads them.
    pub fn docs(&self) -> Docs {
        Docs::from_pairs(
            self.keys.iter().filter_map(|(key, stored)| Some((key.to_string(), stored.body.as_ref()?.clone()))),
        )
    }
}

/// What the store says to these writes whatever it holds: limits and partitions. Blobs have no limit.
///
/// # Errors
/// [`StoreErr::TooLarge`] or [`StoreErr::CrossPartition`], both definite.
pub fn admissible(batch: Option<&str>, writes: &[Write], limits: &Limits) -> Result<(), StoreErr> {
    if batch.is_some_and(|batch| writes.iter().any(|write| partition(&write.key) != batch)) {
        return Err(StoreErr::CrossPartition);
    }
    let bytes = |write: &Write| match &write.change {
        Change::Put(body) => write.key.len() + body.len(),
        Change::Delete => 0,
    };
    let is_item = |write: &Write| !write.key.starts_with(kit::blobs::PREFIX);
    let too_large = writes.iter().any(|write| is_item(write) && bytes(write) > limits.item_bytes)
        || writes.iter().map(bytes).sum::<usize>() > limits.batch_bytes
        || writes.len() > limits.batch_writes;
    if too_large { Err(StoreErr::TooLarge) } else { Ok(()) }
}
