//! Ends the grants of silent conversations, and deletes rows that are no longer needed.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    heartbeat::Pulse,
    jobs::periodic::{self, STUCK},
    service::{Service, ServiceError, end_silent, retention},
};

const INTERVAL: TimeDelta = TimeDelta::hours(1);

/// Cleans up every hour until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the retention job", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match clean_up(&service, &pulse).await {
            Ok(()) => true,
            Err(failure) => {
                tracing::warn!(%failure, "Cleanup failed; retrying");
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}

#[tracing::instrument(name = "clean_up", skip_all)]
async fn clean_up(service: &Service, pulse: &Pulse) -> Result<(), ServiceError> {
    while end_silent::end(service).await? > 0 {
        pulse.beat();
    }
    retention::delete_old(service, || pulse.beat()).await
}
