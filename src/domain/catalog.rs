//! Integrations and their actions, and whether an action may be auto-approved for a user.

/// The most actions of an integration that are not retired.
pub const MOST_ACTIONS: u16 = 500;

/// The most integrations of a workspace.
pub const MOST_INTEGRATIONS: u16 = 500;

/// All that people see of an action, and all that it is judged by. A version holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The integration's name for people.
    pub integration_name: String,
    /// The action's name for people.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// It changes nothing.
    pub read_only: bool,
    /// It destroys something.
    pub destructive: bool,
    /// A user must have connected the integration before anything is auto-approved.
    pub requires_connection: bool,
}

/// Whether users may auto-approve an action at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// An admin has allowed it.
    Unlocked,
    /// An admin has allowed it, and its description has changed since: grants are paused until an admin confirms.
    Changed,
    /// No admin has.
    Locked,
    /// The integration no longer has the action: there is nothing that an admin could allow.
    Retired,
}

impl Lock {
    /// Reads what the database says of an action. `confirmed`: its present description is the one that an admin unlocked
    /// or confirmed.
    #[must_use]
    pub const fn of(unlocked: bool, retired: bool, confirmed: bool) -> Self {
        match (unlocked, retired, confirmed) {
            (_, true, _) => Self::Retired,
            (true, false, true) => Self::Unlocked,
            (true, false, false) => Self::Changed,
            (false, false, _) => Self::Locked,
        }
    }
}

/// What decides whether a standing permission may be used or given, as read under lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eligibility {
    /// Whether the action may be auto-approved.
    pub lock: Lock,
    /// The action's description has changed since the request was asked: a grant would cover something else than what
    /// the person reads.
    pub outdated: bool,
    /// The user has the integration connected, or the integration needs no connection.
    pub connected: bool,
    /// The backend closed the conversation.
    pub conversation_closed: bool,
}

/// Why there is no auto-approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocker {
    /// No admin has unlocked the action.
    Locked,
    /// The integration no longer has the action.
    Retired,
    /// The action's description has changed since an admin unlocked it.
    Changed,
    /// The action's description has changed since the request was asked, and an admin has confirmed the change.
    Outdated,
    /// The user hasn't connected the integration.
    NotConnected,
}

impl Eligibility {
    /// What stands in the way of auto-approval, the lock first: without it nothing else helps.
    #[must_use]
    pub const fn blocker(self) -> Option<Blocker> {
        match self.lock {
            Lock::Locked => Some(Blocker::Locked),
            Lock::Retired => Some(Blocker::Retired),
            Lock::Changed => Some(Blocker::Changed),
            Lock::Unlocked if self.outdated => Some(Blocker::Outdated),
            Lock::Unlocked if !self.connected => Some(Blocker::NotConnected),
            Lock::Unlocked => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_has_changed_stands_in_the_way() {
        let free = Eligibility {
            lock: Lock::Unlocked,
            outdated: false,
            connected: true,
            conversation_closed: false,
        };
        assert_eq!(free.blocker(), None);
        assert_eq!(Eligibility { outdated: true, ..free }.blocker(), Some(Blocker::Outdated));
        let changed = Eligibility { lock: Lock::of(true, false, false), ..free };
        assert_eq!(changed.blocker(), Some(Blocker::Changed));
        assert_eq!(
            Eligibility { lock: Lock::of(true, true, true), ..free }.blocker(),
            Some(Blocker::Retired)
        );
        assert_eq!(
            Eligibility { lock: Lock::of(false, false, true), ..free }.blocker(),
            Some(Blocker::Locked)
        );
    }
}
