//! Integrations and their actions, and whether an action may be auto-approved for a user.

use super::{field_hints::Presentation, input_schema::InputSchema, limits::Bounds, risk::Impact};

/// The maximum number of an integration's actions, retired ones not counted.
pub const MOST_ACTIONS: u16 = 500;

/// The maximum number of integrations in a workspace.
pub const MOST_INTEGRATIONS: u16 = 500;

/// The content of one version of an action's description: everything that people see and that rules depend on.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The integration's display name.
    pub integration_name: String,
    /// The action's display name.
    pub name: String,
    /// What the action does.
    pub description: Option<String>,
    /// What the backend declares about the action's effect.
    pub impact: Impact,
    /// How requests for the action are shown.
    pub presentation: Presentation,
    /// What the action's arguments must look like.
    pub input_schema: Option<InputSchema>,
    /// Whether auto-approval requires that the user has connected the integration.
    pub requires_connection: bool,
}

/// What an admin lets users allow for an unlocked action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlockedFor {
    /// Grants for one conversation. Each new conversation asks.
    Conversations,
    /// Grants for one conversation, and for every conversation.
    Always,
}

impl UnlockedFor {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Conversations, Self::Always];

    /// The name as written in the database, in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::Always => "always",
        }
    }

    /// Parses what [`UnlockedFor::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Whether users may auto-approve an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// An admin has unlocked the action.
    Unlocked(UnlockedFor),
    /// An admin has unlocked the action, and its description has changed since. Grants are paused until an admin
    /// confirms.
    Changed(UnlockedFor),
    /// No admin has unlocked the action.
    Locked,
    /// The integration no longer has the action, so an admin can't unlock it.
    Retired,
    /// A rule asks a person each time, whatever the lock. Never stored.
    Ruled,
}

impl Lock {
    /// The lock from the values that the database stores. `confirmed`: the current version of the description is the
    /// one that an admin last unlocked or confirmed.
    #[must_use]
    pub const fn new(unlocked: Option<UnlockedFor>, retired: bool, confirmed: bool) -> Self {
        match (unlocked, retired, confirmed) {
            (_, true, _) => Self::Retired,
            (Some(what), false, true) => Self::Unlocked(what),
            (Some(what), false, false) => Self::Changed(what),
            (None, false, _) => Self::Locked,
        }
    }

    /// What users may allow, now or once an admin has confirmed the description. `None`: nothing.
    #[must_use]
    pub const fn unlocked_for(self) -> Option<UnlockedFor> {
        match self {
            Self::Unlocked(what) | Self::Changed(what) => Some(what),
            Self::Locked | Self::Retired | Self::Ruled => None,
        }
    }
}

/// The facts that decide whether a grant may be used or given, as read under lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eligibility {
    /// The action's lock.
    pub lock: Lock,
    /// Whether the description has changed since the approval was created. A grant would then cover something other
    /// than what the prompt shows.
    pub outdated: bool,
    /// Whether the user has connected the integration, or the integration needs no connection.
    pub connected: bool,
    /// Whether the backend has closed the conversation.
    pub conversation_closed: bool,
    /// How long a grant may hold, and how often, as a rule has it.
    pub bounds: Bounds,
}

/// Why an action can't be auto-approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocker {
    /// No admin has unlocked the action.
    Locked,
    /// The integration no longer has the action.
    Retired,
    /// The action's description has changed since an admin unlocked it.
    Changed,
    /// The action's description has changed since the approval was created, and an admin has confirmed the change.
    Outdated,
    /// The user has not connected the integration.
    NotConnected,
    /// A rule asks a person each time.
    Ruled,
}

impl Eligibility {
    /// What prevents auto-approval. The lock comes first, because connecting the integration doesn't help while it is
    /// locked.
    #[must_use]
    pub const fn blocker(self) -> Option<Blocker> {
        match self.lock {
            Lock::Locked => Some(Blocker::Locked),
            Lock::Retired => Some(Blocker::Retired),
            Lock::Ruled => Some(Blocker::Ruled),
            Lock::Changed(_) => Some(Blocker::Changed),
            Lock::Unlocked(_) if self.outdated => Some(Blocker::Outdated),
            Lock::Unlocked(_) if !self.connected => Some(Blocker::NotConnected),
            Lock::Unlocked(_) => None,
        }
    }

    /// Whether a grant for every conversation may be given or used, if nothing prevents auto-approval.
    #[must_use]
    pub fn allows_always(self) -> bool {
        self.lock.unlocked_for() == Some(UnlockedFor::Always)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_has_changed_stands_in_the_way() {
        let free = Eligibility {
            lock: Lock::Unlocked(UnlockedFor::Always),
            outdated: false,
            connected: true,
            conversation_closed: false,
            bounds: Bounds::default(),
        };
        assert_eq!(free.blocker(), None);
        assert_eq!(Eligibility { outdated: true, ..free }.blocker(), Some(Blocker::Outdated));
        let changed = Eligibility { lock: Lock::new(Some(UnlockedFor::Always), false, false), ..free };
        assert_eq!(changed.blocker(), Some(Blocker::Changed));
        assert_eq!(
            Eligibility { lock: Lock::new(Some(UnlockedFor::Always), true, true), ..free }.blocker(),
            Some(Blocker::Retired)
        );
        assert_eq!(
            Eligibility { lock: Lock::new(None, false, true), ..free }.blocker(),
            Some(Blocker::Locked)
        );
    }
}
