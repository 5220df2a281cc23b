//! The app is removed from a workspace. What waits there can no longer be shown, so it ends; what people allowed ends
//! too. The audit stays, and so do the catalogue and the backends: installing again finds them.

use chrono::{DateTime, Utc};

use super::{Service, ServiceError, give_up, retrying};
use crate::{
    domain::{text::Prose, workspaces},
    storage,
    storage::tables::{grants::GrantFilter, installations, installations::Installation},
};

/// How many approvals one transaction ends.
const BATCH: i64 = 50;
/// What backends are told.
const WHY: &str = "the Slack app is no longer installed";

/// Notes that the app was removed from the workspace with this Slack id, and ends what waits there. `false`: it was
/// removed already, or never installed.
#[tracing::instrument(name = "remove_app", skip_all, fields(workspace = slack_id))]
pub async fn leave(service: &Service, slack_id: &str, why: &str) -> Result<bool, ServiceError> {
    let removed = retrying!(remove(service, slack_id, None, why))?;
    end_all(service).await?;
    Ok(removed)
}

/// The same for the installation of that time, as [`installed_at`] gave it before Slack was asked: whoever has installed
/// the app since keeps it.
#[tracing::instrument(name = "remove_app", skip_all, fields(workspace = slack_id))]
pub async fn leave_that(
    service: &Service,
    slack_id: &str,
    installed_at: DateTime<Utc>,
    why: &str,
) -> Result<bool, ServiceError> {
    let removed = retrying!(remove(service, slack_id, Some(installed_at), why))?;
    end_all(service).await?;
    Ok(removed)
}

/// When the app was installed last in the workspace; `None` if it is not there.
pub async fn installed_at(service: &Service, slack_id: &str) -> Result<Option<DateTime<Utc>>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = installations::find(&mut db, slack_id).await?;
    Ok(found.filter(|found| !found.removed).map(|found| found.installed_at))
}

async fn remove(
    service: &Service,
    slack_id: &str,
    meant: Option<DateTime<Utc>>,
    why: &str,
) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let found = installations::lock_to_remove(&mut work, slack_id).await?;
    let is_meant = |found: &Installation| meant.is_none_or(|meant| meant == found.installed_at);
    let found = found.filter(|found| !found.removed && is_meant(found));
    let Some(Installation { id, .. }) = found else { return Ok(false) };
    let now = work.now();
    let grants = storage::tables::grants::lock(&mut work, id, &GrantFilter::default()).await?;
    let removed = work.record(workspaces::remove(id, slack_id, why, grants));
    installations::remove(&mut work, &removed, now).await?;
    storage::tables::grants::revoke(&mut work, &removed, now).await?;
    work.commit().await?;
    Ok(true)
}

/// Ends whatever is still pending in workspaces that the app was removed from, batch by batch. Called again from time
/// to time, it makes up for a process that died in between and for requests that came at the same moment.
#[tracing::instrument(name = "end_removed", skip_all)]
pub async fn end_all(service: &Service) -> Result<usize, ServiceError> {
    let mut count = 0;
    loop {
        match retrying!(end_batch(service))? {
            0 => return Ok(count),
            ended => count += ended,
        }
    }
}

async fn end_batch(service: &Service) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let stranded =
        storage::tables::approvals::lock_stranded(&mut work, &service.unreadable.at(now), BATCH).await?;
    service.unreadable.leave_out(&stranded.unreadable, now);
    let count = give_up::end(&mut work, &stranded.approvals, &Prose::from_stored(WHY.to_owned())).await?;
    work.commit().await?;
    Ok(count)
}
