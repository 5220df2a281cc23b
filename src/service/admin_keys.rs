//! Admin keys, as an operator manages them from the command line.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::{Service, ServiceError, authenticate::AdminKey, retrying};
pub use crate::storage::tables::admin_keys::Listed;
use crate::{
    domain::{
        admin_key_ref::AdminKeyRef,
        admin_keys::{self as domain, AdminKeyRotation, NewAdminKey},
        ids::{ApiKeyId, WorkspaceId},
        text::Name,
    },
    storage::tables::admin_keys,
};

/// A key that was just created. The secret is not stored, so this is the only time to show it.
#[derive(Debug)]
pub struct NewKey {
    /// Its id and name.
    pub key: AdminKeyRef,
    /// Until when it works. `None`: until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
    /// The whole key, as a caller sends it.
    pub secret: SecretString,
}

/// The keys of all workspaces, or of the one with this Slack id, oldest first. Keys that no longer work are included.
pub async fn list(service: &Service, slack_id: Option<&str>) -> Result<Vec<Listed>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(admin_keys::list(&mut db, slack_id).await?)
}

/// Creates a key that administers a workspace.
#[tracing::instrument(name = "create_admin_key", skip_all, fields(%workspace))]
pub async fn create(
    service: &Service,
    workspace: WorkspaceId,
    name: &Name,
    lifetime: Option<TimeDelta>,
) -> Result<NewKey, ServiceError> {
    retrying!(try_create(service, workspace, name, lifetime))
}

async fn try_create(
    service: &Service,
    workspace: WorkspaceId,
    name: &Name,
    lifetime: Option<TimeDelta>,
) -> Result<NewKey, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let (key, secret) = generate(service, workspace, name.clone(), lifetime, now);
    let key = work.record(domain::create(key));
    admin_keys::insert(&mut work, &key, &secret.hash(), now).await?;
    work.commit().await?;
    Ok(shown(&key, &secret))
}

fn generate(
    service: &Service,
    workspace: WorkspaceId,
    name: Name,
    lifetime: Option<TimeDelta>,
    now: DateTime<Utc>,
) -> (NewAdminKey, AdminKey) {
    let secret = AdminKey::new(ApiKeyId::new(service.new_id()), service.entropy.bytes());
    let key = NewAdminKey {
        key: AdminKeyRef { id: secret.id(), name },
        workspace,
        lifetime,
        expires_at: lifetime.map(|lifetime| now + lifetime),
    };
    (key, secret)
}

fn shown(key: &NewAdminKey, secret: &AdminKey) -> NewKey {
    NewKey { key: key.key.clone(), expires_at: key.expires_at, secret: secret.reveal() }
}

/// Replaces a key with a new one of the same name and lifetime. The old key works for `overlap` longer. `None` if the
/// workspace has no such key, or it no longer works.
#[tracing::instrument(name = "rotate_admin_key", skip_all, fields(%workspace))]
pub async fn rotate(
    service: &Service,
    workspace: WorkspaceId,
    id: ApiKeyId,
    overlap: TimeDelta,
) -> Result<Option<NewKey>, ServiceError> {
    retrying!(try_rotate(service, workspace, id, overlap))
}

async fn try_rotate(
    service: &Service,
    workspace: WorkspaceId,
    id: ApiKeyId,
    overlap: TimeDelta,
) -> Result<Option<NewKey>, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let found = admin_keys::lock(&mut work, workspace).await?;
    let Some(old) = found.into_iter().find(|key| key.key.id == id && key.works(now)) else { return Ok(None) };
    let (key, secret) = generate(service, workspace, old.key.name, old.lifetime, now);
    let rotation = AdminKeyRotation { key, replaced: old.key.id, previous_until: now + overlap };
    let rotation = work.record(domain::rotate(rotation));
    admin_keys::replace(&mut work, &rotation, now).await?;
    admin_keys::insert(&mut work, &rotation, &secret.hash(), now).await?;
    work.commit().await?;
    Ok(Some(shown(&rotation.key, &secret)))
}

/// Revokes one of a workspace's admin keys, or all. Once this returns, no instance accepts them. Returns the keys that
/// worked until now.
#[tracing::instrument(name = "revoke_admin_keys", skip_all, fields(%workspace))]
pub async fn revoke(
    service: &Service,
    workspace: WorkspaceId,
    only: Option<ApiKeyId>,
) -> Result<Vec<ApiKeyId>, ServiceError> {
    retrying!(try_revoke(service, workspace, only))
}

async fn try_revoke(
    service: &Service,
    workspace: WorkspaceId,
    only: Option<ApiKeyId>,
) -> Result<Vec<ApiKeyId>, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let mut keys = admin_keys::lock(&mut work, workspace).await?;
    keys.retain(|key| only.is_none_or(|only| key.key.id == only));
    let (working, expired): (Vec<Listed>, Vec<Listed>) = keys.into_iter().partition(|key| key.works(now));
    let mut ended = Vec::new();
    for key in working {
        let revoked = work.record(domain::revoke(workspace, &key.key));
        admin_keys::revoke(&mut work, &revoked, now).await?;
        ended.push(key.key.id);
    }
    let expired: Vec<ApiKeyId> = expired.into_iter().map(|key| key.key.id).collect();
    admin_keys::stop_expired(&mut work, &expired, now).await?;
    work.commit().await?;
    Ok(ended)
}
