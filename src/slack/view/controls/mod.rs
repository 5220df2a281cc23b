//! Every clickable control, as a closed list. Clicks are parsed with the same code that writes the controls into a
//! view.
//!
//! A click's payload is untrusted. Its ids only name things; the use case decides whether this user may touch them.

mod action_ids;
mod callback;
mod parse;
mod screen;
mod values;

pub use self::{callback::Callback, screen::Screen};
use crate::domain::ids::DelegationId;
use crate::domain::{
    alike::Alike,
    decision::DenialReason,
    grants::Scope,
    ids::{
        ActionId, ActionVersionId, AgentId, ApiKeyId, ApprovalId, BackendId, DeliveryId, GrantId,
        IntegrationId, PauseId, UnlockRequestId,
    },
    notifications::Hour,
    overview::Section,
    settings::Toggle,
};

/// What a user may be told without having asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Reminders of requests that wait.
    Reminders,
    /// The daily digest.
    Digest,
}

/// One control, with what it applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// The *Approve* button: this request only.
    Approve(ApprovalId),
    /// A choice in the overflow menu.
    ApproveMore {
        /// The approval to approve.
        approval: ApprovalId,
        /// How far the approval extends.
        scope: Scope,
    },
    /// *Edit and approve…*: opens the modal that [`super::editing::modal`] renders. A choice in the overflow menu, or a
    /// button where there is no menu.
    Edit(ApprovalId),
    /// *More options…*: opens the modal that [`super::narrowing::modal`] renders. A choice in the overflow menu, or a button
    /// where the menu asks for confirmation.
    Narrow(ApprovalId),
    /// The *Deny* button: denies at once, without a reason.
    Deny(ApprovalId),
    /// A choice in the menu beside *Deny*.
    DenyMore {
        /// The approval to deny.
        approval: ApprovalId,
        /// The reason. `None` opens the modal that [`super::deny::modal`] renders.
        reason: Option<DenialReason>,
    },
    /// *Approve all…*: opens the modal that [`super::together::modal`] renders.
    ApproveAll {
        /// One of the approvals.
        like: ApprovalId,
        /// What the others have in common with it.
        alike: Alike,
    },
    /// *Deny all*: denies at once, without a reason.
    DenyAll {
        /// One of the approvals.
        like: ApprovalId,
        /// What the others have in common with it.
        alike: Alike,
    },
    /// *Review*: opens the modal that [`super::review::review`] renders, at the oldest request. The approval is one of
    /// them.
    Review(ApprovalId),
    /// *Skip* in a review: shows the request after this one.
    Skip(ApprovalId),
    /// *Details*: opens the modal that [`super::details::details`] renders, at its first page.
    Details(ApprovalId),
    /// *Previous page* in the details: updates the modal.
    DetailsPrevious {
        /// The approval whose details these are.
        approval: ApprovalId,
        /// The page to show, counted from 0.
        page: usize,
    },
    /// *Next page* in the details: updates the modal.
    DetailsNext {
        /// The approval whose details these are.
        approval: ApprovalId,
        /// The page to show, counted from 0.
        page: usize,
    },
    /// *Raw JSON* or *Readable* in the details: updates the modal.
    DetailsJump {
        /// The approval whose details these are.
        approval: ApprovalId,
        /// The page to show, counted from 0.
        page: usize,
    },
    /// *Turn off* for the grant that a decision created.
    TurnOff(GrantId),
    /// *Auto-approvals…* on an admin's Home tab: opens the modal that [`super::everyones_grants::list`] renders.
    EveryonesGrants,
    /// The menu of users in that modal. Slack sends the user beside it.
    GrantsOf,
    /// *Previous page* in that modal: the page to show, counted from 0.
    GrantsPrevious(usize),
    /// *Next page* in that modal.
    GrantsNext(usize),
    /// *Revoke…* in that modal: opens the one that [`super::everyones_grants::revoke`] renders.
    RevokeGrant(GrantId),
    /// *Search decisions…* on an admin's Home tab: opens the modal that [`super::audit_search::form`] renders.
    SearchAudit,
    /// *Newest* in the result.
    AuditNewest,
    /// *Search further back* in the result.
    AuditFurther,
    /// *Send me all as CSV* in the result.
    ExportAudit,
    /// *Manual approvals…* on an admin's Home tab: opens the modal that [`super::fatigue::modal`] renders.
    Figures,
    /// *Unlock read-only actions…*: opens the modal that [`super::bulk_unlock::modal`] renders.
    UnlockReadOnly(IntegrationId),
    /// *Failing webhooks…* of a backend: opens the modal that [`super::failing_webhooks::modal`] renders.
    FailingWebhooks(BackendId),
    /// *Send again* in that modal.
    SendAgain {
        /// The backend.
        backend: BackendId,
        /// The delivery.
        delivery: DeliveryId,
    },
    /// *Agents…* on an admin's Home tab: opens the modal that [`super::agents::list`] renders.
    Agents,
    /// *Previous page* in that modal: the page to show, counted from 0.
    AgentsPrevious(usize),
    /// *Next page* in that modal.
    AgentsNext(usize),
    /// *Pause…* beside an agent: opens the modal that [`super::agents::pause_agent`] renders.
    PauseAgent(AgentId),
    /// *Pause…* beside a backend: opens the modal that [`super::agents::pause_backend`] renders.
    PauseBackend(BackendId),
    /// *Resume*.
    Resume(PauseId),
    /// *Revoke* for an API key of the user.
    RevokeKey(ApiKeyId),
    /// A link to the conversation. The browser opens it; Slack reports the click and only expects an acknowledgement.
    OpenConversation,
    /// A link to the page where the user connects the integration. Slack only expects an acknowledgement.
    Connect,
    /// *Request auto-approval*: asks the admins to unlock the action.
    RequestUnlock(ActionId),
    /// *Unlock* on an unlock request.
    GrantRequest {
        /// The request.
        request: UnlockRequestId,
        /// The description that the admin saw. Messages of the previous version of this program don't contain it.
        version: Option<ActionVersionId>,
    },
    /// *Decline* on an unlock request.
    DeclineRequest(UnlockRequestId),
    /// *Unlock* for an action, on an admin's Home tab.
    Unlock {
        /// The action.
        action: ActionId,
        /// The description that the admin saw. Messages of the previous version of this program don't contain it.
        version: Option<ActionVersionId>,
    },
    /// *Confirm* the changed description of an unlocked action.
    Confirm {
        /// The action.
        action: ActionId,
        /// The description that the admin saw.
        version: ActionVersionId,
    },
    /// *Lock* for an action.
    Lock(ActionId),
    /// *Edit options for …* for an action: opens the modal that [`super::action_options::options`] renders.
    ActionOptions {
        /// The action.
        action: ActionId,
        /// Which of the buttons in its block this is, counted from 0. There are at most [`Section::size`] of them.
        place: usize,
    },
    /// *Previous page* of a section of the Home tab.
    SectionPrevious {
        /// The section.
        section: Section,
        /// The page to show, counted from 0.
        page: usize,
    },
    /// *Next page* of a section of the Home tab.
    SectionNext {
        /// The section.
        section: Section,
        /// The page to show, counted from 0.
        page: usize,
    },
    /// *Actions*: shows the actions of one integration on an admin's Home tab.
    Pick(IntegrationId),
    /// *All integrations*: returns from one integration's actions.
    PickNone,
    /// The gear: shows an integration's actions in the settings modal.
    Gear(IntegrationId),
    /// *Previous page* in the settings modal.
    SettingsPrevious(Screen),
    /// *Next page* in the settings modal.
    SettingsNext(Screen),
    /// *All integrations* in the settings modal.
    SettingsAll,
    /// The toggle *Auto-approve always*, and its new state.
    Toggle {
        /// The action.
        action: ActionId,
        /// The state that the user chose.
        toggle: Toggle,
    },
    /// *Delegate…*: opens the modal that [`super::delegation::modal`] renders.
    Delegation,
    /// *End* in that modal.
    EndDelegation(DelegationId),
    /// *Notifications…* in a digest: opens the settings.
    OpenSettings,
    /// *Turn off* in a digest. The message is not updated, so the user gets a reply.
    TurnOffReported(GrantId),
    /// Turns a kind of notification on or off.
    Notify {
        /// The kind.
        notice: Notice,
        /// The state that the user chose.
        on: bool,
    },
    /// The menu of when quiet hours begin. `None`: never.
    QuietFrom(Option<Hour>),
    /// The menu of when they end.
    QuietUntil(Hour),
}

#[cfg(test)]
mod tests;
