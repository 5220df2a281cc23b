//! Parses clicks.

use super::action_ids::{DELEGATION, END_DELEGATION};
use super::{
    Control, Notice,
    action_ids::{
        ACTION_OPTIONS, AGENTS, AGENTS_NEXT, AGENTS_PREVIOUS, APPROVE, APPROVE_ALL, APPROVE_MORE,
        AUDIT_FURTHER, AUDIT_NEWEST, CONFIRM, CONNECT, DECLINE_REQUEST, DENY, DENY_ALL, DENY_MORE, DETAILS,
        DETAILS_JUMP, DETAILS_NEXT, DETAILS_PREVIOUS, EDIT, EVERYONES_GRANTS, EXPORT_AUDIT, FAILING_WEBHOOKS,
        FIGURES, GEAR, GRANT_REQUEST, GRANTS_NEXT, GRANTS_OF, GRANTS_PREVIOUS, LOCK, NARROW, NOTIFY,
        NOTIFY_DIGEST, OPEN_CONVERSATION, OPEN_SETTINGS, PAUSE_AGENT, PAUSE_BACKEND, PICK, PICK_NONE,
        QUIET_FROM, QUIET_UNTIL, REQUEST_UNLOCK, RESUME, REVIEW, REVOKE_GRANT, REVOKE_KEY, SEARCH_AUDIT,
        SECTION_NEXT, SECTION_PREVIOUS, SEND_AGAIN, SETTINGS_ALL, SETTINGS_NEXT, SETTINGS_PREVIOUS, SKIP,
        TOGGLE, TURN_OFF, TURN_OFF_REPORTED, UNLOCK, UNLOCK_READ_ONLY,
    },
    screen::Screen,
    values::{CHANGES, IN_WORDS, LIMITS, NEVER, denial_name},
};
use crate::domain::{
    alike::Alike,
    decision::DenialReason,
    grants::Scope,
    ids::{ActionVersionId, ApprovalId},
    notifications::Hour,
    overview::Section,
    settings::Toggle,
};

