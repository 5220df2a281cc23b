//! What a caller of the API may see and do. A key of a backend reaches everything of that backend; a key that is bound
//! to one user reaches only what is that user's.

use std::fmt;

use super::{
    approvals::Request,
    ids::{BackendId, UserId},
    own_keys::{self, ConversationKey},
    text::{ForeignId, IntegrationKey},
};

/// The approvals that a caller may see: those of its backend, and only one user's if its key is bound to that user.
/// Statements that look up approvals for a caller take this and no bare id of a backend.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OwnApprovals {
    backend: BackendId,
    user: Option<UserId>,
}

impl OwnApprovals {
    /// Those of a backend.
    #[must_use]
    pub const fn of_backend(backend: BackendId) -> Self {
        Self { backend, user: None }
    }

    /// Those of one user of a backend.
    #[must_use]
    pub const fn of_user(backend: BackendId, user: UserId) -> Self {
        Self { backend, user: Some(user) }
    }

    /// The backend that they were asked by.
    #[must_use]
    pub const fn backend(&self) -> BackendId {
        self.backend
    }

    /// The user whose they must be.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// Whether an approval is one of them.
    #[must_use]
    pub fn include(&self, request: &Request) -> bool {
        request.backend == self.backend && self.user.as_ref().is_none_or(|user| *user == request.user)
    }

    /// What an idempotency key is stored as. Each bound user has keys of their own: two users may choose the same one,
    /// and neither must get the other's approval. No header contains the separator.
    #[must_use]
    pub fn idempotency_key(&self, key: &ForeignId) -> String {
        own_keys::stored(self.user.as_ref(), key)
    }

    /// The conversation that the caller means by an id. Each bound user has conversations of their own: none may rename,
    /// reopen or close another's.
    #[must_use]
    pub fn conversation(&self, id: &ForeignId) -> ConversationKey {
        ConversationKey::new(self.backend, self.user.clone(), id.clone())
    }
}

/// Why a key that is bound to a user may not make a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoundKeyFault {
    /// The call concerns another user than this one.
    OtherUser(UserId),
    /// The call concerns an integration that is not the backend's own: this one, or one whose key begins with it and a
    /// dot.
    OutsidePrefix(IntegrationKey),
    /// The call concerns the whole backend.
    WholeBackend,
}

impl fmt::Display for BoundKeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherUser(user) => write!(f, "the API key is bound to the user {user}"),
            Self::OutsidePrefix(prefix) => write!(
                f,
                "the API key is bound to one user, and reaches only the integration {prefix} and those that begin with {prefix}."
            ),
            Self::WholeBackend => {
                f.write_str("the API key is bound to one user, and this call concerns the whole backend")
            }
        }
    }
}

/// Whether an integration is one of a backend's own: it is the prefix, or begins with it and a dot.
#[must_use]
pub fn is_own(prefix: &IntegrationKey, key: &IntegrationKey) -> bool {
    let rest = key.as_str().strip_prefix(prefix.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_own_integration_begins_with_the_backend_and_a_dot() {
        let key = |text: &str| IntegrationKey::new(text).unwrap();
        for own in ["claude", "claude.mcp", "claude.mcp.github"] {
            assert!(is_own(&key("claude"), &key(own)), "{own}");
        }
        for foreign in ["claudette", "claude-code", "github", "claud", "Claude.mcp"] {
            assert!(!is_own(&key("claude"), &key(foreign)), "{foreign}");
        }
    }

    #[test]
    fn no_two_callers_share_an_idempotency_key() {
        let backend = BackendId::new(Uuid::from_u128(1));
        let user = |id| OwnApprovals::of_user(backend, UserId::parse(id).unwrap());
        let key = |text: &str| ForeignId::new(text).unwrap();
        let whole = OwnApprovals::of_backend(backend);
        assert_eq!(whole.idempotency_key(&key("k")), "k");
        let stored = [
            whole.idempotency_key(&key("k")),
            user("U0ALICE").idempotency_key(&key("k")),
            user("U0BOB").idempotency_key(&key("k")),
        ];
        assert!(stored[0] != stored[1] && stored[1] != stored[2] && stored[0] != stored[2]);
    }
}
