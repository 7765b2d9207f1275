//! Connections: how many there may be, how long one may take to say what it wants, and letting them finish at the end.

use crate::limits;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Service;

/// Answers until `stop`, then lets running requests finish. A connection that does not send a whole head within `head` is closed,
/// and so is one that is silent for that long between two requests.
pub async fn serve(router: Router, listener: TcpListener, stop: CancellationToken, head: Duration) {
    let (seats, open) = (Arc::new(Semaphore::new(limits::CONNECTIONS_MAX)), GracefulShutdown::new());
    while let Some((seat, stream, peer)) = stop.run_until_cancelled(next(&seats, &listener)).await {
        let router = router.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(head);
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        #[expect(clippy::disallowed_methods, reason = "watched: the end waits for it, and no longer than `SHUTDOWN`")]
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection closed");
            }
            drop(seat);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits::SHUTDOWN, open.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

/// The next visitor, as soon as there is room.
async fn next(seats: &Arc<Semaphore>, listener: &TcpListener) -> (Option<OwnedSemaphorePermit>, TcpStream, SocketAddr) {
    // Nobody closes the semaphore.
    let seat = seats.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (seat, stream, peer),
            // Their trouble: they left before we came.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                // Ours, like too many open files: others must close theirs first.
                tracing::error!(%error, "no connection was taken");
                tokio::time::sleep(limits::ACCEPT_AGAIN).await;
            }
        }
    }
}
