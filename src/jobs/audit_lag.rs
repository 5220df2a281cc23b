//! Measures how far the audit export lags behind what is written.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    jobs::periodic::{self, STUCK},
    service::{Service, audit_lag},
};

const INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// Measures the lag every 10 seconds until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the measurement of the audit lag", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match audit_lag::measure(&service).await {
            Ok(lag) => {
                metrics::gauge!("countersign_audit_export_lag_seconds").set(lag.as_seconds_f64());
                true
            }
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not measure how far the audit export lags");
                }
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}
