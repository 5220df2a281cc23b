//! The HTTP server. It limits the number of connections, reserves some for Slack, and closes those whose client is too
//! slow.
//!
//! `axum::serve` has none of these limits. hyper limits the time for headers, but that limit also runs while a
//! connection is idle, so it can't be shorter than the time for which proxies keep connections.

pub mod capacity;
mod connections;
#[cfg(test)]
mod tests;
mod watched;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, header},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use self::{
    capacity::Capacity,
    connections::{Admitted, Connections},
    watched::{Tracked, Watched},
};

pub use connections::Patience;

/// How much of a request or response a connection buffers, in bytes. Longer headers are refused.
const BUFFER: usize = 32 * 1024;
/// How often the server looks for connections that exceed a time limit.
const SWEEP: Duration = Duration::from_millis(500);
/// Pause after the system refused a connection because it lacked files or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// The server's configuration.
#[derive(Debug, Clone)]
pub struct Server {
    /// Handles the requests.
    pub router: Router,
    /// The limits on connections.
    pub capacity: Capacity,
    /// The time limits of connections.
    pub patience: Patience,
    /// Prefixes of the paths for which capacity is reserved.
    pub reserved: &'static [&'static str],
    /// Responds to requests to other paths when the limit is reached.
    pub refuse: fn() -> Response,
}

impl Server {
    /// Serves until `stop`. Then it accepts no more connections, and finishes active requests until `force`.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken, force: CancellationToken) {
        let open = Connections::new(self.capacity.connections, self.capacity.others);
        let in_hand = TaskTracker::new();
        let server = Arc::new(self);
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        {
            let mut accepting = std::pin::pin!(accept(&listener, &open));
            while !stop.is_cancelled() {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = sweep.tick() => open.close_overdue(server.patience),
                    (stream, admitted) = &mut accepting => {
                        let attended = attend(server.clone(), stream, admitted, stop.clone(), force.clone());
                        in_hand.spawn(attended);
                        accepting.set(accept(&listener, &open));
                    }
                }
            }
        }
        // Closing the listener at once refuses new clients, instead of leaving them in the system's queue.
        drop(listener);
        in_hand.close();
        while !in_hand.is_empty() {
            tokio::select! {
                () = in_hand.wait() => {}
                _ = sweep.tick() => open.close_overdue(server.patience),
            }
        }
    }
}

/// The next connection, once there is capacity for it.
async fn accept(listener: &TcpListener, open: &Arc<Connections>) -> (TcpStream, Admitted) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, open.admit().await),
            Err(error) => {
                // The client is gone already, or the process has reached its limit of open files.
                tracing::warn!(%error, "Could not accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Serves one connection.
async fn attend(
    server: Arc<Server>,
    stream: TcpStream,
    admitted: Admitted,
    stop: CancellationToken,
    force: CancellationToken,
) {
    let admitted = Arc::new(admitted);
    let io = TokioIo::new(Watched::new(stream, admitted.connection.clone()));
    let answering = admitted.clone();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (server, admitted) = (server.clone(), answering.clone());
        async move { Ok::<_, Infallible>(respond(&server, &admitted, request).await) }
    });
    let mut connection =
        std::pin::pin!(http1::Builder::new().max_buf_size(BUFFER).serve_connection(io, service));
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "Connection failed");
                }
                return;
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = admitted.connection.has_to_go() => return,
            () = force.cancelled() => return,
        }
    }
}

async fn respond(server: &Server, admitted: &Admitted, request: Request<Incoming>) -> Response<Tracked> {
    let path = request.uri().path();
    let reserved = server.reserved.iter().any(|beginning| path.starts_with(beginning));
    let serving = admitted.serve(reserved);
    let response = if serving.is_some() {
        let Ok(response) = server.router.clone().oneshot(request.map(Body::new)).await;
        response
    } else {
        let mut refusal = (server.refuse)();
        refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        refusal
    };
    response.map(|body| Tracked { body, _serving: serving })
}
