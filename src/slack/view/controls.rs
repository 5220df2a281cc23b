//! Every clickable control, as a closed list. Clicks are parsed with the same code that writes the controls into a
//! view.
//!
//! A click's payload is untrusted. Its ids only name things; the use case decides whether this user may touch them.

use std::fmt;

use crate::domain::{
    alike::Alike,
    decision::DenialReason,
    grants::Scope,
    ids::{ActionId, ActionVersionId, ApprovalId, GrantId, IntegrationId, UnlockRequestId},
    notifications::Hour,
    overview::Section,
    settings::Toggle,
};

const APPROVE: &str = "approve";
const APPROVE_MORE: &str = "approve_more";
const EDIT: &str = "edit";
const DENY: &str = "deny";
const DENY_MORE: &str = "deny_more";
/// The choice of that menu that opens the modal for a reason.
const IN_WORDS: &str = "in_words";
/// The choice of the menu beside *Approve* that opens the modal for changes; it stands before the approval's id.
const CHANGES: &str = "edit:";
const APPROVE_ALL: &str = "approve_all";
const DENY_ALL: &str = "deny_all";
const REVIEW: &str = "review";
const SKIP: &str = "skip";
const DETAILS: &str = "details";
const DETAILS_PREVIOUS: &str = "details_previous";
const DETAILS_NEXT: &str = "details_next";
const DETAILS_JUMP: &str = "details_jump";
const TURN_OFF: &str = "turn_off";
const OPEN_CONVERSATION: &str = "open_conversation";
const CONNECT: &str = "connect";
const REQUEST_UNLOCK: &str = "request_unlock";
const GRANT_REQUEST: &str = "grant_request";
const DECLINE_REQUEST: &str = "decline_request";
const UNLOCK: &str = "unlock";
const CONFIRM: &str = "confirm";
const LOCK: &str = "lock";
/// Of buttons in one block each needs another `action_id`, and one block has those of a page of actions.
const ACTION_OPTIONS: [&str; 8] = [
    "action_options",
    "action_options_2",
    "action_options_3",
    "action_options_4",
    "action_options_5",
    "action_options_6",
    "action_options_7",
    "action_options_8",
];
const SECTION_PREVIOUS: &str = "section_previous";
const SECTION_NEXT: &str = "section_next";
const PICK: &str = "pick";
const PICK_NONE: &str = "pick_none";
const GEAR: &str = "gear";
const SETTINGS_PREVIOUS: &str = "settings_previous";
const SETTINGS_NEXT: &str = "settings_next";
const SETTINGS_ALL: &str = "settings_all";
const TOGGLE: &str = "toggle";
const OPEN_SETTINGS: &str = "open_settings";
const TURN_OFF_REPORTED: &str = "turn_off_reported";
const NOTIFY: &str = "notify";
const NOTIFY_DIGEST: &str = "notify_digest";
const QUIET_FROM: &str = "quiet_from";
const QUIET_UNTIL: &str = "quiet_until";
/// The choice of no quiet hours.
const NEVER: &str = "never";

/// A page of the settings modal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Screen {
    /// The integration whose actions are shown; `None` shows all integrations.
    pub integration: Option<IntegrationId>,
    /// The page, counted from 0.
    pub page: usize,
}

impl Screen {
    /// Parses what [`Screen`]'s `Display` wrote: a button's value or a modal's `private_metadata`. Anything else is the
    /// first page; a screen only says what to show, never what the user may do.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let (page, integration) = text.split_once(':').unwrap_or(("", ""));
        Self { integration: integration.parse().ok(), page: page.parse().unwrap_or(0) }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.page)?;
        self.integration.map_or(Ok(()), |integration| integration.fmt(f))
    }
}

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
    /// *Options of …* for an action: opens the modal that [`super::action_options::options`] renders.
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

