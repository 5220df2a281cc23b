//! Looks once a day whether those who gave standing permissions, or are asked, are still full members of their workspace.
//! Slack tells of it ([`crate::slack::handlers::events`]), but events get lost, and apps from before lack the subscription.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::people::PersonKind,
    heartbeat::Pulse,
    service::{Service, ServiceError, members},
    slack::web_api::users::People,
};

/// How often it is asked what time it is.
const POLL: Duration = Duration::from_secs(1);
/// How often it is looked for people whom nobody has looked for.
const ROUND: TimeDelta = TimeDelta::minutes(10);
/// Longest time without progress: one person, whom Slack may ask to wait for.
const STUCK: Duration = Duration::from_mins(2);

/// What the job needs.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The use cases.
    pub service: Service,
    /// Who a user is.
    pub people: Arc<People>,
}

/// Looks until it is told to stop.
pub async fn run(job: Membership, stop: CancellationToken) {
    let mut next = job.service.now();
    let pulse = job.service.heartbeats.pulse("the membership check", STUCK);
    while !stop.is_cancelled() {
        let now = job.service.now();
        if now >= next {
            match round(&job, &pulse, &stop).await {
                Ok(()) => next = now + ROUND,
                Err(failure) => {
                    tracing::warn!(%failure, "Could not list the users to check; retrying");
                }
            }
        }
        pulse.rest();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Looks for everybody who is due. Where Slack doesn't say, the next round asks again: a Slack that is down takes nobody's
/// permissions away. A workspace whose token is dead must not keep the others from being looked at, so it alone is left out.
#[tracing::instrument(name = "check_members", skip_all)]
async fn round(job: &Membership, pulse: &Pulse, stop: &CancellationToken) -> Result<(), ServiceError> {
    let mut silent = Vec::new();
    while !stop.is_cancelled() {
        pulse.beat();
        let holders = members::unchecked(&job.service, &silent).await?;
        if holders.is_empty() {
            return Ok(());
        }
        for holder in &holders {
            pulse.beat();
            if silent.contains(&holder.workspace) {
                continue;
            }
            match job.people.rights(&holder.slack_id, &holder.user).await {
                Ok(profile) if profile.kind == PersonKind::Member => {
                    members::stayed(&job.service, holder).await?;
                }
                Ok(_) => members::end(&job.service, holder).await?,
                Err(error) if error.is_unknown_user() => members::end(&job.service, holder).await?,
                Err(error) => {
                    let workspace = &holder.slack_id;
                    tracing::info!(workspace, %error, "Membership check failed; retrying later");
                    silent.push(holder.workspace);
                }
            }
        }
    }
    Ok(())
}