impl Control {
    /// Parses a click: the element's `action_id` and `value`, or for the overflow menu the selected option's `value`;
    /// empty if Slack sends none. `None`: not one of our controls, or malformed.
    #[must_use]
    pub fn parse(action_id: &str, value: &str) -> Option<Self> {
        match action_id {
            APPROVE => value.parse().ok().map(Self::Approve),
            EDIT => value.strip_prefix(CHANGES)?.parse().ok().map(Self::Edit),
            NARROW => value.strip_prefix(LIMITS)?.parse().ok().map(Self::Narrow),
            APPROVE_MORE if value.starts_with(CHANGES) => Self::parse(EDIT, value),
            APPROVE_MORE if value.starts_with(LIMITS) => Self::parse(NARROW, value),
            APPROVE_MORE => {
                let (scope, approval) = value.split_once(':')?;
                Some(Self::ApproveMore {
                    approval: approval.parse().ok()?,
                    scope: Scope::from_stored(scope)?,
                })
            }
            DENY => value.parse().ok().map(Self::Deny),
            DENY_MORE => {
                let (reason, approval) = value.split_once(':')?;
                let reason = if reason == IN_WORDS { None } else { Some(denial_reason(reason)?) };
                Some(Self::DenyMore { approval: approval.parse().ok()?, reason })
            }
            APPROVE_ALL => several(value).map(|(like, alike)| Self::ApproveAll { like, alike }),
            DENY_ALL => several(value).map(|(like, alike)| Self::DenyAll { like, alike }),
            REVIEW => value.parse().ok().map(Self::Review),
            SKIP => value.parse().ok().map(Self::Skip),
            DETAILS => value.parse().ok().map(Self::Details),
            DETAILS_PREVIOUS => paged(value).map(|(approval, page)| Self::DetailsPrevious { approval, page }),
            DETAILS_NEXT => paged(value).map(|(approval, page)| Self::DetailsNext { approval, page }),
            DETAILS_JUMP => paged(value).map(|(approval, page)| Self::DetailsJump { approval, page }),
            EVERYONES_GRANTS => Some(Self::EveryonesGrants),
            GRANTS_OF => Some(Self::GrantsOf),
            GRANTS_PREVIOUS => value.parse().ok().map(Self::GrantsPrevious),
            GRANTS_NEXT => value.parse().ok().map(Self::GrantsNext),
            REVOKE_GRANT => value.parse().ok().map(Self::RevokeGrant),
            SEARCH_AUDIT => Some(Self::SearchAudit),
            AUDIT_NEWEST => Some(Self::AuditNewest),
            AUDIT_FURTHER => Some(Self::AuditFurther),
            EXPORT_AUDIT => Some(Self::ExportAudit),
            FIGURES => Some(Self::Figures),
            UNLOCK_READ_ONLY => value.parse().ok().map(Self::UnlockReadOnly),
            FAILING_WEBHOOKS => value.parse().ok().map(Self::FailingWebhooks),
            SEND_AGAIN => {
                let (backend, delivery) = value.split_once(':')?;
                Some(Self::SendAgain { backend: backend.parse().ok()?, delivery: delivery.parse().ok()? })
            }
            AGENTS => Some(Self::Agents),
            AGENTS_PREVIOUS => value.parse().ok().map(Self::AgentsPrevious),
            AGENTS_NEXT => value.parse().ok().map(Self::AgentsNext),
            PAUSE_AGENT => value.parse().ok().map(Self::PauseAgent),
            PAUSE_BACKEND => value.parse().ok().map(Self::PauseBackend),
            RESUME => value.parse().ok().map(Self::Resume),
            REVOKE_KEY => value.parse().ok().map(Self::RevokeKey),
            TURN_OFF => value.parse().ok().map(Self::TurnOff),
            OPEN_CONVERSATION => Some(Self::OpenConversation),
            CONNECT => Some(Self::Connect),
            REQUEST_UNLOCK => value.parse().ok().map(Self::RequestUnlock),
            GRANT_REQUEST => {
                let (request, version) = versioned(value)?;
                Some(Self::GrantRequest { request: request.parse().ok()?, version })
            }
            DECLINE_REQUEST => value.parse().ok().map(Self::DeclineRequest),
            UNLOCK => {
                let (action, version) = versioned(value)?;
                Some(Self::Unlock { action: action.parse().ok()?, version })
            }
            CONFIRM => {
                let (action, version) = versioned(value)?;
                Some(Self::Confirm { action: action.parse().ok()?, version: version? })
            }
            LOCK => value.parse().ok().map(Self::Lock),
            SECTION_PREVIOUS => section(value).map(|(section, page)| Self::SectionPrevious { section, page }),
            SECTION_NEXT => section(value).map(|(section, page)| Self::SectionNext { section, page }),
            PICK => value.parse().ok().map(Self::Pick),
            PICK_NONE => Some(Self::PickNone),
            GEAR => value.parse().ok().map(Self::Gear),
            SETTINGS_PREVIOUS => Some(Self::SettingsPrevious(Screen::read(value))),
            SETTINGS_NEXT => Some(Self::SettingsNext(Screen::read(value))),
            SETTINGS_ALL => Some(Self::SettingsAll),
            TOGGLE => {
                let (toggle, action) = value.split_once(':')?;
                let toggle = match toggle {
                    "on" => Toggle::On,
                    "off" => Toggle::Off,
                    _ => return None,
                };
                Some(Self::Toggle { action: action.parse().ok()?, toggle })
            }
            DELEGATION => Some(Self::Delegation),
            END_DELEGATION => value.parse().ok().map(Self::EndDelegation),
            OPEN_SETTINGS => Some(Self::OpenSettings),
            TURN_OFF_REPORTED => value.parse().ok().map(Self::TurnOffReported),
            NOTIFY => is_on(value).map(|on| Self::Notify { notice: Notice::Reminders, on }),
            NOTIFY_DIGEST => is_on(value).map(|on| Self::Notify { notice: Notice::Digest, on }),
            QUIET_FROM if value == NEVER => Some(Self::QuietFrom(None)),
            QUIET_FROM => hour(value).map(|hour| Self::QuietFrom(Some(hour))),
            QUIET_UNTIL => hour(value).map(Self::QuietUntil),
            _ => {
                let place = ACTION_OPTIONS.iter().position(|id| *id == action_id)?;
                Some(Self::ActionOptions { action: value.parse().ok()?, place })
            }
        }
    }
}

fn denial_reason(name: &str) -> Option<DenialReason> {
    DenialReason::ALL.into_iter().find(|reason| denial_name(*reason) == name)
}

fn several(value: &str) -> Option<(ApprovalId, Alike)> {
    let (alike, like) = value.split_once(':')?;
    Some((like.parse().ok()?, Alike::from_name(alike)?))
}

fn is_on(value: &str) -> Option<bool> {
    match value {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn hour(value: &str) -> Option<Hour> {
    value.parse().ok().and_then(Hour::new)
}

fn paged(value: &str) -> Option<(ApprovalId, usize)> {
    let (page, approval) = value.split_once(':')?;
    Some((approval.parse().ok()?, page.parse().ok()?))
}

/// An id, and the version of the description if the value names one.
fn versioned(value: &str) -> Option<(&str, Option<ActionVersionId>)> {
    match value.split_once(':') {
        Some((id, version)) => Some((id, Some(version.parse().ok()?))),
        None => Some((value, None)),
    }
}

fn section(value: &str) -> Option<(Section, usize)> {
    let (page, section) = value.split_once(':')?;
    Some((Section::from_name(section)?, page.parse().ok()?))
}
