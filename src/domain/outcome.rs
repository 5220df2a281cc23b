//! How an approval ended.

/// How an approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Approved by the user or a grant: the action may run.
    Approved,
    /// The user denied.
    Denied,
    /// The approval expired undecided.
    Expired,
    /// The backend cancelled the approval.
    Cancelled,
    /// Slack could not show the prompt to the user.
    Undeliverable,
}

impl Outcome {
    /// The outcome as written in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Undeliverable => "undeliverable",
        }
    }

    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Approved, Self::Denied, Self::Expired, Self::Cancelled, Self::Undeliverable];

    /// Parses what [`Outcome::event`] returns.
    #[must_use]
    pub fn from_event(event: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.event() == event)
    }

    /// The webhook's event type.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Approved => "approval.approved",
            Self::Denied => "approval.denied",
            Self::Expired => "approval.expired",
            Self::Cancelled => "approval.cancelled",
            Self::Undeliverable => "approval.undeliverable",
        }
    }
}
