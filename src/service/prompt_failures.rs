//! Prompts that Slack refused, counted by error code and shown to admins.

use super::{Service, ServiceError, retrying};
use crate::{
    domain::{effects::Redraw, homes::Urgency, ids::WorkspaceId},
    storage::tables::prompt_failures,
};

/// Counts a failed prompt. `code` is a name from a closed list.
pub async fn note(service: &Service, workspace: WorkspaceId, code: &'static str) -> Result<(), ServiceError> {
    retrying!(attempt(service, workspace, code))
}

async fn attempt(service: &Service, workspace: WorkspaceId, code: &str) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    prompt_failures::note(&mut work, workspace, code, now).await?;
    work.redraw(Redraw::admins_homes(workspace, Urgency::Soon));
    work.commit().await
}
