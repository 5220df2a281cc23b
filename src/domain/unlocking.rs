//! Users ask admins to unlock an action; one admin answers for all who asked.

use chrono::{DateTime, Utc};

use super::{Rejection, catalog::Lock, decisions::Clicker, ids::UserId, settings::may_change};

/// What became of a request to unlock an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The action was unlocked, by this request's button or otherwise.
    Unlocked,
    /// An admin declined: the action stays locked.
    Declined,
    /// The integration no longer has the action.
    Retired,
}

impl Answer {
    /// As the database writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            Self::Declined => "declined",
            Self::Retired => "retired",
        }
    }

    /// Reads what [`Answer::as_str`] wrote.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Unlocked, Self::Declined, Self::Retired].into_iter().find(|answer| answer.as_str() == text)
    }
}

/// An answer, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What.
    pub answer: Answer,
    /// Who, if it was a person in Slack.
    pub by: Option<UserId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Whether this person may ask for the action. An action that is unlocked needs no asking, and one whose description has
/// changed since waits for an admin anyway.
pub fn may_ask(clicker: &Clicker, lock: Lock) -> Result<(), Rejection> {
    may_change(clicker)?;
    match lock {
        Lock::Locked => Ok(()),
        Lock::Unlocked => Err(Rejection::AlreadyUnlocked),
        Lock::Changed => Err(Rejection::ChangedSinceUnlocked),
        Lock::Retired => Err(Rejection::UnknownAction),
    }
}

/// What an admin wants of an action's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Users may auto-approve it, as it is described now.
    Unlock,
    /// What users allowed holds again, although the description has changed.
    Confirm,
    /// Users may not, and what they allowed ends. Unlocking again does not bring it back.
    Lock,
}

/// What becomes of an action's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is unlocked.
    Unlock,
    /// It stays unlocked, and its present description is confirmed.
    Confirm,
    /// It is locked.
    Lock,
}

/// Judges an admin's wish. `as_shown`: the description that the admin saw is the present one; locking needs none.
/// `None`: it is so already.
pub const fn set_lock(lock: Lock, wish: Wish, as_shown: bool) -> Result<Option<Step>, Rejection> {
    match (wish, lock) {
        (_, Lock::Retired) => Err(Rejection::UnknownAction),
        (Wish::Lock, Lock::Locked) | (Wish::Unlock | Wish::Confirm, Lock::Unlocked) => Ok(None),
        (Wish::Lock, Lock::Unlocked | Lock::Changed) => Ok(Some(Step::Lock)),
        // Confirming needs an unlocked action: another admin has locked it since.
        (Wish::Confirm, Lock::Locked) => Err(Rejection::ChangedSinceShown),
        (Wish::Unlock | Wish::Confirm, _) if !as_shown => Err(Rejection::ChangedSinceShown),
        (Wish::Unlock, Lock::Locked) => Ok(Some(Step::Unlock)),
        (Wish::Unlock | Wish::Confirm, Lock::Changed) => Ok(Some(Step::Confirm)),
    }
}

/// Whether an answer only repeats the one that was given: the same admin gave the same.
#[must_use]
pub fn repeats(answered: &Answered, answer: Answer, admin: &UserId) -> bool {
    answered.answer == answer && answered.by.as_ref() == Some(admin)
}

/// Whether the request can still be answered: the first admin answers for all.
pub fn still_open(answered: Option<&Answered>) -> Result<(), Rejection> {
    match answered {
        Some(answered) => Err(Rejection::AlreadyAnswered(answered.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_unlocks_and_confirms_what_was_shown() {
        let judge = |lock, wish| set_lock(lock, wish, true);
        assert_eq!(judge(Lock::Locked, Wish::Unlock), Ok(Some(Step::Unlock)));
        assert_eq!(judge(Lock::Changed, Wish::Unlock), Ok(Some(Step::Confirm)));
        assert_eq!(judge(Lock::Changed, Wish::Confirm), Ok(Some(Step::Confirm)));
        assert_eq!(judge(Lock::Unlocked, Wish::Confirm), Ok(None));
        for lock in [Lock::Locked, Lock::Changed] {
            for wish in [Wish::Unlock, Wish::Confirm] {
                assert_eq!(set_lock(lock, wish, false), Err(Rejection::ChangedSinceShown));
            }
        }
    }

    #[test]
    fn confirming_unlocks_nothing() {
        assert_eq!(set_lock(Lock::Locked, Wish::Confirm, true), Err(Rejection::ChangedSinceShown));
    }

    #[test]
    fn locking_never_depends_on_what_was_shown() {
        for lock in [Lock::Unlocked, Lock::Changed] {
            assert_eq!(set_lock(lock, Wish::Lock, false), Ok(Some(Step::Lock)));
        }
    }
}
