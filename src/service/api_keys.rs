//! API keys, as an operator manages them from the command line.

use chrono::TimeDelta;
use secrecy::SecretString;

use super::{Service, ServiceError, UnitOfWork, authenticate::ApiKey, retrying};
use crate::{
    domain::{
        api_keys as domain,
        api_keys::{KeyRotation, KeyScopes, NewApiKey},
        ids::{ApiKeyId, BackendId},
    },
    storage::tables::{api_keys, api_keys::Listed, backends::Summary},
};

/// A key that was just created. Its secret is not stored, so this is the only time to show it.
#[derive(Debug)]
pub struct NewKey {
    /// The public half of the key.
    pub id: ApiKeyId,
    /// The calls that the key may make.
    pub scopes: KeyScopes,
    /// The whole key, as a caller sends it.
    pub secret: SecretString,
}

/// A selection of a backend's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The key with this id.
    One(ApiKeyId),
    /// All keys of the backend.
    All,
}

/// Why no key was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The backend has no such key, or it no longer works.
    #[error("the backend has no such key, or the key no longer works")]
    NoSuchKey,
    /// The backend's keys have different scopes, so the scopes of a common successor are unclear.
    #[error("the backend's keys have different scopes")]
    ScopesDiffer,
}

/// The keys of these backends, oldest first. Keys that no longer work are included.
pub async fn list(service: &Service, backends: &[BackendId]) -> Result<Vec<Listed>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(api_keys::list(&mut db, backends).await?)
}

/// Gives a backend an additional key.
#[tracing::instrument(name = "create_key", skip_all, fields(backend = %backend.id))]
pub async fn create(service: &Service, backend: &Summary, scopes: KeyScopes) -> Result<NewKey, ServiceError> {
    retrying!(try_create(service, backend, scopes))
}

async fn try_create(service: &Service, backend: &Summary, scopes: KeyScopes) -> Result<NewKey, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let (key, secret) = generate(service, backend.id, scopes);
    let key = work.record(domain::create(backend.reference(), key));
    api_keys::insert(&mut work, &key, &secret.hash(), now).await?;
    work.commit().await?;
    Ok(NewKey { id: key.id, scopes, secret: secret.reveal() })
}

/// Generates a key for a backend. Returns what to store, and the key itself.
pub(super) fn generate(service: &Service, backend: BackendId, scopes: KeyScopes) -> (NewApiKey, ApiKey) {
    let key = ApiKey::new(ApiKeyId::new(service.new_id()), service.entropy.bytes());
    (NewApiKey { id: key.id(), backend, scopes }, key)
}

/// Replaces keys with a new one. The replaced keys work for `overlap` longer; zero revokes them. The new key gets the
/// scopes of the replaced ones, unless `scopes` names others.
#[tracing::instrument(name = "rotate_key", skip_all, fields(backend = %backend.id))]
pub async fn rotate(
    service: &Service,
    backend: &Summary,
    selection: Selection,
    scopes: Option<KeyScopes>,
    overlap: TimeDelta,
) -> Result<Result<NewKey, KeyFault>, ServiceError> {
    retrying!(try_rotate(service, backend, selection, scopes, overlap))
}

async fn try_rotate(
    service: &Service,
    backend: &Summary,
    selection: Selection,
    scopes: Option<KeyScopes>,
    overlap: TimeDelta,
) -> Result<Result<NewKey, KeyFault>, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let replaced = unrevoked(&mut work, backend.id, selection).await?;
    let working: Vec<&Listed> = replaced.iter().filter(|key| key.works(now)).collect();
    if selection != Selection::All && working.is_empty() {
        return Ok(Err(KeyFault::NoSuchKey));
    }
    let scopes = match scopes.map_or_else(|| common_scopes(&working), Ok) {
        Ok(scopes) => scopes,
        Err(fault) => return Ok(Err(fault)),
    };
    let (key, secret) = generate(service, backend.id, scopes);
    let rotation = KeyRotation { key, replaced: ids(&replaced), previous_until: now + overlap };
    let rotation = work.record(domain::rotate(backend.reference(), rotation));
    api_keys::replace(&mut work, &rotation, now).await?;
    api_keys::insert(&mut work, &rotation, &secret.hash(), now).await?;
    work.commit().await?;
    Ok(Ok(NewKey { id: key.id, scopes, secret: secret.reveal() }))
}

/// The scopes for the successor of these keys. Keys that were rotated earlier and are about to expire count only if
/// there are no others. Without any key, the default scopes.
fn common_scopes(keys: &[&Listed]) -> Result<KeyScopes, KeyFault> {
    let lasting: Vec<&Listed> = keys.iter().copied().filter(|key| key.expires_at.is_none()).collect();
    let counted = if lasting.is_empty() { keys } else { &lasting };
    let Some(first) = counted.first() else { return Ok(KeyScopes::DEFAULT) };
    if counted.iter().all(|key| key.scopes == first.scopes) {
        Ok(first.scopes)
    } else {
        Err(KeyFault::ScopesDiffer)
    }
}

/// Revokes keys. Once this returns, no instance accepts them. Returns the keys that worked until now.
#[tracing::instrument(name = "revoke_key", skip_all, fields(backend = %backend.id))]
pub async fn revoke(
    service: &Service,
    backend: &Summary,
    selection: Selection,
) -> Result<Result<Vec<ApiKeyId>, KeyFault>, ServiceError> {
    retrying!(try_revoke(service, backend, selection))
}

async fn try_revoke(
    service: &Service,
    backend: &Summary,
    selection: Selection,
) -> Result<Result<Vec<ApiKeyId>, KeyFault>, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let meant = unrevoked(&mut work, backend.id, selection).await?;
    if selection != Selection::All && meant.is_empty() {
        return Ok(Err(KeyFault::NoSuchKey));
    }
    let (working, expired): (Vec<Listed>, Vec<Listed>) = meant.into_iter().partition(|key| key.works(now));
    let (working, expired) = (ids(&working), ids(&expired));
    if let Some(revoked) = domain::revoke(backend.reference(), &working) {
        let revoked = work.record(revoked);
        api_keys::revoke(&mut work, &revoked, now).await?;
    }
    api_keys::stop_expired(&mut work, &expired, now).await?;
    work.commit().await?;
    Ok(Ok(working))
}

/// The selected keys that are not revoked. Locks the backend, so that its keys can't change until the transaction ends.
async fn unrevoked(
    work: &mut UnitOfWork,
    backend: BackendId,
    selection: Selection,
) -> Result<Vec<Listed>, ServiceError> {
    api_keys::lock_backend(work, backend).await?;
    let mut keys = api_keys::list(work, &[backend]).await?;
    keys.retain(|key| match selection {
        Selection::One(id) => key.id == id && key.revoked_at.is_none(),
        Selection::All => key.revoked_at.is_none(),
    });
    Ok(keys)
}

fn ids(keys: &[Listed]) -> Vec<ApiKeyId> {
    keys.iter().map(|key| key.id).collect()
}
