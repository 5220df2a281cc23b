//! Ending approvals whose prompt Slack permanently refuses to show.

use super::{Service, ServiceError, UnitOfWork, retrying};
use crate::{
    domain::{approvals::Approval, decisions, ids::ApprovalId, text::Prose},
    storage,
};

/// Ends a pending approval as undeliverable. `false` if it had already ended.
#[tracing::instrument(name = "give_up", skip_all, fields(approval = %id))]
pub async fn give_up(service: &Service, id: ApprovalId, why: &Prose) -> Result<bool, ServiceError> {
    retrying!(attempt(service, id, why))
}

async fn attempt(service: &Service, id: ApprovalId, why: &Prose) -> Result<bool, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let Some(approval) = storage::statements::decide::lock(&mut work, id).await? else { return Ok(false) };
    let count = end(service, &mut work, &[approval], why).await?;
    work.commit().await?;
    Ok(count == 1)
}

/// Ends those of the approvals that are pending. The unit of work has locked all of them. Returns how many it ended.
pub(super) async fn end(
    service: &Service,
    work: &mut UnitOfWork,
    approvals: &[Approval],
    why: &Prose,
) -> Result<usize, ServiceError> {
    let (mut count, now) = (0, work.now());
    for ended in approvals.iter().filter_map(|approval| decisions::give_up(approval, why.clone(), now)) {
        let (db, unwritten) = work.parts();
        storage::statements::decide::save(db, unwritten, ended, &service.seal_fixed()).await?;
        count += 1;
    }
    Ok(count)
}
