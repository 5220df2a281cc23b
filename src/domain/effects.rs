//! Effects: what follows from a change of state, as data.
//!
//! A judgement returns a [`Changed`]: the new state and its effects. Storage saves a state only together with its
//! effects, in one transaction, so no change lacks its audit entry. What has to be rendered again although nothing
//! changed is a [`Redraw`].

use chrono::{DateTime, Utc};

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
    /// Write an audit entry, and update the Home tabs that show it ([`HomeAudience::for_entry`]).
    Record(Box<Entry>),
    /// Render the prompt at once.
    DrawPrompt(ApprovalId),
    /// Render the prompt, because something that it shows beside the approval changed. Storage drops this if the prompt
    /// is due to be rendered within a minute anyway.
    RedrawPrompt(ApprovalId),
    /// Render the shared message that was made for this approval, after a moment in which further changes join. Storage
    /// drops this if the message is due to be rendered within a minute anyway.
    RedrawShared(ApprovalId),
    /// Send the backend a webhook that says how an approval ended.
    SendWebhook {
        /// The approval that ended.
        approval: ApprovalId,
        /// The backend that asked.
        backend: BackendId,
        /// How the approval ended.
        outcome: Outcome,
    },
    /// Render the admins' messages about an unlock request.
    DrawUnlockRequest(UnlockRequestId),
    /// Send a user the answer to an unlock request that they joined.
    SendUnlockAnswer {
        /// The request that was answered.
        request: UnlockRequestId,
        /// The user to notify.
        user: UserId,
    },
    /// Tell a user which of their grants an admin or the operator revoked.
    TellRevocation(UserId),
    /// Notify a person of delegations that began or ended.
    TellDelegation(UserId),
    /// Tell the user of an approval that an agent tried to run something other than what they approved.
    TellMisuse(ApprovalId),
    /// Update Home tabs because of something that has no audit entry.
    DrawHomes(HomeAudience),
    /// Remind a user of what waits, and update the messages that did. Storage drops this if it is to be done within a
    /// minute anyway.
    Remind(UserId),
    /// Send a user the digest that was planned last, if it was not sent.
    SendDigest {
        /// The user.
        user: UserId,
        /// When.
        at: DateTime<Utc>,
    },
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

/// A new state, and the effects of the change that led to it. Only `domain` can build one, and each has an audit entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a change that is not recorded can't be saved"]
pub struct Changed<T> {
    state: T,
    effects: Effects,
}

impl<T> Changed<T> {
    /// A change with its audit entry, which is its first effect.
    pub(super) fn new(workspace: WorkspaceId, state: T, entry: Entry) -> Self {
        Self { state, effects: Effects { workspace, effects: vec![Effect::record(entry)] } }
    }

    /// Adds an effect.
    pub(super) fn and(mut self, effect: Effect) -> Self {
        self.effects.effects.push(effect);
        self
    }

    /// Adds several effects.
    pub(super) fn and_all(mut self, effects: impl IntoIterator<Item = Effect>) -> Self {
        self.effects.effects.extend(effects);
        self
    }

    /// Adds audit entries.
    pub(super) fn and_record(self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.and_all(entries.into_iter().map(Effect::record))
    }

    /// Updates these prompts, because something that they show beside the approval changed.
    pub(super) fn and_redraw(self, prompts: &[ApprovalId]) -> Self {
        self.and_all(prompts.iter().copied().map(Effect::RedrawPrompt))
    }

    /// The new state, for reading. Storage saves it only once its effects are recorded.
    pub const fn state(&self) -> &T {
        &self.state
    }

    /// The effects, in the order in which they were added.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects.effects
    }

    /// Separates state and effects. Only the code that records the effects needs this.
    #[must_use]
    pub fn into_parts(self) -> (T, Effects) {
        (self.state, self.effects)
    }
}

/// What to render again although nothing changed: a message or Home tab is out of date, or was just opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it has to be queued"]
pub struct Redraw(Effects);

impl Redraw {
    const fn new(workspace: WorkspaceId, effects: Vec<Effect>) -> Self {
        Self(Effects { workspace, effects })
    }

    /// Renders a prompt and its user's Home tab, which are both out of date.
    pub fn stale_prompt(request: &Request) -> Self {
        Self::prompt(request).and_home(&request.user)
    }

    /// Renders a prompt.
    pub fn prompt(request: &Request) -> Self {
        Self::new(request.workspace, vec![Effect::RedrawPrompt(request.id)])
    }

    /// Renders the prompts of these approvals.
    pub fn prompts(workspace: WorkspaceId, approvals: impl IntoIterator<Item = ApprovalId>) -> Self {
        Self::new(workspace, approvals.into_iter().map(Effect::RedrawPrompt).collect())
    }

    /// Renders the shared messages that were made for these approvals.
    pub fn shared(workspace: WorkspaceId, first: impl IntoIterator<Item = ApprovalId>) -> Self {
        Self::new(workspace, first.into_iter().map(Effect::RedrawShared).collect())
    }

    /// Renders the admins' messages about an unlock request.
    pub fn unlock_request(workspace: WorkspaceId, request: UnlockRequestId) -> Self {
        Self::new(workspace, vec![Effect::DrawUnlockRequest(request)])
    }

    /// Updates a user's Home tab.
    pub fn home(workspace: WorkspaceId, user: &UserId) -> Self {
        Self::new(workspace, Vec::new()).and_home(user)
    }

    /// Updates the admins' Home tabs.
    pub fn admins_homes(workspace: WorkspaceId, urgency: Urgency) -> Self {
        Self::new(workspace, vec![Effect::DrawHomes(HomeAudience::Admins(urgency))])
    }

    /// Reminds a user of what waits, and updates the messages that did.
    pub fn reminders(workspace: WorkspaceId, user: UserId) -> Self {
        Self::new(workspace, vec![Effect::Remind(user)])
    }

    /// Sends a user's digest at this time.
    pub fn digest(workspace: WorkspaceId, user: UserId, at: DateTime<Utc>) -> Self {
        Self::new(workspace, vec![Effect::SendDigest { user, at }])
    }

    /// Updates a user's Home tab as well.
    pub fn and_home(mut self, user: &UserId) -> Self {
        self.0.effects.push(Effect::DrawHomes(HomeAudience::Users(vec![user.clone()], Urgency::Now)));
        self
    }

    /// The effects to queue.
    #[must_use]
    pub fn into_effects(self) -> Effects {
        self.0
    }
}
