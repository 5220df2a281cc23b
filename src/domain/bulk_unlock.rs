//! An admin unlocks read-only actions of an integration together.

use crate::domain::{
    actions::LockedAction,
    catalog::Lock,
    ids::{ActionId, ActionVersionId},
    risk::Impact,
    shell::is_shell,
};

/// An action that can be unlocked together with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOnlyLine {
    /// The action.
    pub action: ActionId,
    /// The description that the admin sees.
    pub version: ActionVersionId,
    /// The action's key.
    pub key: String,
    /// The action's display name.
    pub name: String,
}

/// Those of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOnlyActions {
    /// The integration's display name.
    pub integration_name: String,
    /// The actions, by name; no more than fit into one modal.
    pub lines: Vec<ReadOnlyLine>,
    /// Whether there are more.
    pub more: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BulkUnlock {
    /// How many actions were unlocked.
    pub unlocked: usize,
    /// How many were left out, because they are no longer as they were listed.
    pub left_out: usize,
}

/// Whether an action may be unlocked together with others: it is locked, and its backend declares that it
/// changes nothing. One that runs any command may change something, whatever it declares.
#[must_use]
pub fn is_harmless(lock: Lock, impact: Impact, path: &str) -> bool {
    lock == Lock::Locked && impact.is_read_only() && !is_shell(path)
}

/// Whether an action that was listed is still as it was: `seen` is the description that was listed, `impact` that of the
/// current one.
#[must_use]
pub fn is_as_listed(action: &LockedAction, impact: Impact, seen: ActionVersionId) -> bool {
    action.version == seen && is_harmless(action.lock, impact, &action.path())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{catalog::UnlockedFor, risk::Risks};

    fn locked(lock: Lock) -> LockedAction {
        LockedAction {
            id: ActionId::new(Uuid::from_u128(1)),
            integration: "github".to_owned(),
            key: "list_issues".to_owned(),
            lock,
            version: ActionVersionId::new(Uuid::from_u128(2)),
            must_read: false,
            confirmed: None,
        }
    }

    #[test]
    fn only_what_is_locked_and_read_only_as_listed_is_unlocked() {
        let seen = ActionVersionId::new(Uuid::from_u128(2));
        let other = ActionVersionId::new(Uuid::from_u128(3));
        assert!(is_as_listed(&locked(Lock::Locked), Impact::ReadOnly, seen));
        assert!(!is_as_listed(&locked(Lock::Locked), Impact::ReadOnly, other));
        for impact in [Impact::Undeclared, Impact::DESTRUCTIVE, Impact::Changes(Risks::NONE)] {
            assert!(!is_as_listed(&locked(Lock::Locked), impact, seen), "{impact:?}");
        }
        for lock in
            [Lock::Unlocked(UnlockedFor::Always), Lock::Changed(UnlockedFor::Conversations), Lock::Retired]
        {
            assert!(!is_as_listed(&locked(lock), Impact::ReadOnly, seen), "{lock:?}");
        }
    }

    #[test]
    fn one_that_runs_any_command_is_never_unlocked_with_others() {
        assert!(!is_harmless(Lock::Locked, Impact::ReadOnly, "claude.bash"));
        assert!(is_harmless(Lock::Locked, Impact::ReadOnly, "claude.read"));
    }
}
