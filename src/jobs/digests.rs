//! Plans the daily digests, and queues those that are due.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::local_time::Zone,
    heartbeat::Pulse,
    jobs::periodic::{self, STUCK},
    service::{Service, ServiceError, digests},
    slack::web_api::users::People,
};

const INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// How far back the first run looks for users who gave a grant: while no instance of this version ran, no run did.
const FIRST_LOOK: TimeDelta = TimeDelta::days(31);
/// How far back the other runs look.
const LOOK: TimeDelta = TimeDelta::hours(6);
/// How many time zones one run looks up.
const LOOKED_UP: i64 = 50;
/// Pause before a look-up that failed is tried again.
const LATER: TimeDelta = TimeDelta::minutes(10);

/// The job and its dependencies.
#[derive(Debug, Clone)]
pub struct Digests {
    /// The use cases.
    pub service: Service,
    /// Looks users' time zones up.
    pub people: Arc<People>,
}

/// Runs every minute until `stop`.
pub async fn run(job: Digests, stop: CancellationToken) {
    let pulse = job.service.heartbeats.pulse("the digests", STUCK);
    let mut since = job.service.now() - FIRST_LOOK;
    while !stop.is_cancelled() {
        pulse.beat();
        let began = job.service.now();
        let succeeded = match round(&job, since, &pulse, &stop).await {
            Ok(()) => {
                since = began - LOOK;
                true
            }
            Err(failure) => {
                if !job.service.logged_outage(&failure) {
                    tracing::warn!(%failure, "Could not plan the digests; retrying");
                }
                false
            }
        };
        periodic::rest(&job.service, &pulse, &stop, INTERVAL, succeeded).await;
    }
}

async fn round(
    job: &Digests,
    since: DateTime<Utc>,
    pulse: &Pulse,
    stop: &CancellationToken,
) -> Result<(), ServiceError> {
    digests::discover(&job.service, since).await?;
    for user in digests::unzoned(&job.service, LOOKED_UP).await? {
        if stop.is_cancelled() {
            return Ok(());
        }
        pulse.beat();
        match job.people.ask(&user.slack_id, &user.user).await {
            // Their zone is in their profile now, unless Slack did not say one that this program knows.
            Ok(_) => digests::set_zone(&job.service, &user, Zone::UTC).await?,
            Err(error) if error.is_unknown_user() => {
                digests::postpone(&job.service, user.workspace, &user.user, None).await?;
            }
            Err(error) => {
                tracing::info!(%error, user = %user.user, "Could not look up a time zone; retrying later");
                let later = job.service.now() + LATER;
                digests::postpone(&job.service, user.workspace, &user.user, Some(later)).await?;
            }
        }
    }
    while !stop.is_cancelled() && digests::plan(&job.service).await?.1 {
        pulse.beat();
    }
    Ok(())
}
