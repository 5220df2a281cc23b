//! Makes partitions ahead of need. Without a partition for it, a row can't be written.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    jobs::periodic::{self, STUCK},
    service::{Service, partitions},
};

/// A month's partition is made two months ahead, but a block of audit entries may fill up within a quarter of an hour.
const INTERVAL: TimeDelta = TimeDelta::minutes(5);

/// Makes partitions every 5 minutes until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the making of partitions", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let succeeded = match partitions::make(&service).await {
            Ok(made) => {
                if !made.names.is_empty() {
                    tracing::info!(partitions = made.names.join(" "), "Partitions made");
                }
                let until = made.room.until.map_or(TimeDelta::zero(), |until| until - service.now());
                metrics::gauge!("countersign_partitions_end_seconds").set(until.as_seconds_f64());
                #[expect(clippy::cast_precision_loss, reason = "a few ten million")]
                metrics::gauge!("countersign_audit_entries_left").set(made.room.audit_entries as f64);
                true
            }
            Err(failure) => {
                if !service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not make partitions; retrying");
                }
                false
            }
        };
        periodic::rest(&service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}
