//! API authentication: keys of the form `cs_<id>_<secret>`. The service stores only the SHA-256 of the secret.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{Service, ServiceError};
use crate::{
    domain::{
        admin_key_ref::AdminKeyRef,
        api_keys::KeyScope,
        audit::Actor,
        callers::{self, BoundKeyFault, OwnApprovals},
        ids::{ApiKeyId, BackendId, UserId, WorkspaceId},
        rejection::Rejection,
        text::IntegrationKey,
        tool_key,
    },
    storage::tables::{
        admin_keys::{self, StoredAdminKey},
        api_keys,
        api_keys::StoredKey,
    },
};

/// A key as a caller sends it.
#[derive(Clone)]
pub struct ApiKey {
    id: ApiKeyId,
    secret: [u8; 32],
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl ApiKey {
    /// Builds a key from random bytes.
    #[must_use]
    pub const fn new(id: ApiKeyId, secret: [u8; 32]) -> Self {
        Self { id, secret }
    }

    /// Parses `cs_<32 hexadecimal digits>_<43 base64url characters>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_after(PREFIX, text)
    }

    fn parse_after(prefix: &str, text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(prefix)?.split_once('_')?;
        let id = Some(id).filter(|id| id.len() == 32).and_then(|id| Uuid::try_parse(id).ok())?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?;
        Some(Self { id: ApiKeyId::new(id), secret })
    }

    /// The public half.
    #[must_use]
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    /// The SHA-256 of the secret half, which is what the database stores.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    /// The whole key, to be printed once.
    #[must_use]
    pub fn reveal(&self) -> SecretString {
        self.reveal_after(PREFIX)
    }

    fn reveal_after(&self, prefix: &str) -> SecretString {
        format!("{prefix}{}_{}", self.id.uuid().simple(), URL_SAFE_NO_PAD.encode(self.secret)).into()
    }
}

/// What API keys of backends and their users begin with.
const PREFIX: &str = "cs_";
/// What admin keys begin with, so that each kind of key is refused where the other is needed before either is looked up.
const ADMIN_PREFIX: &str = "csa_";

/// An admin key as a caller sends it.
#[derive(Debug, Clone)]
pub struct AdminKey(ApiKey);

impl AdminKey {
    /// Builds a key from random bytes.
    #[must_use]
    pub const fn new(id: ApiKeyId, secret: [u8; 32]) -> Self {
        Self(ApiKey::new(id, secret))
    }

    /// Parses `csa_<32 hexadecimal digits>_<43 base64url characters>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ApiKey::parse_after(ADMIN_PREFIX, text).map(Self)
    }

    /// The public half.
    #[must_use]
    pub const fn id(&self) -> ApiKeyId {
        self.0.id()
    }

    /// The SHA-256 of the secret half, which is what the database stores.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.0.hash()
    }

    /// The whole key, to be printed once.
    #[must_use]
    pub fn reveal(&self) -> SecretString {
        self.0.reveal_after(ADMIN_PREFIX)
    }
}

/// An authenticated program of the operator. Use cases that administer a workspace take it; none that asks for, decides or
/// reads approvals does.
#[derive(Debug, Clone)]
pub struct AdminCaller {
    key: AdminKeyRef,
    workspace: WorkspaceId,
}

impl AdminCaller {
    /// The workspace that the key administers.
    #[must_use]
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// The key, as the audit names it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::AdminKey(self.key.clone())
    }
}

/// Checks the presented admin key against the stored one. Only this function builds an [`AdminCaller`].
fn check_admin(
    key: &AdminKey,
    stored: Option<StoredAdminKey>,
    now: DateTime<Utc>,
) -> Result<AdminCaller, Rejection> {
    let stored = stored.ok_or(Rejection::Unauthenticated)?;
    let same = bool::from(stored.hash.as_slice().ct_eq(&key.hash()));
    if !same || stored.revoked || stored.expires_at.is_some_and(|until| now >= until) {
        return Err(Rejection::Unauthenticated);
    }
    if stored.workspace_removed {
        return Err(Rejection::WorkspaceRemoved);
    }
    Ok(AdminCaller { key: stored.key, workspace: stored.workspace })
}

/// Authenticates a call of the admin API.
pub async fn authenticate_admin(service: &Service, key: &AdminKey) -> Result<AdminCaller, ServiceError> {
    let mut db = service.db.acquire().await?;
    let stored = admin_keys::find(&mut db, key.id()).await?;
    let now = service.now();
    let caller = check_admin(key, stored, now)?;
    service.key_uses.note(key.id(), now);
    Ok(caller)
}

/// An authenticated caller, whose key may make calls of this kind: a backend, or one of its users whose key is bound to
/// them. A use case that serves only whole backends takes a [`BackendCaller`]. The others take this, and use
/// [`Caller::own`] for approvals and the checks below for the rest; none gets a bare id of a backend.
#[derive(Debug, Clone)]
pub struct Caller {
    key: ApiKeyId,
    own: OwnApprovals,
    workspace: WorkspaceId,
    removed: bool,
    /// What the backend's own integrations begin with. Only for bound keys.
    prefix: Option<IntegrationKey>,
}

/// An authenticated backend, by a key that is not bound to a user.
#[derive(Debug, Clone, Copy)]
pub struct BackendCaller {
    /// The backend.
    pub backend: BackendId,
    /// Its workspace.
    pub workspace: WorkspaceId,
}