impl Control {
    /// Parses a click: the element's `action_id` and `value`, or for the overflow menu the selected option's `value`;
    /// empty if Slack sends none. `None`: not one of our controls, or malformed.
    #[must_use]
    pub fn parse(action_id: &str, value: &str) -> Option<Self> {
        match action_id {
            APPROVE => value.parse().ok().map(Self::Approve),
            EDIT => value.strip_prefix(CHANGES)?.parse().ok().map(Self::Edit),
            APPROVE_MORE if value.starts_with(CHANGES) => Self::parse(EDIT, value),
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

    /// The element's `action_id`.
    #[must_use]
    pub const fn action_id(self) -> &'static str {
        match self {
            Self::Approve(_) => APPROVE,
            Self::ApproveMore { .. } => APPROVE_MORE,
            Self::Edit(_) => EDIT,
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
            Self::OpenSettings => OPEN_SETTINGS,
            Self::TurnOffReported(_) => TURN_OFF_REPORTED,
            Self::Notify { notice: Notice::Reminders, .. } => NOTIFY,
            Self::Notify { notice: Notice::Digest, .. } => NOTIFY_DIGEST,
            Self::QuietFrom(_) => QUIET_FROM,
            Self::QuietUntil(_) => QUIET_UNTIL,
        }
    }

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
            Self::TurnOff(grant) | Self::TurnOffReported(grant) => grant.to_string(),
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
            Self::Pick(integration) | Self::Gear(integration) => integration.to_string(),
            Self::SettingsPrevious(screen) | Self::SettingsNext(screen) => screen.to_string(),
            Self::Toggle { action, toggle: Toggle::On } => format!("on:{action}"),
            Self::Toggle { action, toggle: Toggle::Off } => format!("off:{action}"),
            Self::Notify { on, .. } => if on { "on" } else { "off" }.to_owned(),
            Self::QuietFrom(None) => NEVER.to_owned(),
            Self::QuietFrom(Some(hour)) | Self::QuietUntil(hour) => hour.number().to_string(),
            Self::OpenConversation
            | Self::Connect
            | Self::PickNone
            | Self::SettingsAll
            | Self::OpenSettings => String::new(),
        }
    }
}

/// What the menu beside *Deny* calls a reason.
const fn denial_name(reason: DenialReason) -> &'static str {
    match reason {
        DenialReason::WrongTarget => "wrong_target",
        DenialReason::NotNow => "not_now",
        DenialReason::AskAgain => "ask_again",
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

/// A modal, as identified by its `callback_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    /// The modal that asks for a reason.
    Deny,
    /// The modal in which arguments are changed.
    Edit,
    /// The modal that lists what one submission approves.
    ApproveAll,
    /// The modal that shows requests one at a time.
    Review,
    /// The modal that shows all arguments.
    Details,
    /// The settings.
    Settings,
    /// The modal that asks what a destructive action is unlocked for.
    Unlock,
    /// The modal that changes an action's options.
    ActionOptions,
}

impl Callback {
    /// Parses a view's `callback_id`.
    #[must_use]
    pub fn parse(callback_id: &str) -> Option<Self> {
        [
            Self::Deny,
            Self::Edit,
            Self::ApproveAll,
            Self::Review,
            Self::Details,
            Self::Settings,
            Self::Unlock,
            Self::ActionOptions,
        ]
        .into_iter()
        .find(|callback| callback.as_str() == callback_id)
    }

