//! Reports which calls listen to approvals that are cancelled without one.

use tokio_util::sync::CancellationToken;

use crate::{
    domain::abandonment::REPORT_EVERY,
    jobs::periodic::{self, STUCK},
    service::{Service, report_listeners},
};

/// Reports every two seconds until `stop`.
pub async fn run(service: Service, stop: CancellationToken) {
    let pulse = service.heartbeats.pulse("the report of listening calls", STUCK);
    while !stop.is_cancelled() {
        pulse.beat();
        let reported = report_listeners::report(&service).await;
        if let Err(failure) = &reported
            && !service.logged_outage(failure)
        {
            tracing::warn!(%failure, "Could not report which calls listen; retrying");
        }
        periodic::rest(&service, &pulse, &stop, REPORT_EVERY, reported.is_ok()).await;
    }
}
