//! The pause between two runs of a job.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{heartbeat::Pulse, service::Service};

/// Longest time without progress, for a job that reports progress after each batch.
pub(super) const STUCK: Duration = Duration::from_mins(2);
/// Pause after a run that failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Waits for `interval` on the service's clock, which tests can move, or for a second after a run that failed. A shutdown
/// ends the pause.
pub(super) async fn rest(
    service: &Service,
    pulse: &Pulse,
    stop: &CancellationToken,
    interval: TimeDelta,
    succeeded: bool,
) {
    pulse.rest();
    let until_next = async {
        if succeeded {
            service.clock.sleep(interval).await;
        } else {
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = until_next => {}
    }
}
