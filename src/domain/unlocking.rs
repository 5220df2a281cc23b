//! Users ask admins to unlock an action; one admin answers for all who asked.

use serde_json::json;

use crate::domain::{
    actions::LockedAction,
    audit::{Actor, AuditAction, Entry},
    catalog::{Lock, UnlockedFor},
    effects::{Changed, Effect},
    ids::{ActionId, ApprovalId, UnlockRequestId, UserId, WorkspaceId},
    people::ActingUser,
    rejection::Rejection,
    settings::may_change,
    unlock_answer::{Resolution, Resolved},
};

/// Whether this person may request that the action be unlocked. An unlocked action needs no request. An action whose
/// description has changed doesn't either: admins already see that it needs confirmation.
pub fn may_ask(acting_user: &ActingUser, lock: Lock) -> Result<(), Rejection> {
    may_change(acting_user)?;
    match lock {
        Lock::Locked => Ok(()),
        Lock::Unlocked(_) => Err(Rejection::AlreadyUnlocked),
        Lock::Changed(_) => Err(Rejection::ChangedSinceUnlocked),
        Lock::Retired => Err(Rejection::UnknownAction),
        Lock::Ruled => Err(Rejection::RuleAsks),
    }
}

/// What an admin wants to do with an action's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockCommand {
    /// Let users auto-approve the action, as it is now described. Of an action that is unlocked already this changes
    /// nothing: the admin saw a locked one.
    Unlock(UnlockedFor),
    /// Change what users may allow for an unlocked action. If that is no longer *always*, the *always* grants end.
    SetFor(UnlockedFor),
    /// Resume paused grants: the admin accepts the changed description.
    Confirm,
    /// Stop users from auto-approving the action, and end its grants. Unlocking again does not restore them.
    Lock,
}

impl LockCommand {
    /// Whether the command can only end what users may allow.
    #[must_use]
    pub fn only_takes_away(self) -> bool {
        matches!(self, Self::Lock | Self::SetFor(UnlockedFor::Conversations))
    }
}

/// What happens to an action's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The action becomes unlocked.
    Unlock(UnlockedFor),
    /// The action stays unlocked, for this.
    SetFor(UnlockedFor),
    /// The action stays unlocked, and its current description becomes the confirmed one.
    Confirm,
    /// The action becomes locked.
    Lock,
}

/// Judges an admin's command. `as_shown`: the description that the admin saw is still the current one; locking does not
/// depend on it. `None` if the command changes nothing.
pub const fn set_lock(lock: Lock, command: LockCommand, as_shown: bool) -> Result<Option<Step>, Rejection> {
    match (command, lock) {
        (_, Lock::Retired) => Err(Rejection::UnknownAction),
        (_, Lock::Ruled) => Err(Rejection::RuleAsks),
        (LockCommand::Lock, Lock::Locked)
        | (LockCommand::Unlock(_) | LockCommand::Confirm, Lock::Unlocked(_))
        | (
            LockCommand::SetFor(UnlockedFor::Always),
            Lock::Unlocked(UnlockedFor::Always) | Lock::Changed(UnlockedFor::Always),
        )
        | (
            LockCommand::SetFor(UnlockedFor::Conversations),
            Lock::Unlocked(UnlockedFor::Conversations) | Lock::Changed(UnlockedFor::Conversations),
        ) => Ok(None),
        (LockCommand::Lock, Lock::Unlocked(_) | Lock::Changed(_)) => Ok(Some(Step::Lock)),
        // The admin saw an unlocked action, and another admin has locked it since.
        (LockCommand::Confirm | LockCommand::SetFor(_), Lock::Locked) => Err(Rejection::ChangedSinceShown),
        // Like locking, this only takes away.
        (LockCommand::SetFor(UnlockedFor::Conversations), Lock::Unlocked(_) | Lock::Changed(_)) => {
            Ok(Some(Step::SetFor(UnlockedFor::Conversations)))
        }
        (LockCommand::Unlock(_) | LockCommand::SetFor(_) | LockCommand::Confirm, _) if !as_shown => {
            Err(Rejection::ChangedSinceShown)
        }
        (LockCommand::SetFor(what), Lock::Unlocked(_) | Lock::Changed(_)) => Ok(Some(Step::SetFor(what))),
        (LockCommand::Unlock(what), Lock::Locked) => Ok(Some(Step::Unlock(what))),
        (LockCommand::Unlock(_) | LockCommand::Confirm, Lock::Changed(_)) => Ok(Some(Step::Confirm)),
    }
}

