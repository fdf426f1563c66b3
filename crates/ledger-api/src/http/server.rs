//! The HTTP server: HTTP/1.1, bounded in connections and in a client's slowness, drained at
//! shutdown.
//!
//! HTTP/1.1 carries one request at a time per connection, so the limit of connections is also
//! the limit of requests in flight.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, http::Request};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use service_runtime::Process;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::task::TaskTracker;

use super::recorded::Peer;

/// Connections at a time: four times what saturates the ledger on two cores (1,024), and about
/// 100 MB at worst. Further ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 4_096;
/// Time for a request's head to arrive, counted from the end of the answer before: also how
/// long an idle connection is kept. Who sends a header a minute gets no further than this.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a request's head: a token is about 400 bytes, an `Idempotency-Key` at most 255.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Pause after `accept` failed: file descriptors ran out, and a busy loop frees none.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until a soft shutdown, then lets requests in flight finish; a hard one drops them.
///
/// # Errors
/// None at present: a listener that fails is waited for.
pub async fn serve(listener: TcpListener, router: Router, process: Process) -> anyhow::Result<()> {
    let (soft, hard) = (process.soft(), process.hard());
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = soft.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (stream, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = error.to_string(), "Could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection =
            builder().serve_connection(TokioIo::new(stream), from(peer, router.clone()));
        let connection = graceful.watch(connection);
        let hard = hard.clone();
        connections.spawn(async move {
            // Whatever goes wrong here is the client's doing, and it is gone.
            tokio::select! {
                _ = connection => {}
                () = hard.cancelled() => {}
            }
            drop(permit);
        });
    }
    // New connections are refused from here on; a load balancer has seen /readyz turn.
    drop(listener);
    connections.close();
    tokio::select! {
        () = graceful.shutdown() => {}
        () = hard.cancelled() => {}
    }
    connections.wait().await;
    Ok(())
}

/// The router, told where its requests come from.
fn from(
    peer: SocketAddr,
    router: Router,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = Infallible,
    Future: Send,
> {
    let inner = TowerToHyperService::new(router);
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        inner.call(request)
    })
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // An answer is one small packet; waiting to fill it would only delay it.
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}
