//! Letting more people decide an approval that no one decided in time.

use super::{Service, ServiceError, retrying};
use crate::{
    domain::decisions,
    storage::tables::{approvals, approver_answers},
};

/// The most approvals of one transaction.
const BATCH: i64 = 20;

/// Escalates up to `BATCH` approvals whose time has come, each at most once. Returns how many rows were dealt with. Those
/// that are being decided at this moment are looked at again later.
#[tracing::instrument(name = "escalate_approvals", skip_all)]
pub async fn escalate(service: &Service) -> Result<usize, ServiceError> {
    retrying!(attempt(service))
}

async fn attempt(service: &Service) -> Result<usize, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let due = approver_answers::due(&mut work, now, BATCH).await?;
    if due.is_empty() {
        return Ok(0);
    }
    // Pending ones, locked against decisions. Another instance that is escalating one has locked it.
    let pending = approvals::lock_pending(&mut work, &due).await?;
    let mut count = 0;
    for changed in pending.approvals.iter().filter_map(decisions::escalate) {
        // Read again under the approval's lock: another instance may have escalated it since.
        if !approver_answers::will_escalate(&mut work, changed.state().approval).await? {
            continue;
        }
        let escalated = work.record(changed);
        approver_answers::escalate(&mut work, &escalated, now).await?;
        count += 1;
    }
    let ended = approvals::ended_among(&mut work, &due).await?;
    approver_answers::forget(&mut work, &ended, now).await?;
    work.commit().await?;
    Ok(count + ended.len())
}
