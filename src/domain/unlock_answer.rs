//! The answer to an unlock request.

use chrono::{DateTime, Utc};

use crate::domain::ids::UserId;

/// How a request to unlock an action was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The action was unlocked, by this request's button or in another way.
    Unlocked,
    /// An admin declined. The action stays locked.
    Declined,
    /// The integration no longer has the action.
    Retired,
}

impl Resolution {
    /// The resolution as written in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            Self::Declined => "declined",
            Self::Retired => "retired",
        }
    }

    /// Parses what [`Resolution::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Unlocked, Self::Declined, Self::Retired].into_iter().find(|answer| answer.as_str() == text)
    }
}

/// An answer, with its author and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// How the request was resolved.
    pub answer: Resolution,
    /// The admin who answered. `None` if it was not a person in Slack.
    pub by: Option<UserId>,
    /// When the request was answered.
    pub at: DateTime<Utc>,
}
