//! A server behind a socket.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use host::Host;
use kit::Server;
use kit::http::server_error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::wire;

/// Answers requests by `S`, each with a new one, on a free port of the loopback interface. Its documents, its queues and its
/// faults are those of `host`: where a node dies, the connection breaks off.
///
/// # Errors
/// If there is no free port.
pub async fn serve<S: Server>(host: Arc<Host>) -> std::io::Result<(SocketAddr, JoinHandle<()>)> {
    let answer = move |incoming: axum::extract::Request| {
        let host = host.clone();
        async move {
            let Some(request) = wire::request(incoming).await else { return wire::not_understood() };
            let cx = host.cx();
            // The run goes on when the caller has hung up, as that of a real server does.
            let run = tokio::spawn(async move {
                host.lives_through(async move {
                    let server = S::default();
                    server.on_request(&cx, &request).await
                })
                .await
            });
            match run.await {
                Ok(Some(Ok(response))) => wire::reply(response),
                Ok(Some(Err(retry))) => wire::reply(server_error(retry.reason())),
                Ok(None) | Err(_) => wire::breaks_off(),
            }
        }
    };
    listen(Router::new().fallback(answer)).await
}

/// Serves on a free port of the loopback interface.
pub(crate) async fn listen(router: Router) -> std::io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let served = tokio::spawn(async move {
        // It ends with the task, and with nothing else.
        let _ = axum::serve(listener, router).await;
    });
    Ok((address, served))
}
