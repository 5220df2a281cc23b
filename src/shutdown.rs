//! The signals that request a shutdown: `SIGINT` or `SIGTERM`.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for such a signal.
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
