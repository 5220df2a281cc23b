//! A backend takes its request back.

use super::{Failure, Service, authenticate::Caller, commit, retrying};
use crate::{
    domain::{Rejection, approvals::Approval, decisions, ids::ApprovalId},
    storage,
};

/// Cancels a pending approval of this backend.
pub async fn cancel(service: &Service, caller: Caller, id: ApprovalId) -> Result<Approval, Failure> {
    retrying!(attempt(service, caller, id))
}

async fn attempt(service: &Service, caller: Caller, id: ApprovalId) -> Result<Approval, Failure> {
    let mut tx = service.begin().await?;
    let approval = storage::decide::lock_of_backend(&mut tx, caller.backend, id)
        .await?
        .ok_or(Rejection::UnknownApproval)?;
    let (ended, effects) = decisions::cancel(&approval, service.now())?;
    if let Some(decision) = &ended.decision {
        storage::decide::save(&mut tx, &ended, decision, &effects, || service.fresh()).await?;
    }
    commit(tx).await?;
    Ok(ended)
}
