//! Expires approvals that no user decided in time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    heartbeat::Pulse,
    jobs::periodic::STUCK,
    service::{Service, expire},
};

/// Longest pause between two checks: other instances create approvals that this one does not know about.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Shortest pause between two checks. It limits the load of an approval that stays due because it can't be locked.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// Expires approvals until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the expiry of approvals", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        match expire::expire(&service).await {
            Ok(0) => {}
            Ok(count) => {
                metrics::counter!("countersign_expired_total").increment(count as u64);
                // A batch is limited, so more approvals may be due.
                continue;
            }
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Expiry check failed; retrying");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = rest(&service, &pulse) => {}
        }
    }
}

/// Waits until the next approval expires, within the two limits above.
async fn rest(service: &Service, pulse: &Pulse) {
    // After an error the poll interval decides.
    let next = expire::next(service).await.ok().flatten();
    pulse.rest();
    tokio::time::sleep(SHORTEST_PAUSE).await;
    let until_next = async {
        match next {
            Some(next) => service.clock.sleep_until(next).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = until_next => {}
        () = tokio::time::sleep(POLL_INTERVAL) => {}
    }
}
