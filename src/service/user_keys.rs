//! API keys that are bound to one user, as operators and their users manage them.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::{
    Service, ServiceError, UnitOfWork,
    authenticate::ApiKey,
    retrying,
    workspaces::{self, Origin},
};
pub use crate::storage::tables::user_keys::Listed;
use crate::{
    domain::{
        audit::Actor,
        ids::{ApiKeyId, BackendId, UserId, WorkspaceId},
        text::Name,
        user_keys::{self as domain, NewUserKey, UserKeyRotation},
    },
    storage::tables::{backends::Summary, user_keys},
};

/// A key that was just created. The secret is not stored, so this is the only time to show it.
#[derive(Debug)]
pub struct NewKey {
    /// The public half.
    pub id: ApiKeyId,
    /// The user that it is bound to.
    pub user: UserId,
    /// Until when it works. `None`: until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
    /// The whole key, as a caller sends it.
    pub secret: SecretString,
}

/// The keys of these backends, oldest first. Keys that no longer work are included.
pub async fn list(service: &Service, backends: &[BackendId]) -> Result<Vec<Listed>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(user_keys::list(&mut db, backends).await?)
}

/// Gives a user a key of a backend. The caller has found that they are a full member of its workspace.
#[tracing::instrument(name = "create_user_key", skip_all, fields(backend = %backend.id, %user))]
pub async fn create(
    service: &Service,
    backend: &Summary,
    user: &UserId,
    name: Option<&Name>,
    lifetime: Option<TimeDelta>,
) -> Result<NewKey, ServiceError> {
    retrying!(try_create(service, backend, user, name, lifetime))
}

async fn try_create(
    service: &Service,
    backend: &Summary,
    user: &UserId,
    name: Option<&Name>,
    lifetime: Option<TimeDelta>,
) -> Result<NewKey, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let secret = ApiKey::new(ApiKeyId::new(service.new_id()), service.entropy.bytes());
    let key = NewUserKey {
        id: secret.id(),
        backend: backend.id,
        workspace: backend.workspace,
        user: user.clone(),
        name: name.cloned(),
        lifetime,
        expires_at: lifetime.map(|lifetime| now + lifetime),
    };
    let key = work.record(domain::create(backend.reference(), key));
    user_keys::insert(&mut work, &key, &secret.hash(), now).await?;
    work.commit().await?;
    Ok(shown(&key, &secret))
}

fn shown(key: &NewUserKey, secret: &ApiKey) -> NewKey {
    NewKey { id: key.id, user: key.user.clone(), expires_at: key.expires_at, secret: secret.reveal() }
}

/// Replaces a user's key with a new one of the same name and lifetime. The old key works for `overlap` longer. `None` if
/// the backend has no such key, or it no longer works.
#[tracing::instrument(name = "rotate_user_key", skip_all, fields(backend = %backend.id))]
pub async fn rotate(
    service: &Service,
    backend: &Summary,
    id: ApiKeyId,
    overlap: TimeDelta,
) -> Result<Option<NewKey>, ServiceError> {
    retrying!(try_rotate(service, backend, id, overlap))
}

async fn try_rotate(
    service: &Service,
    backend: &Summary,
    id: ApiKeyId,
    overlap: TimeDelta,
) -> Result<Option<NewKey>, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let found = user_keys::lock_of_backend(&mut work, backend.id).await?;
    let Some(old) = found.into_iter().find(|key| key.id == id && key.works(now)) else { return Ok(None) };
    let secret = ApiKey::new(ApiKeyId::new(service.new_id()), service.entropy.bytes());
    let key = NewUserKey {
        id: secret.id(),
        backend: backend.id,
        workspace: backend.workspace,
        user: old.user,
        name: old.name.map(Name::from_stored),
        lifetime: old.lifetime,
        expires_at: old.lifetime.map(|lifetime| now + lifetime),
    };
    let rotation = UserKeyRotation { key, replaced: old.id, previous_until: now + overlap };
    let rotation = work.record(domain::rotate(backend.reference(), rotation));
    user_keys::replace(&mut work, &rotation, now).await?;
    user_keys::insert(&mut work, &rotation, &secret.hash(), now).await?;
    work.commit().await?;
    Ok(Some(shown(&rotation.key, &secret)))
}

/// Revokes one of a backend's bound keys, or all. Once this returns, no instance accepts them. Returns the keys that
/// worked until now.
#[tracing::instrument(name = "revoke_user_keys", skip_all, fields(backend = %backend.id))]
pub async fn revoke(
    service: &Service,
    backend: &Summary,
    only: Option<ApiKeyId>,
) -> Result<Vec<ApiKeyId>, ServiceError> {
    retrying!(try_revoke(service, backend, only))
}

async fn try_revoke(
    service: &Service,
    backend: &Summary,
    only: Option<ApiKeyId>,
) -> Result<Vec<ApiKeyId>, ServiceError> {
    let mut work = service.begin().await?;
    let mut keys = user_keys::lock_of_backend(&mut work, backend.id).await?;
    keys.retain(|key| only.is_none_or(|only| key.id == only));
    let ended = end(&mut work, keys, &Actor::Operator).await?;
    work.commit().await?;
    Ok(ended)
}

/// Revokes keys that are locked, and returns those that worked until now.
async fn end(work: &mut UnitOfWork, keys: Vec<Listed>, actor: &Actor) -> Result<Vec<ApiKeyId>, ServiceError> {
    let now = work.now();
    let mut ended = Vec::new();
    let (working, expired): (Vec<Listed>, Vec<Listed>) = keys.into_iter().partition(|key| key.works(now));
    for key in working {
        let revoked = work.record(domain::revoke(actor.clone(), key.working()));
        user_keys::revoke(work, &revoked, now).await?;
        ended.push(key.id);
    }
    let expired: Vec<ApiKeyId> = expired.into_iter().map(|key| key.id).collect();
    user_keys::stop_expired(work, &expired, now).await?;
    Ok(ended)
}

/// Revokes a key for its user. `None` if they have no such key; `false` if it no longer worked.
#[tracing::instrument(name = "revoke_own_key", skip_all, fields(workspace = origin.workspace, %user))]
pub async fn revoke_own(
    service: &Service,
    origin: Origin<'_>,
    user: &UserId,
    id: ApiKeyId,
) -> Result<bool, ServiceError> {
    retrying!(try_revoke_own(service, origin, user, id))
}

async fn try_revoke_own(
    service: &Service,
    origin: Origin<'_>,
    user: &UserId,
    id: ApiKeyId,
) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let workspace = workspaces::enter(&mut work, origin, user).await?.id;
    let mut keys = user_keys::lock_of_user(&mut work, workspace, user).await?;
    keys.retain(|key| key.id == id);
    let ended = end(&mut work, keys, &Actor::User(user.clone())).await?;
    work.commit().await?;
    Ok(!ended.is_empty())
}

/// Revokes all keys of a user who is no longer a full member, in the transaction that ends their grants.
pub(super) async fn end_of_user(
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    user: &UserId,
) -> Result<usize, ServiceError> {
    let keys = user_keys::lock_of_user(work, workspace, user).await?;
    Ok(end(work, keys, &Actor::Service).await?.len())
}
