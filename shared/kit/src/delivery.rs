//! One copy of a message, in the hands of one worker.

use std::future::Future;
use std::panic::Location;

use serde::de::DeserializeOwned;

use crate::context::Cx;
use crate::errors::{AckErr, Retry};
use crate::message::{Msg, MsgId};
use crate::port::Operation;

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
