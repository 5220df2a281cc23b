//! Cancels approvals that no caller listens to any longer.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::abandonment::Watch,
    jobs::periodic::{self, STUCK},
    service::{Service, abandon},
};

const INTERVAL: TimeDelta = TimeDelta::seconds(1);

/// Looks every second until `stop`. After a break in which instances could not report who listens, callers get time to
/// come back.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the cancelling of abandoned approvals", STUCK);
    let mut watch = Watch::new(service.now());
    while !stop.is_cancelled() {
        pulse.beat();
        let now = service.now();
        let looked = abandon::abandon(&service, watch.look(now)).await;
        match &looked {
            Ok(looked) => {
                watch.succeeded(now);
                metrics::counter!("countersign_abandoned_total").increment(looked.abandoned);
                if looked.more {
                    continue;
                }
            }
            Err(failure) => {
                if !service.logged_outage(failure) {
                    tracing::warn!(%failure, "Could not look for abandoned approvals; retrying");
                }
            }
        }
        periodic::rest(&service, &pulse, &stop, INTERVAL, looked.is_ok()).await;
    }
}
