//! Queues, and how messages get there.
//!
//! A queue delivers *at least once*: a copy is locked while a worker handles it, comes back when the lock
//! expires or the worker fails, and goes away when it is acked. An acknowledged send is never lost.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::errors::SendErr;
use crate::message::Msg;
use crate::port::{Operation, Port, Reply};

/// `cx.bus`: sends messages to queues.
#[derive(Clone)]
pub struct Bus {
    pub(crate) port: Arc<dyn Port>,
}

impl Bus {
    /// Sends a message. Once this returned `Ok`, the bus never loses it.
    ///
    /// # Errors
    /// [`SendErr::Refused`] (definite) or [`SendErr::Unknown`] (indefinite).
    #[track_caller]
    pub fn send(&self, queue: &str, msg: Msg) -> impl Future<Output = Result<(), SendErr>> + Send + use<> {
        self.enqueue(queue.to_owned(), msg, Duration::ZERO)
    }

    /// Sends a message that nobody receives before `delay` has passed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[track_caller]
    pub fn send_later(
        &self,
        queue: &str,
        msg: Msg,
        delay: Duration,
    ) -> impl Future<Output = Result<(), SendErr>> + Send + use<> {
        self.enqueue(queue.to_owned(), msg, delay)
    }

    #[track_caller]
    fn enqueue(
        &self,
        queue: String,
        msg: Msg,
        delay: Duration,
    ) -> impl Future<Output = Result<(), SendErr>> + Send + use<> {
        let reply = self.port.perform(Operation::Send { queue, msg, delay }, Location::caller());
        async move {
            match reply.await {
                Ok(Reply::Done) => Ok(()),
                Ok(other) => unreachable!("the world answered a send with {other:?}"),
                Err(failure) => Err(failure.into_send()),
            }
        }
    }
}
