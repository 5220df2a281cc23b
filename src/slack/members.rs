//! Looks once a day whether those who gave standing permissions, or are asked, are still full members of their workspace.
//! Slack tells of it ([`super::events`]), but events get lost, and apps from before lack the subscription.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::Slack;
use crate::{
    domain::decisions::PersonKind,
    heartbeat::Pulse,
    service::{
        Failure,
        members::{self, Ended, Holder},
    },
};

/// How often it is asked what time it is.
const POLL: Duration = Duration::from_secs(1);
/// How often it is looked for people whom nobody has looked for.
const ROUND: TimeDelta = TimeDelta::minutes(10);
/// Longest time without progress: one person, whom Slack may ask to wait for.
const STUCK: Duration = Duration::from_mins(2);

/// Looks until it is told to stop.
pub async fn run(slack: Slack, stop: CancellationToken) {
    let mut next = slack.service.now();
    let pulse = slack.service.heartbeats.pulse("the look at members", STUCK);
    while !stop.is_cancelled() {
        let now = slack.service.now();
        if now >= next {
            match round(&slack, &pulse, &stop).await {
                Ok(()) => next = now + ROUND,
                Err(failure) => {
                    tracing::warn!(%failure, "Those who gave standing permissions could not be looked for: trying again");
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
async fn round(slack: &Slack, pulse: &Pulse, stop: &CancellationToken) -> Result<(), Failure> {
    let mut silent = Vec::new();
    while !stop.is_cancelled() {
        pulse.beat();
        let holders = members::unchecked(&slack.service, &silent).await?;
        if holders.is_empty() {
            return Ok(());
        }
        for holder in &holders {
            pulse.beat();
            if silent.contains(&holder.workspace) {
                continue;
            }
            match slack.people.rights(&holder.slack_id, &holder.user).await {
                Ok(profile) if profile.kind == PersonKind::Member => {
                    members::stayed(&slack.service, holder).await?;
                }
                Ok(_) => end(slack, holder).await?,
                Err(error) if error.is_nobody() => end(slack, holder).await?,
                Err(error) => {
                    let workspace = &holder.slack_id;
                    tracing::info!(workspace, %error, "Slack doesn't say who is still a member: asking again later");
                    silent.push(holder.workspace);
                }
            }
        }
    }
    Ok(())
}

/// Ends the grants and pending approvals of a user who is no longer a full member.
pub(super) async fn end(slack: &Slack, holder: &Holder) -> Result<(), Failure> {
    let Ended { grants, approvals } = members::left(&slack.service, holder).await?;
    let Holder { slack_id, user, .. } = holder;
    tracing::warn!(workspace = slack_id, %user, grants, approvals, "Grants and pending approvals ended: the user is no longer a full member");
    Ok(())
}
