//! Effects: what follows from a change of state, as data.
//!
//! A judgement gives a [`Changed`]: the new state and its effects. Storage saves a state only if its effects were handed
//! over to be written in the same transaction, so a change can't lack its audit entry. What has to be shown again although
//! nothing changed is a [`Redraw`].

use super::{
    approvals::Request,
    audit::Entry,
    homes::{HomeAudience, Urgency},
    ids::{ApprovalId, BackendId, UnlockRequestId, UserId, WorkspaceId},
};
use crate::domain::outcome::Outcome;

/// One thing that follows from a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// An audit entry. The Home tabs that show it are drawn again ([`HomeAudience::of`]).
    Record(Box<Entry>),
    /// The prompt has to show the approval as it is now.
    DrawPrompt(ApprovalId),
    /// The same where only what surrounds the approval changed. A prompt that is drawn within a minute anyway shows it then.
    RedrawPrompt(ApprovalId),
    /// The backend is told how an approval ended.
    SendWebhook {
        /// The approval.
        approval: ApprovalId,
        /// The backend that asked.
        backend: BackendId,
        /// How it ended.
        outcome: Outcome,
    },
    /// The admins' messages have to show the request to unlock an action as it is now.
    DrawUnlockRequest(UnlockRequestId),
    /// A user who asked to unlock an action is told the answer.
    SendUnlockAnswer {
        /// The request.
        request: UnlockRequestId,
        /// The user.
        user: UserId,
    },
    /// Home tabs have to show the present state, although the audit has no entry for it.
    DrawHomes(HomeAudience),
}

impl Effect {
    fn record(entry: Entry) -> Self {
        Self::Record(Box::new(entry))
    }
}

/// The effects of one change in one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects {
    workspace: WorkspaceId,
    effects: Vec<Effect>,
}

impl Effects {
    /// The workspace that the change belongs to.
    #[must_use]
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

impl IntoIterator for Effects {
    type Item = Effect;
    type IntoIter = std::vec::IntoIter<Effect>;

    fn into_iter(self) -> Self::IntoIter {
        self.effects.into_iter()
    }
}

/// A new state and the effects of the change that led to it. Only `domain` builds one, and each has an audit entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a change that is not recorded can't be saved"]
pub struct Changed<T> {
    state: T,
    effects: Effects,
}

impl<T> Changed<T> {
    /// A change that the audit knows by this entry.
    pub(super) fn new(workspace: WorkspaceId, state: T, entry: Entry) -> Self {
        Self { state, effects: Effects { workspace, effects: vec![Effect::record(entry)] } }
    }

    /// Adds an effect.
    pub(super) fn and(mut self, effect: Effect) -> Self {
        self.effects.effects.push(effect);
        self
    }

    /// Adds effects.
    pub(super) fn and_all(mut self, effects: impl IntoIterator<Item = Effect>) -> Self {
        self.effects.effects.extend(effects);
        self
    }

    /// Adds audit entries.
    pub(super) fn and_record(self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.and_all(entries.into_iter().map(Effect::record))
    }

    /// Has prompts drawn again, because what surrounds their approvals changed.
    pub(super) fn and_redraw(self, prompts: &[ApprovalId]) -> Self {
        self.and_all(prompts.iter().copied().map(Effect::RedrawPrompt))
    }

    /// The new state, to look at. It is saved only once its effects are recorded.
    pub const fn state(&self) -> &T {
        &self.state
    }

    /// The effects.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects.effects
    }

    /// The state and the effects apart: for the one place that records them.
    #[must_use]
    pub fn into_parts(self) -> (T, Effects) {
        (self.state, self.effects)
    }
}

/// What has to be shown again although nothing changed: a screen is behind, or was just opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it has to be queued"]
pub struct Redraw(Effects);

impl Redraw {
    const fn new(workspace: WorkspaceId, effects: Vec<Effect>) -> Self {
        Self(Effects { workspace, effects })
    }

    /// A prompt, and the Home tab of the user whom it asks: both are behind.
    pub fn stale_prompt(request: &Request) -> Self {
        Self::prompt(request).and_home(&request.user)
    }

    /// A prompt.
    pub fn prompt(request: &Request) -> Self {
        Self::new(request.workspace, vec![Effect::RedrawPrompt(request.id)])
    }

    /// The admins' messages about a request to unlock an action.
    pub fn unlock_request(workspace: WorkspaceId, request: UnlockRequestId) -> Self {
        Self::new(workspace, vec![Effect::DrawUnlockRequest(request)])
    }

    /// A user's Home tab.
    pub fn home(workspace: WorkspaceId, user: &UserId) -> Self {
        Self::new(workspace, Vec::new()).and_home(user)
    }

    /// The Home tabs of admins.
    pub fn admins_homes(workspace: WorkspaceId, urgency: Urgency) -> Self {
        Self::new(workspace, vec![Effect::DrawHomes(HomeAudience::Admins(urgency))])
    }

    /// Adds a user's Home tab.
    pub fn and_home(mut self, user: &UserId) -> Self {
        self.0.effects.push(Effect::DrawHomes(HomeAudience::Users(vec![user.clone()], Urgency::Now)));
        self
    }

    /// The effects.
    #[must_use]
    pub fn into_effects(self) -> Effects {
        self.0
    }
}
