//! Every way in which a request can fare, over sockets of this machine.

use std::sync::Arc;
use std::time::Duration;

use host::{Host, Odds, Web};
use kit::http::Method;
use kit::{Cx, HttpErr, Request, Response, Retry, Server, When};
use live_http::{Caller, NetworkOdds, NetworkStruck, Proxy, serve};

/// Counts what it is asked to do.
#[derive(Default)]
struct Counter;

impl Server for Counter {
    async fn on_request(&self, cx: &Cx, request: &Request) -> Result<Response, Retry> {
        if request.path == "/fails" {
            return Err(Retry::because("not today"));
        }
        let found = cx.docs.get::<u32>(&request.path).await?;
        let (count, when) = found.map_or((0, When::Absent), |(count, version)| (count, When::Is(version)));
        cx.docs.put(&request.path, &(count + 1), when).await?;
        Ok(Response::with(200, &(count + 1)))
    }
}

/// A counter behind a proxy, and somebody who asks it.
struct Net {
    bank: Arc<Host>,
    proxy: Proxy,
    caller: Caller,
}

impl Net {
    async fn with(odds: NetworkOdds, dies: u32) -> Net {
        let bank = Host::new(1, Odds { crash: dies, ..Odds::default() });
        let (address, _) = serve::<Counter>(bank.clone()).await.expect("a free port");
        let proxy = Proxy::before(address, 1, odds).await.expect("a free port");
        let caller = Caller::new(Duration::from_secs(5)).knows("bank", proxy.address());
        Net { bank, proxy, caller }
    }

    async fn ask(&self, path: &str) -> Result<String, HttpErr> {
        let request = Request { method: Method::Post, path: path.to_owned(), body: "null".to_owned() };
        self.caller.ask("bank".to_owned(), request).await.map(|response| response.to_string())
    }

    async fn counted(&self) -> u32 {
        self.bank.docs().await.get("/count").unwrap_or_default()
    }
}

#[tokio::test]
async fn a_request_is_answered() {
    let net = Net::with(NetworkOdds::default(), 0).await;
    assert_eq!(net.ask("/count").await, Ok("200 1".to_owned()));
    assert_eq!(net.ask("/count").await, Ok("200 2".to_owned()));
    assert_eq!(net.ask("/fails").await, Ok("500 \"not today\"".to_owned()));
    assert_eq!(net.proxy.struck(), NetworkStruck { requests: 3, ..NetworkStruck::default() });
}

#[tokio::test]
async fn a_lost_request_is_not_done() {
    let net = Net::with(NetworkOdds { request_lost: 100, ..NetworkOdds::default() }, 0).await;
    assert_eq!(net.ask("/count").await, Err(HttpErr::NoAnswer));
    assert_eq!((net.counted().await, net.proxy.struck().requests_lost), (0, 1));
}

#[tokio::test]
async fn a_lost_response_is_done() {
    let net = Net::with(NetworkOdds { response_lost: 100, ..NetworkOdds::default() }, 0).await;
    assert_eq!(net.ask("/count").await, Err(HttpErr::NoAnswer));
    assert_eq!((net.counted().await, net.proxy.struck().responses_lost), (1, 1));
}

/// The second copy may meet a conflict; then it is only counted once, and was asked twice all the same.
#[tokio::test]
async fn a_doubled_request_is_answered_once() {
    let net = Net::with(NetworkOdds { request_duplicated: 100, ..NetworkOdds::default() }, 0).await;
    let answer = net.ask("/count").await.expect("one of them is heard");
    assert!(answer.starts_with("200") || answer.starts_with("500"), "{answer}");
    assert_eq!(net.proxy.struck().requests_duplicated, 1);
}

#[tokio::test]
async fn a_late_request_is_done_when_nobody_waits() {
    let late_max = Duration::from_millis(50);
    let net = Net::with(NetworkOdds { late: 100, late_max, ..NetworkOdds::default() }, 0).await;
    assert_eq!(net.ask("/count").await, Err(HttpErr::NoAnswer));
    // A host that never does it is a failure, not a hang.
    let done = async {
        while net.counted().await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), done).await.expect("it arrives");
    assert_eq!(net.proxy.struck().late, 1);
}

#[tokio::test]
async fn a_node_that_dies_gives_no_answer() {
    let net = Net::with(NetworkOdds::default(), 100).await;
    assert_eq!(net.ask("/count").await, Err(HttpErr::NoAnswer));
    assert_eq!(net.bank.struck().crashes, 1);
}