/// Checks the presented key against the stored one and the scope that the call needs. Only this function builds a
/// [`Caller`], so every call passes the check. The comparison takes the same time for every secret.
pub(super) fn check(
    key: &ApiKey,
    stored: Option<&StoredKey>,
    needed: KeyScope,
    now: DateTime<Utc>,
) -> Result<Caller, Rejection> {
    let stored = stored.ok_or(Rejection::Unauthenticated)?;
    let same = bool::from(stored.hash.as_slice().ct_eq(&key.hash()));
    if !same || stored.revoked || stored.expires_at.is_some_and(|until| now >= until) {
        return Err(Rejection::Unauthenticated);
    }
    if stored.disabled {
        return Err(Rejection::BackendDisabled);
    }
    if !stored.scopes.allow(needed) {
        return Err(Rejection::InsufficientScope { needed, held: stored.scopes });
    }
    let (own, prefix) = match &stored.user {
        None => (OwnApprovals::of_backend(stored.backend), None),
        Some(user) => (
            OwnApprovals::of_user(stored.backend, user.clone()),
            Some(tool_key::backend_key(&stored.backend_name)),
        ),
    };
    Ok(Caller { key: stored.id, own, workspace: stored.workspace, removed: stored.workspace_removed, prefix })
}

impl Caller {
    /// The approvals that the caller may see.
    #[must_use]
    pub const fn own(&self) -> &OwnApprovals {
        &self.own
    }

    /// The API key that it presented.
    #[must_use]
    pub const fn key(&self) -> ApiKeyId {
        self.key
    }

    /// The workspace of its backend.
    #[must_use]
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// What the keys of the integrations that it may see begin with. `None`: it may see all of the workspace.
    #[must_use]
    pub const fn prefix(&self) -> Option<&IntegrationKey> {
        self.prefix.as_ref()
    }

    /// The whole backend. Rejected if the key is bound to a user.
    pub fn whole_backend(&self) -> Result<BackendCaller, Rejection> {
        match self.own.user() {
            None => Ok(BackendCaller { backend: self.own.backend(), workspace: self.workspace }),
            Some(_) => Err(Rejection::BoundKey(BoundKeyFault::WholeBackend)),
        }
    }

    /// Refuses calls that concern another user than the one that the key is bound to.
    pub(super) fn may_concern(&self, user: &UserId) -> Result<(), Rejection> {
        match self.own.user() {
            Some(own) if own != user => Err(Rejection::BoundKey(BoundKeyFault::OtherUser(own.clone()))),
            _ => Ok(()),
        }
    }

    /// Refuses calls that change an integration that is not the backend's own, if the key is bound to a user.
    pub(super) fn may_describe(&self, key: &IntegrationKey) -> Result<(), Rejection> {
        match &self.prefix {
            Some(prefix) if !callers::is_own(prefix, key) => {
                Err(Rejection::BoundKey(BoundKeyFault::OutsidePrefix(prefix.clone())))
            }
            _ => Ok(()),
        }
    }

    /// Refuses new approvals if the app was removed, because no prompt could be shown. Earlier approvals can still be
    /// read.
    pub(super) const fn may_ask(&self) -> Result<(), Rejection> {
        if self.removed { Err(Rejection::WorkspaceRemoved) } else { Ok(()) }
    }
}

/// Authenticates a call that needs this scope. Creating an approval does this within its own first statement instead.
pub async fn authenticate(service: &Service, key: &ApiKey, needed: KeyScope) -> Result<Caller, ServiceError> {
    let mut db = service.db.acquire().await?;
    let stored = api_keys::find(&mut db, key.id()).await?;
    let now = service.now();
    let caller = check(key, stored.as_ref(), needed, now)?;
    service.key_uses.note(key.id(), now);
    Ok(caller)
}

/// A secret of 32 random bytes in the format of Standard Webhooks: `whsec_` and base64.
#[must_use]
pub fn webhook_secret(bytes: [u8; 32]) -> SecretString {
    format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(bytes)).into()
}

/// The bytes of a secret in that format, which are the key for signatures.
#[must_use]
pub fn signing_bytes(secret: &SecretString) -> Option<Vec<u8>> {
    let encoded = secret.expose_secret().strip_prefix("whsec_")?;
    base64::engine::general_purpose::STANDARD.decode(encoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_what_it_reveals_and_prints_no_secret() {
        let key = ApiKey::new(ApiKeyId::new(Uuid::from_u128(7)), [9; 32]);
        let revealed = key.reveal();
        let read = ApiKey::parse(revealed.expose_secret()).unwrap();
        assert_eq!((read.id(), read.hash()), (key.id(), key.hash()));
        assert!(!format!("{key:?}").contains("CQkJ"));
    }

    #[test]
    fn neither_kind_of_key_is_read_as_the_other() {
        let (id, secret) = (ApiKeyId::new(Uuid::from_u128(7)), [9; 32]);
        let (key, admin) = (ApiKey::new(id, secret).reveal(), AdminKey::new(id, secret).reveal());
        assert!(AdminKey::parse(admin.expose_secret()).is_some_and(|read| read.id() == id));
        assert!(
            ApiKey::parse(admin.expose_secret()).is_none() && AdminKey::parse(key.expose_secret()).is_none()
        );
        assert!(!format!("{:?}", AdminKey::new(id, secret)).contains("CQkJ"));
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        for text in ["", "cs_", "cs_00_00", "Bearer x", "cs_00000000000000000000000000000007_short"] {
            assert!(ApiKey::parse(text).is_none(), "{text}");
        }
    }
}
