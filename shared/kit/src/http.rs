//! HTTP: somebody else's system. A request goes out; perhaps a response comes back (exercises 17 and 18).
//!
//! The network may lose a request, deliver it twice, or deliver it late; it may lose the response, or bring it when
//! nobody waits for it any more. What it never does is deliver a request later than [`MAX_FLIGHT`] after it was sent.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::context::Cx;
use crate::errors::{HttpErr, Retry};
use crate::json;
use crate::port::{Operation, Port, Reply};

/// The longest that a request is on its way, and handled, after it was sent: then it has arrived, or never will.
///
/// Source: RFC 9293, "Transmission Control Protocol", section 3.4.2: the maximum segment lifetime is two minutes.
pub const MAX_FLIGHT: Duration = Duration::from_secs(120);

/// What is asked of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Tell me about it.
    Get,
    /// Let it be this.
    Put,
    /// Do it.
    Post,
    /// Let it be gone.
    Delete,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 4] = [Method::Get, Method::Put, Method::Post, Method::Delete];

    /// As it stands in a request line: `PUT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Put => "PUT",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request, as a server sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// Of which resource: `/transfers/7`.
    pub path: String,
    /// The body, as JSON text; `null` where there is none.
    pub body: String,
}

impl Request {
    /// The body as a `T`.
    ///
    /// # Errors
    /// [`Retry`], if the body is not a `T`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Retry> {
        json::read(&format!("the body of {self}"), &self.body)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A response: a status and a body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Response {
    /// What came of it, such as 200 or 404.
    ///
    /// Source: RFC 9110, "HTTP Semantics", section 15.
    pub status: u16,
    /// The body, as JSON text; `null` where there is none.
    pub body: String,
}

impl Response {
    /// A response without a body.
    pub fn status(status: u16) -> Self {
        Response { status, body: "null".to_owned() }
    }

    /// A response with a body.
    ///
    /// # Panics
    /// If the body cannot be written as JSON.
    pub fn with<T: Serialize + ?Sized>(status: u16, body: &T) -> Self {
        Response { status, body: json::write("the body", body) }
    }

    /// The body as a `T`.
    ///
    /// # Errors
    /// [`Retry`], if the body is not a `T`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Retry> {
        json::read(&format!("the body of a response {}", self.status), &self.body)
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.body.as_str() {
            "null" => write!(f, "{}", self.status),
            body => write!(f, "{} {body}", self.status),
        }
    }
}

/// Answers the requests that reach one host.
///
/// As with an [`Endpoint`](crate::Endpoint), every request gets a new instance, made with `Default`. Write the method as
/// `async fn`.
pub trait Server: Default + Send + Sync + 'static {
    /// Handles one request. Nobody redelivers it: whether it comes again is its caller's choice.
    ///
    /// # Errors
    /// [`Retry`]: the caller gets status 500, with the reason as its body. What already took effect stays.
    fn on_request(&self, cx: &Cx, request: &Request) -> impl Future<Output = Result<Response, Retry>> + Send;
}

/// What the caller gets where the handler of a request failed.
pub fn server_error(reason: &str) -> Response {
    Response::with(500, reason)
}

/// `cx.http`: calls other systems. A url is `http://host/path`.
#[derive(Clone)]
pub struct Http {
    pub(crate) port: Arc<dyn Port>,
}

impl Http {
    /// Asks about a resource.
    ///
    /// # Errors
    /// [`HttpErr::NoAnswer`] (indefinite).
    ///
    /// # Panics
    /// If the url is not `http://host/path`.
    #[track_caller]
    pub fn get(&self, url: &str) -> impl Future<Output = Result<Response, HttpErr>> + Send + use<> {
        self.request(Method::Get, url, "null".to_owned())
    }

    /// Says what a resource shall be.
    ///
    /// # Errors
    /// [`HttpErr::NoAnswer`] (indefinite).
    ///
    /// # Panics
    /// If the url is not `http://host/path`, or the body cannot be written as JSON.
    #[track_caller]
    pub fn put<T: Serialize + ?Sized>(
        &self,
        url: &str,
        body: &T,
    ) -> impl Future<Output = Result<Response, HttpErr>> + Send + use<T> {
        self.request(Method::Put, url, json::write("the body", body))
    }

    /// Has something done.
    ///
    /// # Errors
    /// [`HttpErr::NoAnswer`] (indefinite).
    ///
    /// # Panics
    /// If the url is not `http://host/path`, or the body cannot be written as JSON.
    #[track_caller]
    pub fn post<T: Serialize + ?Sized>(
        &self,
        url: &str,
        body: &T,
    ) -> impl Future<Output = Result<Response, HttpErr>> + Send + use<T> {
        self.request(Method::Post, url, json::write("the body", body))
    }

    /// Has a resource removed.
    ///
    /// # Errors
    /// [`HttpErr::NoAnswer`] (indefinite).
    ///
    /// # Panics
    /// If the url is not `http://host/path`.
    #[track_caller]
    pub fn delete(&self, url: &str) -> impl Future<Output = Result<Response, HttpErr>> + Send + use<> {
        self.request(Method::Delete, url, "null".to_owned())
    }

    #[track_caller]
    fn request(
        &self,
        method: Method,
        url: &str,
        body: String,
    ) -> impl Future<Output = Result<Response, HttpErr>> + Send + use<> {
        let (host, path) = host_and_path(url)
            .unwrap_or_else(|| panic!("a url is http://host/path, such as http://bank/transfers/7; this is {url:?}"));
        let request = Request { method, path: path.to_owned(), body };
        let reply = self.port.perform(Operation::Request { host: host.to_owned(), request }, Location::caller());
        async move {
            match reply.await {
                Ok(Reply::Response(response)) => Ok(response),
                Ok(other) => unreachable!("the world answered a request with {other:?}"),
                Err(failure) => Err(failure.into_http()),
            }
        }
    }
}

/// The host and the path of a url, if it has both.
fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = rest.split_at(rest.find('/')?);
    (!host.is_empty()).then_some((host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host_and_a_path() {
        assert_eq!(host_and_path("http://bank/transfers/7"), Some(("bank", "/transfers/7")));
        assert_eq!(host_and_path("http://bank/"), Some(("bank", "/")));
        for url in ["bank/transfers/7", "http://bank", "http:///transfers", "ftp://bank/"] {
            assert_eq!(host_and_path(url), None, "{url}");
        }
    }

    #[test]
    fn a_response_is_read_in_one_line() {
        assert_eq!(Response::status(404).to_string(), "404");
        assert_eq!(Response::with(200, "paid").to_string(), "200 \"paid\"");
    }
}
