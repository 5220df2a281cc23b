//! Channels and direct messages.

use std::collections::BTreeSet;

/// What kind of conversation a [`Channel`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// Anyone in the workspace may read it.
    Public,
    /// Visible only to its members.
    Private,
    /// Between the app and this user.
    Direct {
        /// The user's id.
        user: String,
    },
}

/// A channel (`C…`) or the direct messages between the app and one user (`D…`).
#[derive(Clone, Debug)]
pub struct Channel {
    /// `C…` or `D…`.
    pub id: String,
    /// The name without `#`. `directmessage` for direct messages, as in Slack.
    pub name: String,
    /// The workspace.
    pub team_id: String,
    /// What kind.
    pub kind: ChannelKind,
    /// User ids, including the app's bot user if it was invited.
    pub members: BTreeSet<String>,
    /// Archived: no one can post to it.
    pub is_archived: bool,
}

impl Channel {
    /// A public channel.
    #[must_use]
    pub fn public(id: &str, team_id: &str, name: &str, members: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            team_id: team_id.to_owned(),
            kind: ChannelKind::Public,
            members: members.iter().map(|&member| member.to_owned()).collect(),
            is_archived: false,
        }
    }

    /// A private channel.
    #[must_use]
    pub fn private(id: &str, team_id: &str, name: &str, members: &[&str]) -> Self {
        Self { kind: ChannelKind::Private, ..Self::public(id, team_id, name, members) }
    }

    pub(crate) fn direct(id: &str, team_id: &str, user: &str, bot: &str) -> Self {
        Self {
            kind: ChannelKind::Direct { user: user.to_owned() },
            ..Self::public(id, team_id, "directmessage", &[user, bot])
        }
    }

    /// Whether this is the direct messages between the app and a user.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        matches!(self.kind, ChannelKind::Direct { .. })
    }

    /// Whether this user sees its messages.
    #[must_use]
    pub fn is_visible_to(&self, user: &str) -> bool {
        match &self.kind {
            ChannelKind::Public | ChannelKind::Private => self.members.contains(user),
            ChannelKind::Direct { user: partner } => partner == user || self.members.contains(user),
        }
    }
}
