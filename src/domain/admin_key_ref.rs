//! An admin key, as audit entries name it.

use super::{ids::ApiKeyId, text::Name};

/// An admin key, as the audit names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminKeyRef {
    /// The public half of the key.
    pub id: ApiKeyId,
    /// Which program has it.
    pub name: Name,
}

impl AdminKeyRef {
    /// The key as the actor of an audit entry: name and id, because a name can be given to several keys. It is never like
    /// a Slack user's or a backend's id.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.id)
    }
}
