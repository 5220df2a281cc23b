//! Ends what is still pending in workspaces from which the app was removed. The removal itself does this at once; the job
//! covers instances that stopped in between, and requests that arrived at the same moment.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    jobs::periodic::{self, STUCK},
    service::{Service, leave},
};

const INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// Ends such approvals every 10 seconds until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the check for removed apps", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match leave::end_all(&service).await {
            Ok(_) => true,
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not end the approvals of a removed app; retrying");
                }
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}
