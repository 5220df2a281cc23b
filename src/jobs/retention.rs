//! Ends the grants of silent conversations, deletes rows that are no longer needed, and drops partitions after the
//! retention time.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::retention::Retention,
    heartbeat::Pulse,
    jobs::periodic::{self, STUCK},
    service::{Service, ServiceError, end_silent, partitions, retention},
};

const INTERVAL: TimeDelta = TimeDelta::hours(1);

/// Cleans up every hour until `stop`. `kept`: how long records are kept.
pub async fn run(service: Service, kept: Retention, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the retention job", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match clean_up(&service, kept, &pulse).await {
            Ok(()) => true,
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Cleanup failed; retrying");
                }
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}

#[tracing::instrument(name = "clean_up", skip_all)]
async fn clean_up(service: &Service, kept: Retention, pulse: &Pulse) -> Result<(), ServiceError> {
    while end_silent::end(service).await? > 0 {
        pulse.beat();
    }
    retention::delete_old(service, || pulse.beat()).await?;
    pulse.beat();
    partitions::drop_old(service, kept).await?;
    if let Some(kept) = kept.arguments {
        retention::delete_contents(service, kept, || pulse.beat()).await?;
    }
    Ok(())
}
