//! What an API key may be used for.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    audit::AuditAction,
    effects::Changed,
    ids::{ApiKeyId, BackendId},
};
use crate::domain::backend_ref::BackendRef;

/// One kind of call that an API key may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyScope {
    /// Create and cancel approvals, close conversations, redeliver webhooks.
    Ask,
    /// Describe integrations.
    Catalog,
    /// Report which users have connected an integration.
    Connections,
    /// Read the backend's own approvals and deliveries, and the workspace's integrations.
    Read,
    /// Read the audit of the whole workspace, which shows what every backend and person did.
    Audit,
}

impl KeyScope {
    /// Every scope, in display order.
    pub const ALL: [Self; 5] = [Self::Ask, Self::Catalog, Self::Connections, Self::Read, Self::Audit];

    /// The scope as written in the database, on the command line and in the `OpenAPI` document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Catalog => "catalog",
            Self::Connections => "connections",
            Self::Read => "read",
            Self::Audit => "audit",
        }
    }

    /// Parses what [`KeyScope::as_str`] returns.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The scopes of one API key: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyScopes(u8);

impl KeyScopes {
    /// Every scope. Keys that were created before scopes existed have all of them.
    pub const ALL: Self = Self(
        KeyScope::Ask.bit()
            | KeyScope::Catalog.bit()
            | KeyScope::Connections.bit()
            | KeyScope::Read.bit()
            | KeyScope::Audit.bit(),
    );

    /// The scopes of a key whose creator named none: everything about its own backend. The audit is left out, because
    /// it covers the whole workspace.
    pub const DEFAULT: Self = Self(Self::ALL.0 & !KeyScope::Audit.bit());

    /// A set of these scopes. `None` if the list is empty: such a key could do nothing.
    #[must_use]
    pub fn new(scopes: impl IntoIterator<Item = KeyScope>) -> Option<Self> {
        let bits = scopes.into_iter().fold(0, |bits, scope| bits | scope.bit());
        (bits != 0).then_some(Self(bits))
    }

    /// Whether a key with these scopes may make calls of this kind.
    #[must_use]
    pub const fn allow(self, scope: KeyScope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether the key combines scopes for a backend's own work with scopes that reach further. If such a key leaks,
    /// both are exposed.
    #[must_use]
    pub const fn mix_jobs(self) -> bool {
        self.0 & Self::DEFAULT.0 != 0 && self.0 & !Self::DEFAULT.0 != 0
    }

    /// The scopes, in display order.
    pub fn iter(self) -> impl Iterator<Item = KeyScope> {
        KeyScope::ALL.into_iter().filter(move |scope| self.allow(*scope))
    }

    /// The scopes' names, in display order.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(KeyScope::as_str).collect()
    }
}

impl fmt::Display for KeyScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}

/// A new API key of a backend, without its secret half: `domain` never sees that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewApiKey {
    /// The public half of the key.
    pub id: ApiKeyId,
    /// The backend that the key belongs to.
    pub backend: BackendId,
    /// The calls that the key may make.
    pub scopes: KeyScopes,
}

impl AsRef<Self> for NewApiKey {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Gives a backend an additional key.
pub fn create(backend: BackendRef<'_>, key: NewApiKey) -> Changed<NewApiKey> {
    let entry =
        backend.entry(AuditAction::KeyCreated).after(json!({ "key": key.id, "scopes": key.scopes.names() }));
    Changed::new(backend.workspace, key, entry)
}

/// A key that replaces others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRotation {
    /// The new key.
    pub key: NewApiKey,
    /// The keys that it replaces.
    pub replaced: Vec<ApiKeyId>,
    /// How long the replaced keys keep working.
    pub previous_until: DateTime<Utc>,
}

impl AsRef<NewApiKey> for KeyRotation {
    fn as_ref(&self) -> &NewApiKey {
        &self.key
    }
}

/// Replaces keys of a backend with a new one. The old keys work until `previous_until`.
pub fn rotate(backend: BackendRef<'_>, rotation: KeyRotation) -> Changed<KeyRotation> {
    let KeyRotation { key, replaced, previous_until } = &rotation;
    let entry = backend
        .entry(AuditAction::KeyRotated)
        .before(json!({ "keys": replaced }))
        .after(json!({ "key": key.id, "scopes": key.scopes.names(), "previous_until": previous_until }));
    Changed::new(backend.workspace, rotation, entry)
}

/// Keys to revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysRevoked(pub Vec<ApiKeyId>);

/// Revokes those of a backend's keys that still work. `None` if none of them does.
#[must_use]
pub fn revoke(backend: BackendRef<'_>, working: &[ApiKeyId]) -> Option<Changed<KeysRevoked>> {
    let entry = backend.entry(AuditAction::KeyRevoked).after(json!({ "keys": working }));
    let revoked = KeysRevoked(working.to_vec());
    (!working.is_empty()).then(|| Changed::new(backend.workspace, revoked, entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_scopes_allows_its_members_only() {
        for scope in KeyScope::ALL {
            let only = KeyScopes::new([scope, scope]).unwrap();
            let allowed: Vec<_> = KeyScope::ALL.into_iter().filter(|other| only.allow(*other)).collect();
            assert_eq!(allowed, [scope]);
            assert_eq!(KeyScope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(KeyScopes::new([]), None);
        assert_eq!(KeyScope::parse("admin"), None);
    }

    #[test]
    fn the_default_is_everything_but_the_audit() {
        assert_eq!(KeyScopes::DEFAULT.to_string(), "ask, catalog, connections, read");
        assert_eq!(KeyScopes::ALL.to_string(), "ask, catalog, connections, read, audit");
        assert!(KeyScopes::ALL.mix_jobs() && !KeyScopes::DEFAULT.mix_jobs());
        assert!(!KeyScopes::new([KeyScope::Audit]).unwrap().mix_jobs());
    }
}
