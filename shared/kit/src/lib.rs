//! All that an exercise imports.
//!
//! Read the modules in this order; each is short and needs only the ones before it.
//!
//! 1. [`errors`]: what can go wrong, and whether it happened (definite) or nobody can tell (indefinite).
//! 2. [`message`]: a message, and what identifies it.
//! 3. [`version`]: a document's version, and conditions on it.
//! 4. [`port`]: all that a handler may ask of a world. Exercises can skip it; those who build a world begin here.
//! 5. [`documents`]: a store of documents with one-partition batches.
//! 6. [`bus`]: queues, and how messages get there.
//! 7. [`logic`]: what a message does to a state, without any plumbing (exercises 12 to 15).
//! 8. [`seen`], [`outbox`], [`tokens`], [`blobs`]: stores for one purpose (exercises 13 to 16).
//! 9. [`context`]: [`Cx`], the one door from a handler to the world.
//! 10. [`delivery`]: one copy of a message, in the hands of one worker.
//! 11. [`endpoint`]: what a message handler looks like.
//! 12. [`services`]: somebody else's system, called over the network.
//! 13. [`commitment`]: a transaction over several of them (exercise 02).
//! 14. [`http`]: the same as the web has it: requests and responses that may be lost, doubled or late (exercises 17, 18).
//! 15. [`schedule`]: what must happen to a handler, in a few words (exercise 09).
//! 16. [`paths`]: the paths through a world, as a search sees them (exercise 10).
//!
//! A handler touches the world only through [`Cx`]. Everything else it does must depend on nothing but
//! the delivery and the answers it got: that is what lets a world re-run it, and check it.

pub mod blobs;
pub mod bus;
pub mod commitment;
pub mod context;
pub mod delivery;
pub mod documents;
pub mod endpoint;
pub mod errors;
pub mod http;
mod json;
pub mod logic;
pub mod message;
pub mod outbox;
pub mod paths;
pub mod port;
pub mod schedule;
pub mod seen;
pub mod services;
pub mod tokens;
pub mod version;

pub use bus::Bus;
pub use context::{Cx, Rng, Time};
pub use delivery::Delivery;
pub use documents::{Batch, Docs, DocumentStore, Version, When};
pub use endpoint::Endpoint;
pub use errors::{AckErr, CallErr, HttpErr, Retry, SendErr, StoreErr};
pub use http::{Http, Request, Response, Server};
pub use logic::{Logic, Out, Reject, Wire};
pub use message::{Msg, MsgId};
pub use uuid::Uuid;
