//! A message, and what identifies it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::errors::Retry;
use crate::json;

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
        let body = json::write("the message's body", body);
        Msg { id: id.into(), kind: kind.into(), headers: BTreeMap::new(), body }
    }

    /// The body as a `T`.
    ///
    /// # Errors
    /// [`Retry`], if the body is not a `T`: definite, nothing was done.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Retry> {
        json::read(&self.id, &self.body)
    }
}

impl fmt::Display for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
