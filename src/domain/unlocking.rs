//! Users ask admins to unlock an action; one admin answers for all who asked.

use serde_json::json;

use crate::domain::{
    actions::LockedAction,
    audit::{Actor, AuditAction, Entry},
    catalog::Lock,
    effects::{Changed, Effect},
    ids::{ActionId, ApprovalId, UnlockRequestId, UserId, WorkspaceId},
    people::ActingUser,
    rejection::Rejection,
    settings::may_change,
    unlock_answer::{Resolution, Resolved},
};

/// Whether this person may ask for the action. An action that is unlocked needs no asking, and one whose description has
/// changed since waits for an admin anyway.
pub fn may_ask(acting_user: &ActingUser, lock: Lock) -> Result<(), Rejection> {
    may_change(acting_user)?;
    match lock {
        Lock::Locked => Ok(()),
        Lock::Unlocked => Err(Rejection::AlreadyUnlocked),
        Lock::Changed => Err(Rejection::ChangedSinceUnlocked),
        Lock::Retired => Err(Rejection::UnknownAction),
    }
}

/// What an admin wants of an action's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockCommand {
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

/// Judges an admin's command. `as_shown`: the description that the admin saw is the present one; locking needs none.
/// `None`: it is so already.
pub const fn set_lock(lock: Lock, command: LockCommand, as_shown: bool) -> Result<Option<Step>, Rejection> {
    match (command, lock) {
        (_, Lock::Retired) => Err(Rejection::UnknownAction),
        (LockCommand::Lock, Lock::Locked) | (LockCommand::Unlock | LockCommand::Confirm, Lock::Unlocked) => {
            Ok(None)
        }
        (LockCommand::Lock, Lock::Unlocked | Lock::Changed) => Ok(Some(Step::Lock)),
        // Confirming needs an unlocked action: another admin has locked it since.
        (LockCommand::Confirm, Lock::Locked) => Err(Rejection::ChangedSinceShown),
        (LockCommand::Unlock | LockCommand::Confirm, _) if !as_shown => Err(Rejection::ChangedSinceShown),
        (LockCommand::Unlock, Lock::Locked) => Ok(Some(Step::Unlock)),
        (LockCommand::Unlock | LockCommand::Confirm, Lock::Changed) => Ok(Some(Step::Confirm)),
    }
}

/// Whether an answer only repeats the one that was given: the same admin gave the same.
#[must_use]
pub fn repeats(answered: &Resolved, answer: Resolution, admin: &UserId) -> bool {
    answered.answer == answer && answered.by.as_ref() == Some(admin)
}

/// Whether the request can still be answered: the first admin answers for all.
pub fn still_open(answered: Option<&Resolved>) -> Result<(), Rejection> {
    match answered {
        Some(answered) => Err(Rejection::AlreadyAnswered(answered.clone())),
        None => Ok(()),
    }
}

/// A request to unlock an action that nobody has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// Its id.
    pub id: UnlockRequestId,
    /// Who asked.
    pub askers: Vec<UserId>,
}

/// An answer to requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolutions {
    /// The requests.
    pub requests: Vec<UnlockRequestId>,
    /// The answer.
    pub answer: Resolution,
    /// Who gives it: an id, or the kind of an actor that has none.
    pub by: String,
}

impl Resolutions {
    /// None: there is nothing to answer.
    #[must_use]
    pub const fn none() -> Self {
        Self { requests: Vec::new(), answer: Resolution::Retired, by: String::new() }
    }

    /// This answer to these requests.
    pub(super) fn new(requests: &[OpenRequest], answer: Resolution, by: String) -> Self {
        Self { requests: requests.iter().map(|request| request.id).collect(), answer, by }
    }

    /// The admins' messages show the answer, and every user who asked is told it.
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

/// A change of an action's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockChange {
    /// The action.
    pub action: ActionId,
    /// What becomes of its lock.
    pub step: Step,
    /// Who changes it: an id, or the kind of an actor that has none.
    pub by: String,
    /// The requests that it answers.
    pub answers: Resolutions,
}

