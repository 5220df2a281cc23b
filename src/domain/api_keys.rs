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
    /// Asking, cancelling, closing conversations, having a webhook sent again.
    Ask,
    /// Describing integrations.
    Catalog,
    /// Reporting which users have connected an integration.
    Connections,
    /// Reading the backend's own approvals and deliveries, and the workspace's integrations.
    Read,
    /// Reading the audit of the whole workspace, which tells what every backend and person did.
    Audit,
}

impl KeyScope {
    /// Every scope, in the order in which they are listed.
    pub const ALL: [Self; 5] = [Self::Ask, Self::Catalog, Self::Connections, Self::Read, Self::Audit];

    /// As the database, the command line and the `OpenAPI` document write it.
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

    /// Reads what [`KeyScope::as_str`] wrote.
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
    /// All scopes: what every key could do before there were scopes.
    pub const ALL: Self = Self(
        KeyScope::Ask.bit()
            | KeyScope::Catalog.bit()
            | KeyScope::Connections.bit()
            | KeyScope::Read.bit()
            | KeyScope::Audit.bit(),
    );

    /// What a key may do unless its creator says otherwise: everything about its own backend. The audit covers
    /// the whole workspace.
    pub const DEFAULT: Self = Self(Self::ALL.0 & !KeyScope::Audit.bit());

    /// These scopes. `None`: there are none, and such a key could do nothing.
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

    /// Whether these are scopes for a backend's own work together with further ones: one leaked key could then do
    /// both.
    #[must_use]
    pub const fn mix_jobs(self) -> bool {
        self.0 & Self::DEFAULT.0 != 0 && self.0 & !Self::DEFAULT.0 != 0
    }

    /// The scopes, in their fixed order.
    pub fn iter(self) -> impl Iterator<Item = KeyScope> {
        KeyScope::ALL.into_iter().filter(move |scope| self.allow(*scope))
    }

    /// The names of the scopes, in their fixed order.
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

/// A new key of a backend. Its secret half is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewApiKey {
    /// Its public half.
    pub id: ApiKeyId,
    /// Whose key it is.
    pub backend: BackendId,
    /// What it may be used for.
    pub scopes: KeyScopes,
}

impl AsRef<Self> for NewApiKey {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Gives a backend one more key.
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
    /// Those that it replaces.
    pub replaced: Vec<ApiKeyId>,
    /// Until when they work.
    pub previous_until: DateTime<Utc>,
}

impl AsRef<NewApiKey> for KeyRotation {
    fn as_ref(&self) -> &NewApiKey {
        &self.key
    }
}

/// Replaces keys of a backend by a new one.
pub fn rotate(backend: BackendRef<'_>, rotation: KeyRotation) -> Changed<KeyRotation> {
    let KeyRotation { key, replaced, previous_until } = &rotation;
    let entry = backend
        .entry(AuditAction::KeyRotated)
        .before(json!({ "keys": replaced }))
        .after(json!({ "key": key.id, "scopes": key.scopes.names(), "previous_until": previous_until }));
    Changed::new(backend.workspace, rotation, entry)
}

/// Keys that stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysRevoked(pub Vec<ApiKeyId>);

/// Stops keys of a backend that work. `None`: none of them does.
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
