//! API keys that are bound to one user: a laptop, or an agent that works for one person.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{ApiKeyId, BackendId, UserId, WorkspaceId},
    text::Name,
};
use crate::domain::backend_ref::BackendRef;

/// A new key of a user, without its secret half: `domain` never sees that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUserKey {
    /// The public half of the key.
    pub id: ApiKeyId,
    /// The backend that the key belongs to.
    pub backend: BackendId,
    /// The backend's workspace.
    pub workspace: WorkspaceId,
    /// The user that the key is bound to.
    pub user: UserId,
    /// Which device or agent has it.
    pub name: Option<Name>,
    /// For how long it was made. `None`: until it is revoked.
    pub lifetime: Option<TimeDelta>,
    /// When that is over.
    pub expires_at: Option<DateTime<Utc>>,
}

impl AsRef<Self> for NewUserKey {
    fn as_ref(&self) -> &Self {
        self
    }
}

fn describe(key: &NewUserKey) -> serde_json::Value {
    json!({ "key": key.id, "user": key.user, "name": key.name, "expires_at": key.expires_at })
}

/// Gives a user a key of a backend.
pub fn create(backend: BackendRef<'_>, key: NewUserKey) -> Changed<NewUserKey> {
    let entry = backend.entry(AuditAction::KeyCreated).after(describe(&key)).concerning([key.user.clone()]);
    Changed::new(backend.workspace, key, entry)
}

/// A key that replaces another one of the same user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserKeyRotation {
    /// The new key.
    pub key: NewUserKey,
    /// The key that it replaces.
    pub replaced: ApiKeyId,
    /// How long the replaced key keeps working.
    pub previous_until: DateTime<Utc>,
}

impl AsRef<NewUserKey> for UserKeyRotation {
    fn as_ref(&self) -> &NewUserKey {
        &self.key
    }
}

/// Replaces a user's key with a new one. The old key works until `previous_until`.
pub fn rotate(backend: BackendRef<'_>, rotation: UserKeyRotation) -> Changed<UserKeyRotation> {
    let mut after = describe(&rotation.key);
    after["previous_until"] = json!(rotation.previous_until);
    let entry = backend
        .entry(AuditAction::KeyRotated)
        .before(json!({ "keys": [rotation.replaced] }))
        .after(after)
        .concerning([rotation.key.user.clone()]);
    Changed::new(backend.workspace, rotation, entry)
}

/// A user's key, read under its lock in order to end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingKey {
    /// The public half of the key.
    pub id: ApiKeyId,
    /// The workspace of its backend.
    pub workspace: WorkspaceId,
    /// The name of its backend.
    pub backend: String,
    /// The user that the key is bound to.
    pub user: UserId,
}

/// Revokes a key: the operator, its user, or the service because the user left.
pub fn revoke(actor: Actor, key: WorkingKey) -> Changed<WorkingKey> {
    let entry = Entry::new(actor, AuditAction::KeyRevoked)
        .subject(key.backend.as_str())
        .after(json!({ "keys": [key.id], "user": key.user }))
        .concerning([key.user.clone()]);
    Changed::new(key.workspace, key, entry)
}
