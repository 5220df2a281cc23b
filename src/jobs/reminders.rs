//! Queues reminders of requests that wait, and updates of those whose requests ended.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    jobs::periodic::{self, STUCK},
    service::{Service, reminders},
};

const INTERVAL: TimeDelta = TimeDelta::seconds(30);

/// Queues them every 30 seconds until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the reminders", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match reminders::queue(&service, || pulse.beat()).await {
            Ok(_) => true,
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not look for reminders that are due; retrying");
                }
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}
