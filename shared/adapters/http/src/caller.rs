//! `cx.http` over sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use host::Web;
use kit::errors::HttpErr;
use kit::{Request, Response};

use crate::wire;

/// Knows where each host is, and how long to wait for an answer.
pub struct Caller {
    http: reqwest::Client,
    hosts: BTreeMap<String, SocketAddr>,
}

impl Caller {
    /// Waits so long for an answer, and then has none.
    ///
    /// # Panics
    /// If this machine cannot open sockets.
    pub fn new(patience: Duration) -> Self {
        let http =
            reqwest::Client::builder().timeout(patience).no_proxy().build().expect("a client without any extras");
        Caller { http, hosts: BTreeMap::new() }
    }

    /// `http://name/…` is there.
    #[must_use]
    pub fn knows(mut self, name: &str, address: SocketAddr) -> Self {
        self.hosts.insert(name.to_owned(), address);
        self
    }

    /// Sends a request to an address.
    ///
    /// # Errors
    /// [`HttpErr::NoAnswer`] (indefinite): nothing came in time, or the connection broke off.
    pub(crate) async fn send(&self, to: SocketAddr, request: Request) -> Result<Response, HttpErr> {
        let url = format!("http://{to}{}", request.path);
        let asked = self.http.request(wire::verb(request.method), url).body(request.body).send();
        // What went wrong is of no use: whatever it was, the server may have done it, or may do it yet.
        let answer = asked.await.map_err(|_| HttpErr::NoAnswer)?;
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(|_| HttpErr::NoAnswer)?;
        Ok(Response { status, body: wire::json(body) })
    }
}

impl Web for Caller {
    fn ask(
        &self,
        host: String,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<Response, HttpErr>> + Send + '_>> {
        let to = *self.hosts.get(&host).unwrap_or_else(|| panic!("nobody knows where http://{host} is"));
        Box::pin(self.send(to, request))
    }
}
