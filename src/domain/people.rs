//! Slack users, as Slack reports them.

use crate::domain::{ids::UserId, rejection::Rejection};

/// The user who clicked, as Slack identified them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActingUser {
    /// The user's id.
    pub user: UserId,
    /// The user's relation to the workspace.
    pub kind: PersonKind,
}

impl ActingUser {
    /// Rejects everyone who is not known to be a full member.
    pub const fn must_be_member(&self) -> Result<(), Rejection> {
        match self.kind {
            PersonKind::Member => Ok(()),
            PersonKind::Guest => Err(Rejection::Guest),
            PersonKind::ExternalUser => Err(Rejection::OtherWorkspace),
            PersonKind::Unknown => Err(Rejection::LookupUnavailable),
        }
    }
}

/// A Slack user's relation to this workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonKind {
    /// A full member.
    Member,
    /// A guest of one or several channels, a bot, or a deactivated account.
    Guest,
    /// A person of another workspace or company, who shares a channel with this one.
    ExternalUser,
    /// Slack did not say. Such a person may only deny their own requests and turn off their own grants.
    Unknown,
}

impl PersonKind {
    /// The kind as written in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Guest => "guest",
            Self::ExternalUser => "external",
            Self::Unknown => "unknown",
        }
    }

    /// Parses what [`PersonKind::as_str`] returns. [`PersonKind::Unknown`] is never stored.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Member, Self::Guest, Self::ExternalUser].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What Slack reports about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// The user's relation to the workspace.
    pub kind: PersonKind,
    /// Whether the user is an admin or owner: of the workspace, or of the organisation if the app is installed
    /// organisation-wide.
    pub is_admin: bool,
}
