//! A backend reports that a user connected or disconnected an integration.

use super::{Service, ServiceError, authenticate::Caller, retrying, turn_off};
pub use crate::domain::connections::Report;
use crate::{
    domain::{
        audit::Actor,
        connections as reports,
        ids::{IntegrationId, UserId},
        ownership,
        rejection::Rejection,
        revocation::Revocation,
        text::IntegrationKey,
    },
    storage,
    storage::tables::{connections, grants::GrantFilter, integrations},
};

/// Stores the report, if this backend owns the integration or it has no owner. Repeating a report changes nothing.
#[tracing::instrument(name = "report_connection", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend(), user = %user))]
pub async fn connect(
    service: &Service,
    caller: &Caller,
    user: &UserId,
    key: &IntegrationKey,
    report: Report,
) -> Result<(), ServiceError> {
    caller.may_concern(user)?;
    caller.may_describe(key)?;
    retrying!(attempt(service, caller, user, key, report))
}

async fn attempt(
    service: &Service,
    caller: &Caller,
    user: &UserId,
    key: &IntegrationKey,
    report: Report,
) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let (workspace, backend, now) = (caller.workspace(), caller.own().backend(), work.now());
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    storage::tables::members::lock(&mut work, workspace, user).await?;
    let actor = Actor::Backend(backend);
    let integration =
        integrations::lock_shared(&mut work, workspace, key).await?.ok_or(Rejection::UnknownIntegration)?;
    let id = IntegrationId::new(integration.id);
    if let Err(rejection) = integration.ownership.may_connect(backend) {
        let subject = format!("{user} {key}");
        return work.refuse(ownership::refuse(workspace, &actor, &subject, rejection)).await;
    }
    let is_connected = connections::lock(&mut work, id, user).await?;
    if is_connected == (report == Report::Connected) {
        // An earlier report may have had no confirmed commit. Committing here confirms it.
        return work.commit().await;
    }
    let pending = storage::tables::approvals::pending_for_connection(&mut work, id, user).await?;
    let change = work.record(reports::connect(workspace, backend, (id, key), user, report, &pending));
    connections::save(&mut work, &change, now).await?;
    if report == Report::Disconnected {
        let filter = GrantFilter { user: Some(user), integration: Some(id), ..GrantFilter::default() };
        turn_off::revoke(&mut work, workspace, &filter, &actor, Revocation::Disconnected).await?;
    }
    work.commit().await
}
