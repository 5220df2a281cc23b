//! The HTTP server. It limits the number of connections, reserves some for Slack, and closes those whose client is too
//! slow.
//!
//! `axum::serve` has none of these limits. hyper limits the time for headers, but that limit also runs while a
//! connection is idle, so it can't be shorter than the time for which proxies keep connections.

pub mod capacity;
mod connections;
pub mod later;
mod parking;
mod session;
#[cfg(test)]
mod tests;
mod watched;

use std::{sync::Arc, time::Duration};

use axum::{Router, response::Response};
use tokio::{
    net::{TcpListener, TcpStream},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    capacity::Capacity,
    connections::{Admitted, Connections},
    session::{Handler, Session},
};

pub use connections::Patience;

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
        let Self { router, patience, reserved, refuse, .. } = self;
        let handler = Arc::new(Handler { router, reserved, refuse });
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        {
            let mut accepting = std::pin::pin!(accept(&listener, &open));
            while !stop.is_cancelled() {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = sweep.tick() => open.close_overdue(patience),
                    (stream, admitted) = &mut accepting => {
                        let session = Session::new(handler.clone(), admitted);
                        in_hand.spawn(session.run(stream, stop.clone(), force.clone()));
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
                _ = sweep.tick() => open.close_overdue(patience),
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
