//! How an approval ended.

/// How an approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The action may run.
    Approved,
    /// The user said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// The backend no longer asks.
    Cancelled,
    /// Slack can't show it to the user.
    Undeliverable,
}

impl Outcome {
    /// As the database and JSON write it.
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

    /// Reads what [`Outcome::event`] wrote.
    #[must_use]
    pub fn from_event(event: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.event() == event)
    }

    /// The webhook's type.
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
