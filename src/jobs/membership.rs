//! Checks once a day whether the users who gave grants or have pending requests are still full members of their
//! workspace. Slack sends events about this ([`crate::slack::handlers::events`]), but events get lost, and older
//! installations of the app have no subscription.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::people::PersonKind,
    heartbeat::Pulse,
    service::{
        Service, ServiceError, members,
        members::{After, Page},
    },
    slack::web_api::users::People,
};

/// How often the job compares the clock with its next run. Tests move the clock.
const POLL: Duration = Duration::from_secs(1);
/// How often the job looks for users whose check is due.
const ROUND: TimeDelta = TimeDelta::minutes(10);
/// Longest time without progress: the look-up of one user, including a rate limit.
const STUCK: Duration = Duration::from_mins(2);

/// The job and its dependencies.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The use cases.
    pub service: Service,
    /// Looks users up in Slack.
    pub people: Arc<People>,
}

/// Runs until `stop`.
pub async fn run(job: Membership, stop: CancellationToken) {
    let mut next = job.service.now();
    let pulse = job.service.heartbeats.pulse("the membership check", STUCK);
    while !stop.is_cancelled() {
        let now = job.service.now();
        if now >= next {
            match round(&job, &pulse, &stop).await {
                Ok(()) => next = now + ROUND,
                Err(failure) => {
                    if !job.service.logged_outage(&failure) {
                        tracing::warn!(%failure, "Could not list the users to check; retrying");
                    }
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

/// Checks every user who is due. If Slack does not answer, the next run tries again: an outage of Slack must not end
/// grants. A workspace whose token no longer works is skipped, so that the others are still checked.
#[tracing::instrument(name = "check_members", skip_all)]
async fn round(job: &Membership, pulse: &Pulse, stop: &CancellationToken) -> Result<(), ServiceError> {
    let mut silent = Vec::new();
    let mut after = Some(After::default());
    while let Some(page) = after.take().filter(|_| !stop.is_cancelled()) {
        pulse.beat();
        let Page { due, next } = members::unchecked(&job.service, &silent, &page).await?;
        after = next;
        for holder in &due {
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
