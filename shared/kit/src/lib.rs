//! All that an exercise imports.
//!
//! Read the modules in this order; each is short and needs only the ones before it.
//!
//! 1. [`errors`]: what can go wrong, and whether it happened (definite) or nobody can tell (indefinite).
//! 2. [`documents`]: a store of documents with versions, conditions and one-partition batches.
//! 3. [`bus`]: messages, queues, deliveries and acks.
//! 4. [`services`]: somebody else's system, called over the network.
//! 5. [`commitment`]: a transaction over several of them (exercise 02).
//! 6. [`context`]: [`Cx`], the one door from a handler to the world.
//! 7. [`endpoint`]: what a message handler looks like.
//! 8. [`port`]: the other side of that door, for those who build a world.
//!
//! A handler touches the world only through [`Cx`]. Everything else it does must depend on nothing but
//! the delivery and the answers it got: that is what lets a world re-run it, and check it.

pub mod bus;
pub mod commitment;
pub mod context;
pub mod documents;
pub mod endpoint;
pub mod errors;
pub mod port;
pub mod services;

pub use bus::{Bus, Delivery, Msg, MsgId};
pub use context::{Cx, Rng, Time};
pub use documents::{Batch, Docs, DocumentStore, Version, When};
pub use endpoint::Endpoint;
pub use errors::{AckErr, CallErr, Retry, SendErr, StoreErr};
pub use uuid::Uuid;