impl AsRef<Resolutions> for LockChange {
    fn as_ref(&self) -> &Resolutions {
        &self.answers
    }
}

/// Takes a step that [`set_lock`] judged. `open`: the requests to unlock the action, which unlocking it answers, however
/// it came about. `pending`: the approvals for it, whose prompts show the lock.
pub fn change_lock(
    workspace: WorkspaceId,
    action: &LockedAction,
    step: Step,
    actor: &Actor,
    open: &[OpenRequest],
    pending: &[ApprovalId],
) -> Changed<LockChange> {
    let (what, before, after) = match step {
        Step::Unlock => {
            let after = json!({ "unlocked": true, "version": action.version });
            (AuditAction::ActionUnlocked, json!({ "unlocked": false }), after)
        }
        Step::Confirm => {
            let before = json!({ "version": action.confirmed });
            (AuditAction::ActionConfirmed, before, json!({ "version": action.version }))
        }
        Step::Lock => (AuditAction::ActionLocked, json!({ "unlocked": true }), json!({ "unlocked": false })),
    };
    let entry = Entry::new(actor.clone(), what).subject(action.path()).before(before).after(after);
    let by = actor.label();
    let open = if step == Step::Unlock { open } else { &[] };
    let answers = Resolutions::new(open, Resolution::Unlocked, by.clone());
    let change = LockChange { action: action.id, step, by, answers };
    Changed::new(workspace, change, entry).and_all(Resolutions::effects(open)).and_redraw(pending)
}

/// A user who asks for an action to be unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The request that they join.
    pub request: UnlockRequestId,
    /// They are the first, and make it.
    pub is_new: bool,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The action.
    pub action: ActionId,
    /// The user.
    pub user: UserId,
}

/// Has a user ask, who may ([`may_ask`]): in the open request, or in a new one, which `fresh` names.
pub fn ask(
    workspace: WorkspaceId,
    action: &LockedAction,
    user: &UserId,
    open: Option<UnlockRequestId>,
    fresh: UnlockRequestId,
    pending: &[ApprovalId],
) -> Changed<Asking> {
    let request = open.unwrap_or(fresh);
    let entry = Entry::new(Actor::User(user.clone()), AuditAction::UnlockRequested)
        .subject(action.path())
        .after(json!({ "request": request }))
        .concerning([user.clone()]);
    let asking = Asking { request, is_new: open.is_none(), workspace, action: action.id, user: user.clone() };
    Changed::new(workspace, asking, entry).and(Effect::DrawUnlockRequest(request)).and_redraw(pending)
}

/// Declines the open requests for an action, `request` among them.
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

/// Notes that a user tried what only admins may, and was refused.
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

    #[test]
    fn an_admin_unlocks_and_confirms_what_was_shown() {
        let judge = |lock, command| set_lock(lock, command, true);
        assert_eq!(judge(Lock::Locked, LockCommand::Unlock), Ok(Some(Step::Unlock)));
        assert_eq!(judge(Lock::Changed, LockCommand::Unlock), Ok(Some(Step::Confirm)));
        assert_eq!(judge(Lock::Changed, LockCommand::Confirm), Ok(Some(Step::Confirm)));
        assert_eq!(judge(Lock::Unlocked, LockCommand::Confirm), Ok(None));
        for lock in [Lock::Locked, Lock::Changed] {
            for command in [LockCommand::Unlock, LockCommand::Confirm] {
                assert_eq!(set_lock(lock, command, false), Err(Rejection::ChangedSinceShown));
            }
        }
    }

    #[test]
    fn confirming_unlocks_nothing() {
        assert_eq!(set_lock(Lock::Locked, LockCommand::Confirm, true), Err(Rejection::ChangedSinceShown));
    }

    #[test]
    fn locking_never_depends_on_what_was_shown() {
        for lock in [Lock::Unlocked, Lock::Changed] {
            assert_eq!(set_lock(lock, LockCommand::Lock, false), Ok(Some(Step::Lock)));
        }
    }
}