    /// The view's `callback_id`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Edit => "edit",
            Self::ApproveAll => "approve_all",
            Self::Review => "review",
            Self::Details => "details",
            Self::Settings => "settings",
            Self::Unlock => "unlock",
            Self::ActionOptions => "action_options",
        }
    }
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_click_reads_what_the_view_wrote() {
        let approval = ApprovalId::new(Uuid::from_u128(1));
        let grant = GrantId::new(Uuid::from_u128(2));
        let action = ActionId::new(Uuid::from_u128(3));
        let integration = IntegrationId::new(Uuid::from_u128(4));
        let request = UnlockRequestId::new(Uuid::from_u128(5));
        let version = ActionVersionId::new(Uuid::from_u128(6));
        let screen = Screen { integration: Some(integration), page: 7 };
        for control in [
            Control::Approve(approval),
            Control::ApproveMore { approval, scope: Scope::Once },
            Control::ApproveMore { approval, scope: Scope::Conversation },
            Control::ApproveMore { approval, scope: Scope::Always },
            Control::Edit(approval),
            Control::Deny(approval),
            Control::DenyMore { approval, reason: Some(DenialReason::WrongTarget) },
            Control::DenyMore { approval, reason: Some(DenialReason::NotNow) },
            Control::DenyMore { approval, reason: Some(DenialReason::AskAgain) },
            Control::DenyMore { approval, reason: None },
            Control::ApproveAll { like: approval, alike: Alike::Agent },
            Control::ApproveAll { like: approval, alike: Alike::Conversation },
            Control::DenyAll { like: approval, alike: Alike::Action },
            Control::ApproveAll { like: approval, alike: Alike::Message },
            Control::Review(approval),
            Control::Skip(approval),
            Control::Details(approval),
            Control::DetailsPrevious { approval, page: 0 },
            Control::DetailsNext { approval, page: usize::MAX },
            Control::DetailsJump { approval, page: 2 },
            Control::TurnOff(grant),
            Control::OpenConversation,
            Control::Connect,
            Control::RequestUnlock(action),
            Control::GrantRequest { request, version: None },
            Control::GrantRequest { request, version: Some(version) },
            Control::DeclineRequest(request),
            Control::Unlock { action, version: None },
            Control::Unlock { action, version: Some(version) },
            Control::Confirm { action, version },
            Control::Lock(action),
            Control::ActionOptions { action, place: 0 },
            Control::ActionOptions { action, place: 7 },
            Control::SectionPrevious { section: Section::Waiting, page: 0 },
            Control::SectionNext { section: Section::Integrations, page: usize::MAX },
            Control::Pick(integration),
            Control::PickNone,
            Control::Gear(integration),
            Control::SettingsPrevious(Screen::default()),
            Control::SettingsNext(screen),
            Control::SettingsAll,
            Control::Toggle { action, toggle: Toggle::On },
            Control::Toggle { action, toggle: Toggle::Off },
            Control::OpenSettings,
            Control::TurnOffReported(grant),
            Control::Notify { notice: Notice::Reminders, on: true },
            Control::Notify { notice: Notice::Digest, on: false },
            Control::QuietFrom(None),
            Control::QuietFrom(Hour::new(23)),
            Control::QuietUntil(Hour::new(0).unwrap()),
        ] {
            assert_eq!(Control::parse(control.action_id(), &control.value()), Some(control));
            assert!(control.value().len() <= 75, "{control:?}");
        }
    }

    #[test]
    fn what_no_view_wrote_is_nothing() {
        let id = "apr_00000000000000000000000000000001";
        let scoped = format!("forever:{id}");
        for (action_id, value) in [
            ("approve", ""),
            ("approve", "grt_00000000000000000000000000000001"),
            ("approve", "always:apr_00000000000000000000000000000001"),
            ("approve_more", id),
            ("approve_more", scoped.as_str()),
            ("edit", id),
            ("approve_more", "edit:grt_00000000000000000000000000000001"),
            ("deny_more", id),
            ("deny_more", "because:apr_00000000000000000000000000000001"),
            ("details_next", "-1:apr_00000000000000000000000000000001"),
            ("approve_all", id),
            ("deny_all", "everything:apr_00000000000000000000000000000001"),
            ("turn_off", id),
            ("toggle", id),
            ("toggle", "maybe:act_00000000000000000000000000000003"),
            ("section_next", "1:everything"),
            ("section_next", "-1:waiting"),
            ("unlock", "int_00000000000000000000000000000003"),
            ("unlock", "act_00000000000000000000000000000003:act_00000000000000000000000000000003"),
            ("confirm", "act_00000000000000000000000000000003"),
            ("notify", "maybe"),
            ("notify_digest", ""),
            ("quiet_from", "24"),
            ("quiet_from", "-1"),
            ("quiet_until", "never"),
            ("quiet_until", "08:00"),
            ("APPROVE", id),
            ("", ""),
        ] {
            assert_eq!(Control::parse(action_id, value), None, "{action_id} {value}");
        }
        assert_eq!(Callback::parse("approve"), None);
    }
}
