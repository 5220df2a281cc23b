//! Admin keys: API keys of a workspace, with which a program administers it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    admin_key_ref::AdminKeyRef,
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{ApiKeyId, WorkspaceId},
};

/// A new admin key, without its secret half: `domain` never sees that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAdminKey {
    /// Its id and name.
    pub key: AdminKeyRef,
    /// The workspace that it administers.
    pub workspace: WorkspaceId,
    /// For how long it was made. `None`: until it is revoked.
    pub lifetime: Option<TimeDelta>,
    /// When that is over.
    pub expires_at: Option<DateTime<Utc>>,
}

impl AsRef<Self> for NewAdminKey {
    fn as_ref(&self) -> &Self {
        self
    }
}

fn entry(what: AuditAction, key: &AdminKeyRef) -> Entry {
    Entry::new(Actor::Operator, what).subject(key.name.as_str())
}

/// Creates an admin key. Only the operator does.
pub fn create(key: NewAdminKey) -> Changed<NewAdminKey> {
    let entry = entry(AuditAction::AdminKeyCreated, &key.key)
        .after(json!({ "key": key.key.id, "expires_at": key.expires_at }));
    Changed::new(key.workspace, key, entry)
}

/// An admin key that replaces another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminKeyRotation {
    /// The new key.
    pub key: NewAdminKey,
    /// The key that it replaces.
    pub replaced: ApiKeyId,
    /// How long the replaced key keeps working.
    pub previous_until: DateTime<Utc>,
}

impl AsRef<NewAdminKey> for AdminKeyRotation {
    fn as_ref(&self) -> &NewAdminKey {
        &self.key
    }
}

/// Replaces an admin key with a new one. The old key works until `previous_until`.
pub fn rotate(rotation: AdminKeyRotation) -> Changed<AdminKeyRotation> {
    let AdminKeyRotation { key, replaced, previous_until } = &rotation;
    let entry = entry(AuditAction::AdminKeyRotated, &key.key)
        .before(json!({ "keys": [replaced] }))
        .after(json!({ "key": key.key.id, "expires_at": key.expires_at, "previous_until": previous_until }));
    Changed::new(key.workspace, rotation, entry)
}

/// An admin key that is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminKeyRevoked(pub ApiKeyId);

/// Revokes an admin key that still works.
pub fn revoke(workspace: WorkspaceId, key: &AdminKeyRef) -> Changed<AdminKeyRevoked> {
    let entry = entry(AuditAction::AdminKeyRevoked, key).after(json!({ "keys": [key.id] }));
    Changed::new(workspace, AdminKeyRevoked(key.id), entry)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{
        ids::{BackendId, UserId},
        text::Name,
    };

    #[test]
    fn a_key_is_never_taken_for_another_actor() {
        for name in ["U0ALICE", "bck_0192f7c3a4b57d0e8f1a2b3c4d5e6f70", "operator", "service"] {
            let key = AdminKeyRef { id: ApiKeyId::new(Uuid::from_u128(1)), name: Name::new(name).unwrap() };
            let label = key.label();
            assert!(UserId::parse(&label).is_none() && label.parse::<BackendId>().is_err(), "{label}");
            let actor = Actor::AdminKey(key);
            assert_eq!(
                (actor.kind(), actor.id(), actor.label().as_str()),
                ("operator", Some(label), "operator")
            );
        }
    }
}
