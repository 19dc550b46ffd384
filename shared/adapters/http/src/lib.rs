//! The same servers and callers over real HTTP.
//!
//! - [`server`]: a [`kit::Server`] behind a socket.
//! - [`caller`]: `cx.http` over sockets, with a limit on how long it waits.
//! - [`proxy`]: stands between them, and loses, doubles and delays what goes through.
//!
//! Everything listens on the loopback interface alone.

pub mod caller;
pub mod proxy;
pub mod server;

mod wire;

pub use caller::Caller;
pub use proxy::{NetworkOdds, NetworkStruck, Proxy};
pub use server::serve;
