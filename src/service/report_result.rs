//! A backend reports what came of an approved call.

use super::{Service, ServiceError, authenticate::Caller, retrying};
use crate::{
    domain::{approvals::Approval, ids::ApprovalId, rejection::Rejection, reporting, results::Report},
    storage,
    storage::tables::approval_results,
};

/// Stores the result of an approved call of this backend, and returns the approval. Reporting the same again changes
/// nothing.
#[tracing::instrument(name = "report_result", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend(), approval = %id))]
pub async fn report(
    service: &Service,
    caller: &Caller,
    id: ApprovalId,
    report: &Report,
) -> Result<Approval, ServiceError> {
    retrying!(attempt(service, caller, id, report))
}

async fn attempt(
    service: &Service,
    caller: &Caller,
    id: ApprovalId,
    report: &Report,
) -> Result<Approval, ServiceError> {
    let mut work = service.begin().await?;
    let locked = storage::statements::decide::lock_of_caller(&mut work, caller.own(), id).await?;
    let mut approval = locked.ok_or(Rejection::UnknownApproval)?;
    // The lock may have waited for another report, which the statement that took it did not see.
    approval.result = approval_results::find(&mut work, id).await?;
    if let Some(reported) = reporting::report(&approval, report.clone(), work.now())? {
        let reported = work.record(reported);
        approval_results::save(&mut work, &reported).await?;
        approval.result = Some(reported.into_state().result);
    }
    // Also after a repeated report: the commit of the first one may be unconfirmed, and this one waits for the same
    // confirmation.
    work.commit().await?;
    Ok(approval)
}
