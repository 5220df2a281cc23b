//! Cancelling approvals that no caller listens to any longer.

use chrono::{DateTime, Utc};

use super::{Service, ServiceError, retrying, unreadable};
use crate::{
    domain::{abandonment::Listened, decisions, ids::ApprovalId},
    storage,
    storage::tables::{abandonments, approvals},
};

/// The maximum number of approvals per transaction.
const BATCH: i64 = 50;

/// What one look led to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Looked {
    /// How many approvals were cancelled.
    pub abandoned: u64,
    /// Whether more may be due.
    pub more: bool,
}

/// Looks at up to `BATCH` approvals that are due, and cancels those that no caller listened to. Approvals that
/// are being decided at this moment are left to the next look. `watched_since`: see
/// [`crate::domain::abandonment::Watch`].
#[tracing::instrument(name = "abandon_approvals", skip_all)]
pub async fn abandon(service: &Service, watched_since: DateTime<Utc>) -> Result<Looked, ServiceError> {
    retrying!(attempt(service, watched_since))
}

async fn attempt(service: &Service, watched_since: DateTime<Utc>) -> Result<Looked, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let due = abandonments::lock_due(&mut work, now, BATCH).await?;
    if due.is_empty() {
        return Ok(Looked::default());
    }
    let is_silent = |listened: &&Listened| listened.abandoned_at(Some(watched_since)) <= now;
    let (silent, listened): (Vec<&Listened>, Vec<&Listened>) = due.iter().partition(is_silent);
    let mut later: Vec<_> =
        listened.iter().map(|one| (one.approval, one.abandoned_at(Some(watched_since)))).collect();
    let ids: Vec<ApprovalId> = silent.iter().map(|one| one.approval).collect();
    let pending = approvals::lock_pending(&mut work, &ids).await?;
    later.extend(pending.unreadable.iter().map(|id| (*id, now + unreadable::PAUSE)));
    let mut abandoned = 0;
    for approval in &pending.approvals {
        let Some(listened) = silent.iter().find(|one| one.approval == approval.id()) else { continue };
        let Some(ended) = decisions::abandon(approval, listened, now) else { continue };
        let (db, unwritten) = work.parts();
        storage::statements::decide::save(db, unwritten, ended, &service.seal_fixed()).await?;
        abandoned += 1;
    }
    if !later.is_empty() {
        abandonments::postpone(&mut work, &later).await?;
    }
    let deleted = if ids.is_empty() { 0 } else { abandonments::delete_ended(&mut work, &ids).await? };
    work.commit().await?;
    let moved = deleted + later.len() as u64;
    Ok(Looked { abandoned, more: moved > 0 && due.len() as u64 >= BATCH.unsigned_abs() })
}
