//! The `value` of each control: what it applies to.

use super::Control;
use crate::domain::{decision::DenialReason, settings::Toggle};

/// The choice of that menu that opens the modal for a reason.
pub(super) const IN_WORDS: &str = "in_words";
/// The choice of the menu beside *Approve* that opens the modal for changes; it stands before the approval's id.
pub(super) const CHANGES: &str = "edit:";
/// The same for the modal for limits.
pub(super) const LIMITS: &str = "narrow:";
/// The choice of no quiet hours.
pub(super) const NEVER: &str = "never";

impl Control {
    /// The button's or the option's `value`, at most 75 characters; empty for links.
    #[must_use]
    pub fn value(self) -> String {
        match self {
            Self::Approve(approval)
            | Self::Deny(approval)
            | Self::Review(approval)
            | Self::Skip(approval)
            | Self::Details(approval) => approval.to_string(),
            Self::ApproveMore { approval, scope } => format!("{}:{approval}", scope.as_str()),
            Self::Edit(approval) => format!("{CHANGES}{approval}"),
            Self::Narrow(approval) => format!("{LIMITS}{approval}"),
            Self::DenyMore { approval, reason } => {
                format!("{}:{approval}", reason.map_or(IN_WORDS, denial_name))
            }
            Self::ApproveAll { like, alike } | Self::DenyAll { like, alike } => {
                format!("{}:{like}", alike.as_str())
            }
            Self::DetailsPrevious { approval, page }
            | Self::DetailsNext { approval, page }
            | Self::DetailsJump { approval, page } => {
                format!("{page}:{approval}")
            }
            Self::TurnOff(grant) | Self::TurnOffReported(grant) | Self::RevokeGrant(grant) => {
                grant.to_string()
            }
            // Slack refuses an empty value of a button beside a section.
            Self::EveryonesGrants | Self::Agents => "all".to_owned(),
            Self::GrantsPrevious(page)
            | Self::GrantsNext(page)
            | Self::AgentsPrevious(page)
            | Self::AgentsNext(page) => page.to_string(),
            Self::PauseAgent(agent) => agent.to_string(),
            Self::PauseBackend(backend) | Self::FailingWebhooks(backend) => backend.to_string(),
            Self::Resume(pause) => pause.to_string(),
            Self::SendAgain { backend, delivery } => format!("{backend}:{delivery}"),
            Self::RevokeKey(key) => key.to_string(),
            Self::EndDelegation(delegation) => delegation.to_string(),
            Self::RequestUnlock(action)
            | Self::Lock(action)
            | Self::ActionOptions { action, .. }
            | Self::Unlock { action, version: None } => action.to_string(),
            Self::Unlock { action, version: Some(version) } | Self::Confirm { action, version } => {
                format!("{action}:{version}")
            }
            Self::DeclineRequest(request) | Self::GrantRequest { request, version: None } => {
                request.to_string()
            }
            Self::GrantRequest { request, version: Some(version) } => format!("{request}:{version}"),
            Self::SectionPrevious { section, page } | Self::SectionNext { section, page } => {
                format!("{page}:{}", section.as_str())
            }
            Self::Pick(integration) | Self::Gear(integration) | Self::UnlockReadOnly(integration) => {
                integration.to_string()
            }
            Self::SettingsPrevious(screen) | Self::SettingsNext(screen) => screen.to_string(),
            Self::Toggle { action, toggle: Toggle::On } => format!("on:{action}"),
            Self::Toggle { action, toggle: Toggle::Off } => format!("off:{action}"),
            Self::Notify { on, .. } => if on { "on" } else { "off" }.to_owned(),
            Self::QuietFrom(None) => NEVER.to_owned(),
            Self::QuietFrom(Some(hour)) | Self::QuietUntil(hour) => hour.number().to_string(),
            Self::OpenConversation
            | Self::Connect
            | Self::GrantsOf
            | Self::SearchAudit
            | Self::AuditNewest
            | Self::AuditFurther
            | Self::ExportAudit
            | Self::Figures
            | Self::PickNone
            | Self::SettingsAll
            | Self::Delegation
            | Self::OpenSettings => String::new(),
        }
    }
}

/// What the menu beside *Deny* calls a reason.
pub(super) const fn denial_name(reason: DenialReason) -> &'static str {
    match reason {
        DenialReason::WrongTarget => "wrong_target",
        DenialReason::NotNow => "not_now",
        DenialReason::AskAgain => "ask_again",
    }
}
