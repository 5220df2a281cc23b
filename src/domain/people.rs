//! Slack users, as Slack describes them.

use crate::domain::{ids::UserId, rejection::Rejection};

/// Who clicked, as Slack says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActingUser {
    /// Their id.
    pub user: UserId,
    /// What they are.
    pub kind: PersonKind,
}

impl ActingUser {
    /// Refuses every person who is not known to be a full member.
    pub const fn must_be_member(&self) -> Result<(), Rejection> {
        match self.kind {
            PersonKind::Member => Ok(()),
            PersonKind::Guest => Err(Rejection::Guest),
            PersonKind::ExternalUser => Err(Rejection::OtherWorkspace),
            PersonKind::Unknown => Err(Rejection::LookupUnavailable),
        }
    }
}

/// What a Slack user is to this workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonKind {
    /// A full member.
    Member,
    /// A guest of one or several channels, a bot, or a deactivated account.
    Guest,
    /// A person of another workspace or company, met in a shared channel.
    ExternalUser,
    /// Slack did not answer. Such a person may only deny their requests and turn off their grants.
    Unknown,
}

impl PersonKind {
    /// As the database writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Guest => "guest",
            Self::ExternalUser => "external",
            Self::Unknown => "unknown",
        }
    }

    /// Reads what [`PersonKind::as_str`] wrote. What Slack did not say is not stored.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Member, Self::Guest, Self::ExternalUser].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A Slack user's membership and rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// A member, a guest, a person of another company.
    pub kind: PersonKind,
    /// An admin or owner of the workspace, or of the organisation where the app is installed in all of it.
    pub is_admin: bool,
}
