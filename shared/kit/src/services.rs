//! Somebody else's system, called over the network: a request goes out, an answer may come back.

use std::future::Future;
use std::panic::Location;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Cx;
use crate::errors::CallErr;
use crate::json;
use crate::port::{Operation, Reply};

/// Calls `service` with a request and waits for its answer. The service does the whole request as one step.
///
/// # Errors
/// [`CallErr::Refused`] (definite) or [`CallErr::Unknown`] (indefinite: the service did it, or it did not).
///
/// # Panics
/// If the request cannot be written as JSON, or the answer is not an `A`.
#[track_caller]
pub fn call<R: Serialize + ?Sized, A: DeserializeOwned>(
    cx: &Cx,
    service: &str,
    request: &R,
) -> impl Future<Output = Result<A, CallErr>> + Send + use<R, A> {
    let request = json::write("the request", request);
    let reply = cx.port().perform(Operation::Call { service: service.to_owned(), request }, Location::caller());
    async move {
        match reply.await {
            Ok(Reply::Answer(answer)) => Ok(serde_json::from_str(&answer)
                .unwrap_or_else(|error| panic!("the answer is not a {}: {error}", std::any::type_name::<A>()))),
            Ok(other) => unreachable!("the world answered a call with {other:?}"),
            Err(failure) => Err(failure.into_call()),
        }
    }
}
