//! Whose an integration is: an operator shares it or moves it to a backend.

use serde_json::json;

use super::{Failure, Service, commit, retrying};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        catalog::Ownership,
        ids::{IntegrationId, WorkspaceId},
        text::IntegrationKey,
    },
    storage::{self, Tx, integrations},
};

/// Says whose the integration is from now on: the next description by another backend is refused. `false`: it was so
/// already.
pub async fn set(
    service: &Service,
    workspace: WorkspaceId,
    key: &IntegrationKey,
    ownership: Ownership,
) -> Result<bool, Failure> {
    retrying!(attempt(service, workspace, key, ownership))
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    key: &IntegrationKey,
    ownership: Ownership,
) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    storage::workspaces::hold(&mut tx, workspace).await?;
    let known = integrations::lock(&mut tx, workspace, key).await?.ok_or(Rejection::UnknownIntegration)?;
    if known.ownership == ownership {
        return Ok(false);
    }
    integrations::set_ownership(&mut tx, IntegrationId::new(known.id), ownership).await?;
    let what = if ownership == Ownership::Shared { What::IntegrationShared } else { What::IntegrationMoved };
    let entry = Entry::new(Actor::Operator, what)
        .subject(key.as_str())
        .before(json!({ "owner": name(known.ownership) }))
        .after(json!({ "owner": name(ownership) }));
    storage::audit::record(&mut tx, workspace, service.now(), &[entry]).await?;
    commit(tx).await?;
    Ok(true)
}

/// An owner, as the audit names it: a backend's id, or a word. `None`: no owner.
pub(super) fn name(ownership: Ownership) -> Option<String> {
    match ownership {
        Ownership::Unclaimed => None,
        Ownership::Backend(backend) => Some(backend.to_string()),
        Ownership::Operator => Some("operator".to_owned()),
        Ownership::Shared => Some("shared".to_owned()),
    }
}

/// Notes in the audit that a backend tried to change what is another's.
pub(super) async fn refuse<T>(
    service: &Service,
    mut tx: Tx,
    workspace: WorkspaceId,
    actor: &Actor,
    subject: &str,
    rejection: Rejection,
) -> Result<T, Failure> {
    let entry = Entry::new(actor.clone(), What::IntegrationRefused)
        .subject(subject)
        .after(json!({ "why": rejection.code() }));
    storage::audit::record(&mut tx, workspace, service.now(), &[entry]).await?;
    commit(tx).await?;
    Err(rejection.into())
}
