//! The answer to an unlock request.

use chrono::{DateTime, Utc};

use crate::domain::ids::UserId;

/// What became of a request to unlock an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The action was unlocked, by this request's button or otherwise.
    Unlocked,
    /// An admin declined: the action stays locked.
    Declined,
    /// The integration no longer has the action.
    Retired,
}

impl Resolution {
    /// As the database writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            Self::Declined => "declined",
            Self::Retired => "retired",
        }
    }

    /// Reads what [`Resolution::as_str`] wrote.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Unlocked, Self::Declined, Self::Retired].into_iter().find(|answer| answer.as_str() == text)
    }
}

/// An answer, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What.
    pub answer: Resolution,
    /// Who, if it was a person in Slack.
    pub by: Option<UserId>,
    /// When.
    pub at: DateTime<Utc>,
}
