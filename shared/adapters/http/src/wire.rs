//! Requests and responses as the sockets have them.

use axum::body::{Body, Bytes};
use axum::http::{Method as Verb, StatusCode, header};
use axum::response::Response as Reply;
use futures::stream;
use kit::http::Method;
use kit::{Request, Response};

/// Larger bodies are refused.
pub(crate) const BODY_MAX: usize = 1 << 20;

/// A request as a server sees it; `None` if it is none of the four verbs, or its body is no text.
pub(crate) async fn request(from: axum::extract::Request) -> Option<Request> {
    let verb = from.method().as_str().to_owned();
    let method = Method::ALL.into_iter().find(|method| method.as_str() == verb)?;
    let path = from.uri().path().to_owned();
    let bytes: Bytes = axum::body::to_bytes(from.into_body(), BODY_MAX).await.ok()?;
    let body = String::from_utf8(bytes.to_vec()).ok()?;
    Some(Request { method, path, body: json(body) })
}

/// A body as JSON text: where there is none, it is `null`.
pub(crate) fn json(body: String) -> String {
    if body.is_empty() { "null".to_owned() } else { body }
}

/// A response on its way out.
pub(crate) fn reply(response: Response) -> Reply {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // A response of these kinds has no body.
    let body = match response.body.as_str() {
        "null" => Body::empty(),
        _ => Body::from(response.body),
    };
    Reply::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .expect("a status and a text make a response")
}

/// A request that is none.
pub(crate) fn not_understood() -> Reply {
    reply(Response::status(400))
}

/// The connection breaks off in the middle of an answer: nobody can tell what came of the request.
pub(crate) fn breaks_off() -> Reply {
    let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("the connection broke off"))]);
    Reply::new(Body::from_stream(broken))
}

/// The verb of a request.
pub(crate) fn verb(method: Method) -> Verb {
    match method {
        Method::Get => Verb::GET,
        Method::Put => Verb::PUT,
        Method::Post => Verb::POST,
        Method::Delete => Verb::DELETE,
    }
}
