//! The `action_id` of each control.

use super::{Control, Notice};

pub(super) const APPROVE: &str = "approve";
pub(super) const APPROVE_MORE: &str = "approve_more";
pub(super) const EDIT: &str = "edit";
pub(super) const NARROW: &str = "narrow";
pub(super) const DENY: &str = "deny";
pub(super) const DENY_MORE: &str = "deny_more";
pub(super) const APPROVE_ALL: &str = "approve_all";
pub(super) const DENY_ALL: &str = "deny_all";
pub(super) const REVIEW: &str = "review";
pub(super) const SKIP: &str = "skip";
pub(super) const DETAILS: &str = "details";
pub(super) const DETAILS_PREVIOUS: &str = "details_previous";
pub(super) const DETAILS_NEXT: &str = "details_next";
pub(super) const DETAILS_JUMP: &str = "details_jump";
pub(super) const TURN_OFF: &str = "turn_off";
pub(super) const EVERYONES_GRANTS: &str = "everyones_grants";
pub(super) const GRANTS_OF: &str = "grants_of";
pub(super) const GRANTS_PREVIOUS: &str = "grants_previous";
pub(super) const GRANTS_NEXT: &str = "grants_next";
pub(super) const REVOKE_GRANT: &str = "revoke_grant";
pub(super) const SEARCH_AUDIT: &str = "search_audit";
pub(super) const AUDIT_NEWEST: &str = "audit_newest";
pub(super) const AUDIT_FURTHER: &str = "audit_further";
pub(super) const EXPORT_AUDIT: &str = "export_audit";
pub(super) const FIGURES: &str = "figures";
pub(super) const UNLOCK_READ_ONLY: &str = "unlock_read_only";
pub(super) const FAILING_WEBHOOKS: &str = "failing_webhooks";
pub(super) const SEND_AGAIN: &str = "send_again";
pub(super) const AGENTS: &str = "agents";
pub(super) const AGENTS_PREVIOUS: &str = "agents_previous";
pub(super) const AGENTS_NEXT: &str = "agents_next";
pub(super) const PAUSE_AGENT: &str = "pause_agent";
pub(super) const PAUSE_BACKEND: &str = "pause_backend";
pub(super) const RESUME: &str = "resume";
pub(super) const REVOKE_KEY: &str = "revoke_key";
pub(super) const OPEN_CONVERSATION: &str = "open_conversation";
pub(super) const CONNECT: &str = "connect";
pub(super) const REQUEST_UNLOCK: &str = "request_unlock";
pub(super) const GRANT_REQUEST: &str = "grant_request";
pub(super) const DECLINE_REQUEST: &str = "decline_request";
pub(super) const UNLOCK: &str = "unlock";
pub(super) const CONFIRM: &str = "confirm";
pub(super) const LOCK: &str = "lock";
/// Of buttons in one block each needs another `action_id`, and one block has those of a page of actions.
pub(super) const ACTION_OPTIONS: [&str; 8] = [
    "action_options",
    "action_options_2",
    "action_options_3",
    "action_options_4",
    "action_options_5",
    "action_options_6",
    "action_options_7",
    "action_options_8",
];
pub(super) const SECTION_PREVIOUS: &str = "section_previous";
pub(super) const SECTION_NEXT: &str = "section_next";
pub(super) const PICK: &str = "pick";
pub(super) const PICK_NONE: &str = "pick_none";
pub(super) const GEAR: &str = "gear";
pub(super) const SETTINGS_PREVIOUS: &str = "settings_previous";
pub(super) const SETTINGS_NEXT: &str = "settings_next";
pub(super) const SETTINGS_ALL: &str = "settings_all";
pub(super) const TOGGLE: &str = "toggle";
pub(super) const DELEGATION: &str = "delegation";
pub(super) const END_DELEGATION: &str = "end_delegation";
pub(super) const OPEN_SETTINGS: &str = "open_settings";
pub(super) const TURN_OFF_REPORTED: &str = "turn_off_reported";
pub(super) const NOTIFY: &str = "notify";
pub(super) const NOTIFY_DIGEST: &str = "notify_digest";
pub(super) const QUIET_FROM: &str = "quiet_from";
pub(super) const QUIET_UNTIL: &str = "quiet_until";

