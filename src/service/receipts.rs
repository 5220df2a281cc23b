//! What a receipt states: an ended approval, its workspace, and what the prompts showed.

use super::{Service, ServiceError, authenticate::Caller};
use crate::{
    domain::{approvals::Approval, arguments::Digest, ids::ApprovalId, rejection::Rejection},
    storage,
    storage::tables::{prompts, workspaces},
};

/// What a receipt states.
#[derive(Debug)]
pub struct Facts {
    /// The approval, which has ended.
    pub approval: Approval,
    /// Slack's id of its workspace.
    pub workspace: String,
    /// The digests of the messages that asked people.
    pub shown: Vec<Digest>,
}

/// What the receipt of an ended approval states that the caller may see.
#[tracing::instrument(name = "read_receipt", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend(), approval = %id))]
pub async fn facts(service: &Service, caller: &Caller, id: ApprovalId) -> Result<Facts, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::approvals::find_of_caller(&mut db, caller.own(), id).await?;
    let approval = found.ok_or(Rejection::UnknownApproval)?;
    let Some(decided_at) = approval.decision.as_ref().map(|decision| decision.decided_at) else {
        return Err(Rejection::StillPending(Box::new(approval)).into());
    };
    let workspace = workspaces::find(&mut db, approval.request.workspace).await?;
    let workspace = workspace.ok_or(Rejection::UnknownApproval)?.slack_id;
    let shown = prompts::shown(&mut db, id, decided_at).await?;
    Ok(Facts { approval, workspace, shown })
}
