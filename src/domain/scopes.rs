//! How far an approval or a grant reaches.

/// What an approval permits beyond the call that was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This call only.
    Once,
    /// Every later call of the action in the same conversation of the same backend.
    Conversation,
    /// Every later call of the action, whichever agent or backend asks.
    Always,
}

impl Scope {
    /// The scope as written in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Conversation => "conversation",
            Self::Always => "always",
        }
    }

    /// Parses what [`Scope::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Once, Self::Conversation, Self::Always].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// The scope of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StandingScope {
    /// Calls in one conversation.
    Conversation,
    /// Calls in every conversation.
    Always,
}

impl StandingScope {
    /// The same as a [`Scope`].
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Conversation => Scope::Conversation,
            Self::Always => Scope::Always,
        }
    }

    /// The scope as the database stores it. A narrowed grant has a scope of its own, so that a program that doesn't know
    /// of narrowing never takes it for one that covers every request.
    #[must_use]
    pub const fn as_stored(self, is_narrowed: bool) -> &'static str {
        match (self, is_narrowed) {
            (Self::Conversation, false) => "conversation",
            (Self::Always, false) => "always",
            (Self::Conversation, true) => "narrowed_conversation",
            (Self::Always, true) => "narrowed_always",
        }
    }

    /// Parses what [`StandingScope::as_stored`] returns: the scope, and whether the grant is narrowed.
    #[must_use]
    pub fn from_stored(stored: &str) -> Option<(Self, bool)> {
        let all =
            [Self::Conversation, Self::Always].into_iter().flat_map(|scope| [(scope, false), (scope, true)]);
        all.into_iter().find(|(scope, is_narrowed)| scope.as_stored(*is_narrowed) == stored)
    }
}
