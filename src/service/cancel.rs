//! A backend cancels its approval.

use super::{Service, ServiceError, authenticate::Caller, retrying};
use crate::{
    domain::{approvals::Approval, decisions, ids::ApprovalId, rejection::Rejection},
    storage,
};

/// Cancels a pending approval of this backend.
#[tracing::instrument(name = "cancel_approval", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend(), approval = %id))]
pub async fn cancel(service: &Service, caller: &Caller, id: ApprovalId) -> Result<Approval, ServiceError> {
    retrying!(attempt(service, caller, id))
}

async fn attempt(service: &Service, caller: &Caller, id: ApprovalId) -> Result<Approval, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let approval = storage::statements::decide::lock_of_caller(&mut work, caller.own(), id)
        .await?
        .ok_or(Rejection::UnknownApproval)?;
    let ended = decisions::cancel(&approval, work.now())?;
    let (db, unwritten) = work.parts();
    let ended = storage::statements::decide::save(db, unwritten, ended, &service.seal_fixed()).await?;
    work.commit().await?;
    Ok(ended)
}