impl Control {
    /// The element's `action_id`.
    #[must_use]
    pub const fn action_id(self) -> &'static str {
        match self {
            Self::Approve(_) => APPROVE,
            Self::ApproveMore { .. } => APPROVE_MORE,
            Self::Edit(_) => EDIT,
            Self::Narrow(_) => NARROW,
            Self::Deny(_) => DENY,
            Self::DenyMore { .. } => DENY_MORE,
            Self::ApproveAll { .. } => APPROVE_ALL,
            Self::DenyAll { .. } => DENY_ALL,
            Self::Review(_) => REVIEW,
            Self::Skip(_) => SKIP,
            Self::Details(_) => DETAILS,
            Self::DetailsPrevious { .. } => DETAILS_PREVIOUS,
            Self::DetailsNext { .. } => DETAILS_NEXT,
            Self::DetailsJump { .. } => DETAILS_JUMP,
            Self::TurnOff(_) => TURN_OFF,
            Self::EveryonesGrants => EVERYONES_GRANTS,
            Self::GrantsOf => GRANTS_OF,
            Self::GrantsPrevious(_) => GRANTS_PREVIOUS,
            Self::GrantsNext(_) => GRANTS_NEXT,
            Self::RevokeGrant(_) => REVOKE_GRANT,
            Self::SearchAudit => SEARCH_AUDIT,
            Self::AuditNewest => AUDIT_NEWEST,
            Self::AuditFurther => AUDIT_FURTHER,
            Self::ExportAudit => EXPORT_AUDIT,
            Self::Figures => FIGURES,
            Self::UnlockReadOnly(_) => UNLOCK_READ_ONLY,
            Self::FailingWebhooks(_) => FAILING_WEBHOOKS,
            Self::SendAgain { .. } => SEND_AGAIN,
            Self::Agents => AGENTS,
            Self::AgentsPrevious(_) => AGENTS_PREVIOUS,
            Self::AgentsNext(_) => AGENTS_NEXT,
            Self::PauseAgent(_) => PAUSE_AGENT,
            Self::PauseBackend(_) => PAUSE_BACKEND,
            Self::Resume(_) => RESUME,
            Self::RevokeKey(_) => REVOKE_KEY,
            Self::OpenConversation => OPEN_CONVERSATION,
            Self::Connect => CONNECT,
            Self::RequestUnlock(_) => REQUEST_UNLOCK,
            Self::GrantRequest { .. } => GRANT_REQUEST,
            Self::DeclineRequest(_) => DECLINE_REQUEST,
            Self::Unlock { .. } => UNLOCK,
            Self::Confirm { .. } => CONFIRM,
            Self::Lock(_) => LOCK,
            Self::ActionOptions { place, .. } => ACTION_OPTIONS[place % ACTION_OPTIONS.len()],
            Self::SectionPrevious { .. } => SECTION_PREVIOUS,
            Self::SectionNext { .. } => SECTION_NEXT,
            Self::Pick(_) => PICK,
            Self::PickNone => PICK_NONE,
            Self::Gear(_) => GEAR,
            Self::SettingsPrevious(_) => SETTINGS_PREVIOUS,
            Self::SettingsNext(_) => SETTINGS_NEXT,
            Self::SettingsAll => SETTINGS_ALL,
            Self::Toggle { .. } => TOGGLE,
            Self::Delegation => DELEGATION,
            Self::EndDelegation(_) => END_DELEGATION,
            Self::OpenSettings => OPEN_SETTINGS,
            Self::TurnOffReported(_) => TURN_OFF_REPORTED,
            Self::Notify { notice: Notice::Reminders, .. } => NOTIFY,
            Self::Notify { notice: Notice::Digest, .. } => NOTIFY_DIGEST,
            Self::QuietFrom(_) => QUIET_FROM,
            Self::QuietUntil(_) => QUIET_UNTIL,
        }
    }
}