/// Whether an answer repeats the one already given: same admin, same answer.
#[must_use]
pub fn repeats(answered: &Resolved, answer: Resolution, admin: &UserId) -> bool {
    answered.answer == answer && answered.by.as_ref() == Some(admin)
}

/// Whether the request can still be answered. The first admin's answer counts for all.
pub fn still_open(answered: Option<&Resolved>) -> Result<(), Rejection> {
    match answered {
        Some(answered) => Err(Rejection::AlreadyAnswered(answered.clone())),
        None => Ok(()),
    }
}

/// An unanswered request to unlock an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// The request's id.
    pub id: UnlockRequestId,
    /// The users who asked.
    pub askers: Vec<UserId>,
}

/// One answer to several unlock requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolutions {
    /// The requests.
    pub requests: Vec<UnlockRequestId>,
    /// How the requests are resolved.
    pub answer: Resolution,
    /// Who answers: an id, or the kind of an actor without one.
    pub by: String,
}

impl Resolutions {
    /// No requests to answer.
    #[must_use]
    pub const fn none() -> Self {
        Self { requests: Vec::new(), answer: Resolution::Retired, by: String::new() }
    }

    /// An answer to these requests.
    pub(super) fn new(requests: &[OpenRequest], answer: Resolution, by: String) -> Self {
        Self { requests: requests.iter().map(|request| request.id).collect(), answer, by }
    }

    /// Updates the admins' messages, and notifies every user who asked.
    pub(super) fn effects(requests: &[OpenRequest]) -> impl Iterator<Item = Effect> {
        requests.iter().flat_map(|request| {
            let answers = request
                .askers
                .iter()
                .map(|user| Effect::SendUnlockAnswer { request: request.id, user: user.clone() });
            std::iter::once(Effect::DrawUnlockRequest(request.id)).chain(answers)
        })
    }
}

impl AsRef<Self> for Resolutions {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A change of an action's lock, as storage saves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockChange {
    /// The action.
    pub action: ActionId,
    /// What happens to the lock.
    pub step: Step,
    /// Who changes the lock: an id, or the kind of an actor without one.
    pub by: String,
    /// The unlock requests that the change answers.
    pub answers: Resolutions,
}

impl AsRef<Resolutions> for LockChange {
    fn as_ref(&self) -> &Resolutions {
        &self.answers
    }
}

/// Applies a step that [`set_lock`] returned. `open`: the unlock requests for the action, which unlocking answers even
/// if it was not done through them. `pending`: the approvals for the action, whose prompts show the lock.
pub fn change_lock(
    workspace: WorkspaceId,
    action: &LockedAction,
    step: Step,
    actor: &Actor,
    open: &[OpenRequest],
    pending: &[ApprovalId],
) -> Changed<LockChange> {
    let (what, before, after) = match step {
        Step::Unlock(what) => {
            let after = json!({ "unlocked": true, "for": what.as_str(), "version": action.version });
            (AuditAction::ActionUnlocked, json!({ "unlocked": false }), after)
        }
        Step::SetFor(what) => {
            let before = json!({ "for": action.lock.unlocked_for().map(UnlockedFor::as_str) });
            (AuditAction::ActionScopeChanged, before, json!({ "for": what.as_str() }))
        }
        Step::Confirm => {
            let before = json!({ "version": action.confirmed });
            (AuditAction::ActionConfirmed, before, json!({ "version": action.version }))
        }
        Step::Lock => (AuditAction::ActionLocked, json!({ "unlocked": true }), json!({ "unlocked": false })),
    };
    let entry = Entry::new(actor.clone(), what).subject(action.path()).before(before).after(after);
    let by = actor.label();
    let open = if matches!(step, Step::Unlock(_)) { open } else { &[] };
    let answers = Resolutions::new(open, Resolution::Unlocked, by.clone());
    let change = LockChange { action: action.id, step, by, answers };
    Changed::new(workspace, change, entry).and_all(Resolutions::effects(open)).and_redraw(pending)
}

/// A user who joins or opens a request to unlock an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The request's id.
    pub request: UnlockRequestId,
    /// Whether the user is the first to ask, so that the request is created.
    pub is_new: bool,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The action.
    pub action: ActionId,
    /// The user.
    pub user: UserId,
}

