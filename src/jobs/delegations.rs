//! Ends delegations whose time is over. Their delegates can't decide anything since then; this tells the two, and renders
//! the prompts again.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    jobs::periodic::{self, STUCK},
    service::{Service, delegations},
};

const INTERVAL: TimeDelta = TimeDelta::seconds(20);

/// Ends them every 20 seconds until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the end of delegations", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match delegations::end_over(&service).await {
            Ok(0) => true,
            // A batch is limited, so more may be over.
            Ok(_) => continue,
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not end delegations whose time is over; retrying");
                }
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}
