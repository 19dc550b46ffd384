//! A proxy that does to requests and responses what a network does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use kit::{Request, Response};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::caller::Caller;
use crate::{server, wire};

/// The proxy itself waits so long for the server behind it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often something goes wrong on the way, in percent of all requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetworkOdds {
    /// The request is lost.
    pub request_lost: u32,
    /// The request arrives twice.
    pub request_duplicated: u32,
    /// The response is lost.
    pub response_lost: u32,
    /// The request arrives late, up to [`late_max`](Self::late_max); its caller has hung up.
    pub late: u32,
    /// How late, at most.
    pub late_max: Duration,
}

/// What went wrong on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkStruck {
    /// Requests that came in.
    pub requests: u32,
    /// Requests that were lost.
    pub requests_lost: u32,
    /// Requests that arrived twice.
    pub requests_duplicated: u32,
    /// Responses that were lost.
    pub responses_lost: u32,
    /// Requests that arrived late.
    pub late: u32,
}

/// A proxy in front of one server.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    _served: JoinHandle<()>,
}

struct State {
    behind: SocketAddr,
    caller: Caller,
    odds: NetworkOdds,
    chance: Mutex<SmallRng>,
    struck: Mutex<NetworkStruck>,
}

impl Proxy {
    /// Stands in front of a server, on a free port of the loopback interface.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn before(behind: SocketAddr, seed: u64, odds: NetworkOdds) -> std::io::Result<Proxy> {
        let state = Arc::new(State {
            behind,
            caller: Caller::new(PATIENCE),
            odds,
            chance: Mutex::new(SmallRng::seed_from_u64(seed)),
            struck: Mutex::default(),
        });
        let passing = state.clone();
        let pass = move |incoming: axum::extract::Request| {
            let state = passing.clone();
            async move {
                let Some(request) = wire::request(incoming).await else { return wire::not_understood() };
                match state.pass(request).await {
                    Some(response) => wire::reply(response),
                    None => wire::breaks_off(),
                }
            }
        };
        let (address, served) = server::listen(Router::new().fallback(pass)).await?;
        Ok(Proxy { address, state, _served: served })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What went wrong so far.
    pub fn struck(&self) -> NetworkStruck {
        *self.state.struck.lock().expect("nobody panics with it")
    }
}

enum Fate {
    Passes,
    RequestLost,
    Duplicated,
    ResponseLost,
    Late(Duration),
}

impl State {
    /// `None`: the caller hears nothing.
    async fn pass(self: Arc<Self>, request: Request) -> Option<Response> {
        match self.fate() {
            Fate::Passes => self.forward(request).await,
            Fate::RequestLost => None,
            Fate::ResponseLost => {
                self.forward(request).await;
                None
            }
            Fate::Duplicated => {
                let again = tokio::spawn({
                    let (state, request) = (self.clone(), request.clone());
                    async move { state.forward(request).await }
                });
                // Whichever comes first is the one that is heard.
                tokio::select! {
                    first = self.forward(request) => first,
                    second = again => second.ok().flatten(),
                }
            }
            Fate::Late(delay) => {
                tokio::spawn(async move {
                    sleep(delay).await;
                    self.forward(request).await;
                });
                None
            }
        }
    }

    async fn forward(&self, request: Request) -> Option<Response> {
        self.caller.send(self.behind, request).await.ok()
    }

    fn fate(&self) -> Fate {
        let NetworkOdds { request_lost, request_duplicated, response_lost, late, late_max } = self.odds;
        let mut chance = self.chance.lock().expect("nobody panics with it");
        let mut struck = self.struck.lock().expect("nobody panics with it");
        struck.requests += 1;
        let mut drawn = chance.random_range(0..100);
        let mut hits = |percent: u32| {
            let hit = drawn < percent;
            drawn = drawn.saturating_sub(percent);
            hit
        };
        if hits(request_lost) {
            struck.requests_lost += 1;
            Fate::RequestLost
        } else if hits(request_duplicated) {
            struck.requests_duplicated += 1;
            Fate::Duplicated
        } else if hits(response_lost) {
            struck.responses_lost += 1;
            Fate::ResponseLost
        } else if hits(late) {
            struck.late += 1;
            Fate::Late(chance.random_range(Duration::ZERO..=late_max))
        } else {
            Fate::Passes
        }
    }
}