/// Adds the user to the open unlock request, or opens a new one with the id `new_id`. The caller has checked
/// [`may_ask`].
pub fn ask(
    workspace: WorkspaceId,
    action: &LockedAction,
    user: &UserId,
    open: Option<UnlockRequestId>,
    new_id: UnlockRequestId,
    pending: &[ApprovalId],
) -> Changed<Asking> {
    let request = open.unwrap_or(new_id);
    let entry = Entry::new(Actor::User(user.clone()), AuditAction::UnlockRequested)
        .subject(action.path())
        .after(json!({ "request": request }))
        .concerning([user.clone()]);
    let asking = Asking { request, is_new: open.is_none(), workspace, action: action.id, user: user.clone() };
    Changed::new(workspace, asking, entry).and(Effect::DrawUnlockRequest(request)).and_redraw(pending)
}

/// Declines an action's open unlock requests. `request` is the one whose button was clicked.
pub fn decline(
    workspace: WorkspaceId,
    action: &LockedAction,
    admin: &UserId,
    request: UnlockRequestId,
    open: &[OpenRequest],
    pending: &[ApprovalId],
) -> Changed<Resolutions> {
    let entry = Entry::new(Actor::User(admin.clone()), AuditAction::UnlockDeclined)
        .subject(action.path())
        .after(json!({ "request": request }))
        .concerning(open.iter().flat_map(|request| request.askers.clone()));
    let answers = Resolutions::new(open, Resolution::Declined, admin.to_string());
    Changed::new(workspace, answers, entry).and_all(Resolutions::effects(open)).and_redraw(pending)
}

/// Records that a user tried what only admins may do, and was refused.
pub fn refuse(workspace: WorkspaceId, user: &UserId) -> Changed<Rejection> {
    let rejection = Rejection::NotAdmin;
    let entry = Entry::new(Actor::User(user.clone()), AuditAction::AdminRefused)
        .after(json!({ "why": rejection.code() }))
        .concerning([user.clone()]);
    Changed::new(workspace, rejection, entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNLOCKED: [Lock; 4] = [
        Lock::Unlocked(UnlockedFor::Conversations),
        Lock::Unlocked(UnlockedFor::Always),
        Lock::Changed(UnlockedFor::Conversations),
        Lock::Changed(UnlockedFor::Always),
    ];

    #[test]
    fn an_admin_unlocks_and_confirms_what_was_shown() {
        for what in UnlockedFor::ALL {
            let judge = |lock, command| set_lock(lock, command, true);
            let (unlock, changed) = (LockCommand::Unlock(what), Lock::Changed(what));
            assert_eq!(judge(Lock::Locked, unlock), Ok(Some(Step::Unlock(what))));
            assert_eq!(judge(changed, unlock), Ok(Some(Step::Confirm)));
            assert_eq!(judge(changed, LockCommand::Confirm), Ok(Some(Step::Confirm)));
            assert_eq!(judge(Lock::Unlocked(what), LockCommand::Confirm), Ok(None));
            for lock in [Lock::Locked, changed] {
                for command in [unlock, LockCommand::Confirm] {
                    assert_eq!(set_lock(lock, command, false), Err(Rejection::ChangedSinceShown));
                }
            }
        }
    }

    #[test]
    fn what_is_unlocked_stays_unlocked_for_the_same() {
        for (what, is) in UnlockedFor::ALL.into_iter().flat_map(|what| UnlockedFor::ALL.map(|is| (what, is)))
        {
            assert_eq!(set_lock(Lock::Unlocked(is), LockCommand::Unlock(what), true), Ok(None));
        }
    }

    #[test]
    fn limiting_never_depends_on_what_was_shown_and_widening_does() {
        for lock in UNLOCKED {
            let judge = |what, as_shown| set_lock(lock, LockCommand::SetFor(what), as_shown);
            let step = |what| (lock.unlocked_for() != Some(what)).then_some(Step::SetFor(what));
            assert_eq!(judge(UnlockedFor::Conversations, false), Ok(step(UnlockedFor::Conversations)));
            assert_eq!(judge(UnlockedFor::Always, true), Ok(step(UnlockedFor::Always)));
            if step(UnlockedFor::Always).is_some() {
                assert_eq!(judge(UnlockedFor::Always, false), Err(Rejection::ChangedSinceShown));
            }
        }
    }

    #[test]
    fn confirming_and_limiting_unlock_nothing() {
        for command in [LockCommand::Confirm, LockCommand::SetFor(UnlockedFor::Always)] {
            assert_eq!(set_lock(Lock::Locked, command, true), Err(Rejection::ChangedSinceShown));
        }
    }

    #[test]
    fn locking_never_depends_on_what_was_shown() {
        for lock in UNLOCKED {
            assert_eq!(set_lock(lock, LockCommand::Lock, false), Ok(Some(Step::Lock)));
        }
    }
}
