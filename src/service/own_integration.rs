//! The owner of an integration: an operator shares it, or moves it to a backend.

use super::{Service, ServiceError, retrying};
use crate::{
    domain::{
        ids::{IntegrationId, WorkspaceId},
        ownership,
        ownership::Ownership,
        rejection::Rejection,
        text::IntegrationKey,
    },
    storage,
    storage::tables::integrations,
};

/// Changes an integration's owner. From now on descriptions by other backends are refused. `false` if the owner is
/// already the requested one.
#[tracing::instrument(name = "set_owner", skip_all, fields(%workspace))]
pub async fn set(
    service: &Service,
    workspace: WorkspaceId,
    key: &IntegrationKey,
    ownership: Ownership,
) -> Result<bool, ServiceError> {
    retrying!(attempt(service, workspace, key, ownership))
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    key: &IntegrationKey,
    ownership: Ownership,
) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    let known = integrations::lock(&mut work, workspace, key).await?.ok_or(Rejection::UnknownIntegration)?;
    let id = IntegrationId::new(known.id);
    let Some(change) = ownership::set_owner(workspace, (id, key), known.ownership, ownership) else {
        return Ok(false);
    };
    let change = work.record(change);
    integrations::set_ownership(&mut work, &change).await?;
    work.commit().await?;
    Ok(true)
}
