//! Removal of the app from a workspace. Pending approvals end, because they can no longer be shown, and so do grants.
//! The audit, the catalogue and the backends stay, and a new installation finds them.

use chrono::{DateTime, Utc};

use super::{Service, ServiceError, give_up, retrying};
use crate::{
    domain::{text::Prose, workspaces},
    storage,
    storage::tables::{grants::GrantFilter, installations, installations::Installation},
};

/// The maximum number of approvals per transaction.
const BATCH: i64 = 50;
/// The reason that backends get.
const WHY: &str = "the Slack app is no longer installed";

/// Records that the app was removed from a workspace, and ends its grants and pending approvals. `false` if it was
/// removed already, or never installed.
#[tracing::instrument(name = "remove_app", skip_all, fields(workspace = slack_id))]
pub async fn leave(service: &Service, slack_id: &str, why: &str) -> Result<bool, ServiceError> {
    let removed = retrying!(remove(service, slack_id, None, why))?;
    end_all(service).await?;
    Ok(removed)
}

/// Like [`leave`], but only for the installation of this time, as [`installed_at`] returned it before Slack was asked.
/// A newer installation is not affected.
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

/// When the app was last installed in the workspace. `None` if it is not installed.
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

/// Ends approvals that are still pending in workspaces that the app was removed from, batch by batch. Called regularly,
/// because a process may die in between, and requests may arrive at the moment of removal.
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
    let count =
        give_up::end(service, &mut work, &stranded.approvals, &Prose::from_stored(WHY.to_owned())).await?;
    work.commit().await?;
    Ok(count)
}
