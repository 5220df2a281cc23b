//! What callers name by keys of their choice. Each user with a bound key chooses for themselves: two users may choose the
//! same key, and mean different things.

use super::{
    ids::{BackendId, UserId},
    text::ForeignId,
};

/// Separates a bound user from the key that they chose. The statement that reads such keys writes it as `chr(31)`.
const SEPARATOR: char = '\u{1f}';

/// What a key is stored as. `user`: whose own it is. A backend's key that contains the separator begins with another one, so
/// that it is no user's.
pub(super) fn stored(user: Option<&UserId>, key: &ForeignId) -> String {
    match user {
        None if key.as_str().contains(SEPARATOR) => format!("{SEPARATOR}{key}"),
        None => key.as_str().to_owned(),
        Some(user) => format!("{user}{SEPARATOR}{key}"),
    }
}

/// What identifies a conversation. One that was asked in with a key bound to a user is that user's own: another key of
/// the backend that uses the same id is in another conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConversationKey {
    backend: BackendId,
    user: Option<UserId>,
    id: ForeignId,
}

impl ConversationKey {
    /// A conversation of a backend, or one of a user's own.
    #[must_use]
    pub const fn new(backend: BackendId, user: Option<UserId>, id: ForeignId) -> Self {
        Self { backend, user, id }
    }

    /// The conversation of a stored row.
    #[must_use]
    pub fn from_stored(backend: BackendId, stored_id: &str) -> Self {
        let (user, id) = match stored_id.split_once(SEPARATOR) {
            Some(("", id)) => (None, id),
            Some((user, id)) => (Some(UserId::from_stored(user.to_owned())), id),
            None => (None, stored_id),
        };
        Self { backend, user, id: ForeignId::from_stored(id.to_owned()) }
    }

    /// The backend that the conversation belongs to.
    #[must_use]
    pub const fn backend(&self) -> BackendId {
        self.backend
    }

    /// The user whose own it is.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// The caller's id for the conversation, as the API and Slack show it.
    #[must_use]
    pub const fn id(&self) -> &ForeignId {
        &self.id
    }

    /// The id in the tables `conversations` and `grants`.
    #[must_use]
    pub fn stored_id(&self) -> String {
        stored(self.user.as_ref(), &self.id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_conversation_reads_back_from_what_is_stored() {
        let backend = BackendId::new(Uuid::from_u128(1));
        let mut all = HashSet::new();
        for user in [None, Some(UserId::parse("U0ALICE").unwrap()), Some(UserId::parse("U0BOB").unwrap())] {
            for id in ["c-1", "U0ALICE\u{1f}c-1", "\u{1f}c-1", "\u{1f}U0ALICE\u{1f}c-1"] {
                let key = ConversationKey::new(backend, user.clone(), ForeignId::new(id).unwrap());
                assert_eq!(ConversationKey::from_stored(backend, &key.stored_id()), key);
                assert!(all.insert(key.stored_id()), "{key:?}");
            }
        }
    }
}
