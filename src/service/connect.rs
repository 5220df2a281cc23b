//! A backend reports that a user connected or disconnected an integration.

use super::{Failure, Service, authenticate::Caller, commit, own_integration, retrying, turn_off};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        grants::Revocation,
        ids::{IntegrationId, UserId},
        text::IntegrationKey,
    },
    storage::{self, connections, grants::Which, homes::Whose, integrations, outbox},
};

/// What the backend reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The user connected it.
    Connected,
    /// The user disconnected it, and what they allowed for it ends.
    Disconnected,
}

/// Stores the report, if this backend owns the integration or it has no owner. Idempotent.
pub async fn connect(
    service: &Service,
    caller: Caller,
    user: &UserId,
    key: &IntegrationKey,
    report: Report,
) -> Result<(), Failure> {
    retrying!(attempt(service, caller, user, key, report))
}

async fn attempt(
    service: &Service,
    caller: Caller,
    user: &UserId,
    key: &IntegrationKey,
    report: Report,
) -> Result<(), Failure> {
    let mut tx = service.begin().await?;
    let (workspace, now) = (caller.workspace, service.now());
    storage::workspaces::hold(&mut tx, workspace).await?;
    storage::members::lock(&mut tx, workspace, user).await?;
    let actor = Actor::Backend(caller.backend);
    let integration =
        integrations::lock_shared(&mut tx, workspace, key).await?.ok_or(Rejection::UnknownIntegration)?;
    let id = IntegrationId::new(integration.id);
    if let Err(rejection) = integration.ownership.may_connect(caller.backend) {
        let subject = format!("{user} {key}");
        return own_integration::refuse(service, tx, workspace, &actor, &subject, rejection).await;
    }
    let (changed, what) = match report {
        Report::Connected => (connections::insert(&mut tx, id, user, now).await?, What::ConnectionAdded),
        Report::Disconnected => (connections::delete(&mut tx, id, user).await?, What::ConnectionRemoved),
    };
    if !changed {
        // Not only read: a report that is said again was perhaps not confirmed, and this confirms it.
        return commit(tx).await;
    }
    let entry = Entry::new(actor.clone(), what).subject(format!("{user} {key}"));
    storage::audit::record(&mut tx, workspace, now, &[entry]).await?;
    if report == Report::Disconnected {
        let which = Which { user: Some(user), integration: Some(id), ..Which::default() };
        turn_off::revoke(service, &mut tx, workspace, &which, &actor, Revocation::Disconnected).await?;
    }
    let pending = storage::approvals::pending_for_connection(&mut tx, id, user).await?;
    outbox::draw_again(&mut tx, workspace, &pending, now, || service.fresh()).await?;
    service.refresh(&mut tx, workspace, Whose::Users(std::slice::from_ref(user))).await?;
    commit(tx).await
}
