//! Messages, queues, deliveries and acks.
//!
//! A queue delivers *at least once*: a copy is locked while a worker handles it, comes back when the lock
//! expires or the worker fails, and goes away when it is acked. An acknowledged send is never lost.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::Cx;
use crate::errors::{AckErr, Retry, SendErr};
use crate::port::{Operation, Port, Reply};

/// What identifies a message: two copies with the same id are the same logical message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MsgId(String);

impl MsgId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! msg_id_from {
    ($($text:ty),*) => {$(
        impl From<$text> for MsgId {
            fn from(id: $text) -> Self {
                MsgId(id.to_string())
            }
        }
    )*};
}
msg_id_from!(&str, String, &String, uuid::Uuid, &MsgId);

impl std::ops::Deref for MsgId {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

/// A message: an id, a kind, headers, and a body in JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Msg {
    /// What identifies it.
    pub id: MsgId,
    /// What it is about, such as `PlaceOrder`.
    pub kind: String,
    /// What travels beside the body.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, as JSON text.
    pub body: String,
}

impl Msg {
    /// A message without headers.
    ///
    /// # Panics
    /// If the body cannot be written as JSON.
    pub fn new<T: Serialize + ?Sized>(id: impl Into<MsgId>, kind: impl Into<String>, body: &T) -> Self {
        let body = serde_json::to_string(body)
            .unwrap_or_else(|error| panic!("the message's body cannot be written as JSON: {error}"));
        Msg { id: id.into(), kind: kind.into(), headers: BTreeMap::new(), body }
    }

    /// The body as a `T`.
    ///
    /// # Errors
    /// [`Retry`], if the body is not a `T`: definite, nothing was done.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Retry> {
        serde_json::from_str(&self.body)
            .map_err(|error| Retry::because(format!("{} is not a {}: {error}", &*self.id, std::any::type_name::<T>())))
    }
}

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

/// One copy of a message, in the hands of one worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// The message.
    pub msg: Msg,
    /// The queue that it came from.
    pub queue: String,
}

impl Delivery {
    /// The message's id.
    pub fn id(&self) -> &MsgId {
        &self.msg.id
    }

    /// The message's body as a `T`.
    ///
    /// # Errors
    /// [`Retry`], if the body is not a `T`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Retry> {
        self.msg.body()
    }

    /// Acks now, before the handler returns: the copy is removed, whatever happens next.
    ///
    /// # Errors
    /// [`AckErr::Unknown`]: indefinite, the copy may come again.
    #[track_caller]
    pub fn ack(&self, cx: &Cx) -> impl Future<Output = Result<(), AckErr>> + Send + use<> {
        let reply = cx.port().perform(Operation::Ack, Location::caller());
        async move {
            match reply.await {
                Ok(_) => Ok(()),
                Err(_) => Err(AckErr::Unknown),
            }
        }
    }
}

impl fmt::Display for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
