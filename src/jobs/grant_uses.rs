//! Adds up how often each grant was used.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    heartbeat::Pulse,
    jobs::periodic::{self, STUCK},
    service::{Service, ServiceError, grant_uses},
};

const INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// Adds them up every 10 seconds until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the counting of grants' uses", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match add_up_all(&service, &pulse).await {
            Ok(()) => true,
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not add up how often grants were used; retrying");
                }
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}

async fn add_up_all(service: &Service, pulse: &Pulse) -> Result<(), ServiceError> {
    while grant_uses::add_up(service).await? {
        pulse.beat();
    }
    Ok(())
}
