//! Lets more people decide approvals that no one decided in time.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    jobs::periodic::{self, STUCK},
    service::{Service, escalate},
};

const INTERVAL: TimeDelta = TimeDelta::seconds(5);

/// Escalates them every five seconds until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the escalation of approvals", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match escalate::escalate(&service).await {
            Ok(0) => true,
            // A batch is limited, so more may be due.
            Ok(_) => continue,
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not escalate approvals; retrying");
                }
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}
