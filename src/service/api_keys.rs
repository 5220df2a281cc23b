//! An operator manages the API keys of a backend from the command line.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Failure, Service, authenticate::ApiKey, commit, retrying};
use crate::{
    domain::{
        api_keys::KeyScopes,
        audit::{Actor, Entry, What},
        ids::{ApiKeyId, BackendId},
    },
    storage::{
        self, Tx,
        api_keys::{self, Listed},
        backends::Summary,
    },
};

/// A key that was just created. Its secret can't be read again.
#[derive(Debug)]
pub struct NewKey {
    /// Its public half.
    pub id: ApiKeyId,
    /// What it may be used for.
    pub scopes: KeyScopes,
    /// The whole key.
    pub secret: SecretString,
}

/// A selection of a backend's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// This one.
    One(ApiKeyId),
    /// Every one.
    All,
}

/// Why keys are left as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The backend has no such key, or it no longer works.
    #[error("the backend has no such key, or the key no longer works")]
    NoSuchKey,
    /// The backend's keys have different scopes, so it is not clear what their successor may do.
    #[error("the backend's keys have different scopes")]
    ScopesDiffer,
}

/// The keys of these backends, oldest first; those that no longer work too.
pub async fn list(service: &Service, backends: &[BackendId]) -> Result<Vec<Listed>, Failure> {
    let mut db = service.db.acquire().await?;
    Ok(api_keys::list(&mut db, backends).await?)
}

/// Gives a backend one more key.
pub async fn create(service: &Service, backend: &Summary, scopes: KeyScopes) -> Result<NewKey, Failure> {
    retrying!(try_create(service, backend, scopes))
}

async fn try_create(service: &Service, backend: &Summary, scopes: KeyScopes) -> Result<NewKey, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let key = add(service, &mut tx, backend.id, scopes, now).await?;
    let after = json!({ "key": key.id, "scopes": scopes.names() });
    record(&mut tx, backend, What::KeyCreated, now, None, after).await?;
    commit(tx).await?;
    Ok(key)
}

/// Makes a key of this backend and stores what has to be stored of it.
pub(super) async fn add(
    service: &Service,
    tx: &mut Tx,
    backend: BackendId,
    scopes: KeyScopes,
    now: DateTime<Utc>,
) -> Result<NewKey, Failure> {
    let key = ApiKey::new(ApiKeyId::new(service.fresh()), service.entropy.bytes());
    api_keys::insert(tx, key.id(), backend, &key.hash(), scopes, now).await?;
    Ok(NewKey { id: key.id(), scopes, secret: key.reveal() })
}

/// Replaces keys by a new one. They work for `overlap` more; zero revokes them. The new key has the scopes of those that
/// it replaces, unless others are given.
pub async fn rotate(
    service: &Service,
    backend: &Summary,
    selection: Selection,
    scopes: Option<KeyScopes>,
    overlap: TimeDelta,
) -> Result<Result<NewKey, KeyFault>, Failure> {
    retrying!(try_rotate(service, backend, selection, scopes, overlap))
}

async fn try_rotate(
    service: &Service,
    backend: &Summary,
    selection: Selection,
    scopes: Option<KeyScopes>,
    overlap: TimeDelta,
) -> Result<Result<NewKey, KeyFault>, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let replaced = unrevoked(&mut tx, backend.id, selection).await?;
    let working: Vec<&Listed> = replaced.iter().filter(|key| key.works(now)).collect();
    if selection != Selection::All && working.is_empty() {
        return Ok(Err(KeyFault::NoSuchKey));
    }
    let scopes = match scopes.map_or_else(|| common_scopes(&working), Ok) {
        Ok(scopes) => scopes,
        Err(fault) => return Ok(Err(fault)),
    };
    let ids = ids(&replaced);
    if overlap.is_zero() {
        api_keys::revoke(&mut tx, &ids, now).await?;
    } else {
        api_keys::expire(&mut tx, &ids, now + overlap).await?;
    }
    let key = add(service, &mut tx, backend.id, scopes, now).await?;
    let after = json!({ "key": key.id, "scopes": scopes.names(), "previous_until": now + overlap });
    record(&mut tx, backend, What::KeyRotated, now, Some(json!({ "keys": ids })), after).await?;
    commit(tx).await?;
    Ok(Ok(key))
}

/// What the successor of these keys may do. Keys that were rotated before and are about to expire don't count while
/// there are others. Without any key, the default.
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

/// Revokes keys: when this returns, no instance takes them any more. Gives those that worked until now.
pub async fn revoke(
    service: &Service,
    backend: &Summary,
    selection: Selection,
) -> Result<Result<Vec<ApiKeyId>, KeyFault>, Failure> {
    retrying!(try_revoke(service, backend, selection))
}

async fn try_revoke(
    service: &Service,
    backend: &Summary,
    selection: Selection,
) -> Result<Result<Vec<ApiKeyId>, KeyFault>, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    // Expired ones too: an instance whose clock is behind may still take them.
    let mut revoked = unrevoked(&mut tx, backend.id, selection).await?;
    if selection != Selection::All && revoked.is_empty() {
        return Ok(Err(KeyFault::NoSuchKey));
    }
    api_keys::revoke(&mut tx, &ids(&revoked), now).await?;
    revoked.retain(|key| key.works(now));
    let revoked = ids(&revoked);
    if !revoked.is_empty() {
        record(&mut tx, backend, What::KeyRevoked, now, None, json!({ "keys": revoked })).await?;
    }
    commit(tx).await?;
    Ok(Ok(revoked))
}

/// The keys that are meant, but for those that were revoked. Until this transaction ends, no other one gives the backend
/// keys or takes them away.
async fn unrevoked(tx: &mut Tx, backend: BackendId, selection: Selection) -> Result<Vec<Listed>, Failure> {
    api_keys::lock_backend(tx, backend).await?;
    let mut keys = api_keys::list(tx, &[backend]).await?;
    keys.retain(|key| match selection {
        Selection::One(id) => key.id == id && key.revoked_at.is_none(),
        Selection::All => key.revoked_at.is_none(),
    });
    Ok(keys)
}

fn ids(keys: &[Listed]) -> Vec<ApiKeyId> {
    keys.iter().map(|key| key.id).collect()
}

async fn record(
    tx: &mut Tx,
    backend: &Summary,
    what: What,
    now: DateTime<Utc>,
    before: Option<Value>,
    after: Value,
) -> Result<(), Failure> {
    let mut entry = Entry::new(Actor::Operator, what).subject(backend.name.as_str()).after(after);
    entry.before = before;
    Ok(storage::audit::record(tx, backend.workspace, now, &[entry]).await?)
}
