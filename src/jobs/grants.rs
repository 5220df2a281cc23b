//! Ends grants whose time is over or whose uses are used up.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    heartbeat::Pulse,
    jobs::periodic::{self, STUCK},
    service::{Service, ServiceError, end_grants},
};

const INTERVAL: TimeDelta = TimeDelta::seconds(30);

/// Ends them every 30 seconds until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the end of grants", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match end_all(&service, &pulse).await {
            Ok(()) => true,
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not end grants whose time is over; retrying");
                }
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}

async fn end_all(service: &Service, pulse: &Pulse) -> Result<(), ServiceError> {
    while end_grants::end(service).await? > 0 {
        pulse.beat();
    }
    Ok(())
}
