//! Slack did not take a prompt: counted under its error code, and shown to admins.

use super::{Failure, Service, commit, retrying};
use crate::{
    domain::ids::WorkspaceId,
    storage::{homes::Whose, prompt_failures},
};

/// Counts a failure. `code` is a name out of a closed set.
pub async fn note(service: &Service, workspace: WorkspaceId, code: &'static str) -> Result<(), Failure> {
    retrying!(attempt(service, workspace, code))
}

async fn attempt(service: &Service, workspace: WorkspaceId, code: &str) -> Result<(), Failure> {
    let mut tx = service.begin().await?;
    prompt_failures::note(&mut tx, workspace, code, service.now()).await?;
    service.refresh(&mut tx, workspace, Whose::AdminsSoon).await?;
    commit(tx).await
}
