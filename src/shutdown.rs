//! When to stop: `SIGINT` or `SIGTERM`.

use tokio::signal::unix::{SignalKind, signal};

/// Waits until the process is asked to end.
pub async fn requested() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("Could not listen for signals; only SIGKILL ends this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
