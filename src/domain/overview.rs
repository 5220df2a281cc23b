//! What screens show of the state: lists, cut into pages. These values are only displayed; no rule depends on them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    approvals::Approval,
    approvers::Why,
    catalog::{Description, Eligibility, UnlockedFor},
    delegations::Delegations,
    grants::StandingScope,
    ids::{
        ActionId, ActionVersionId, AgentId, ApiKeyId, BackendId, GrantId, IntegrationId, UnlockRequestId,
        UserId,
    },
    narrowing::Narrowing,
    notifications::Preferences,
    panel::Panel,
    pauses::Pause,
    precedent::Precedent,
    prompts::Prompt,
    risk::Impact,
    setup::Setup,
};
use crate::domain::{text::ForeignId, unlock_answer::Resolved};

/// How many pending approvals the reply to `/approvals list` has. With ten groups above them, its three blocks for each
/// stay below a message's 50.
pub const LISTED: usize = 5;

/// How many decisions the reply to `/approvals history` has.
pub const HISTORY: usize = 8;

/// How many of the newest decisions the Home tab and the history include.
pub const RECENT: usize = 300;

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items on this page.
    pub items: Vec<T>,
    /// The page's number, counted from 0. Never beyond the last page, even if a later one was requested.
    pub number: usize,
    /// The number of pages, at least 1.
    pub count: usize,
    /// The number of items on all pages together.
    pub total: usize,
}

impl<T> Page<T> {
    /// The number of the page to show, and the index of its first item. `wanted` is the requested page, `total` the
    /// number of items, `size` the items per page.
    #[must_use]
    pub fn locate(wanted: usize, total: usize, size: usize) -> (usize, usize) {
        let last = total.div_ceil(size.max(1)).saturating_sub(1);
        let number = wanted.min(last);
        (number, number * size)
    }

    /// A page with these items, of a list that has `total` items.
    #[must_use]
    pub fn new(items: Vec<T>, number: usize, total: usize, size: usize) -> Self {
        Self { items, number, count: total.div_ceil(size.max(1)).max(1), total }
    }

    /// Cuts one page out of a complete list.
    #[must_use]
    pub fn from_list(all: Vec<T>, wanted: usize, size: usize) -> Self {
        let total = all.len();
        let (number, first) = Self::locate(wanted, total, size);
        Self::new(all.into_iter().skip(first).take(size).collect(), number, total, size)
    }
}

/// An integration, as one user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrationLine {
    /// The integration's id.
    pub id: IntegrationId,
    /// The integration's key.
    pub key: String,
    /// The integration's display name.
    pub name: String,
    /// Whether auto-approval requires that a user has connected the integration.
    pub requires_connection: bool,
    /// Whether this user has connected the integration.
    pub connected: bool,
    /// Where the user can connect the integration.
    pub connect_url: Option<String>,
    /// The number of its actions.
    pub actions: usize,
    /// The number of its unlocked actions. For a user, those that can be auto-approved now.
    pub unlocked: usize,
    /// The number of its actions for which this user has an *always* grant.
    pub always: usize,
}

impl IntegrationLine {
    /// Whether the integration is connected, or needs no connection.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.connected || !self.requires_connection
    }
}

/// An action in an integration's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is another fact that is shown")]
pub struct ActionLine {
    /// The action's id.
    pub id: ActionId,
    /// The version of the action's description that the texts below were read from.
    pub version: ActionVersionId,
    /// The action's key.
    pub key: String,
    /// The action's display name.
    pub name: String,
    /// What the action does.
    pub description: Option<String>,
    /// What the backend declares about the action's effect.
    pub impact: Impact,
    /// What an admin has unlocked the action for. `None`: it is locked.
    pub unlocked: Option<UnlockedFor>,
    /// Whether the description has changed since an admin unlocked the action, which pauses its grants.
    pub changed: bool,
    /// Whether the user has an *always* grant for the action.
    pub always: bool,
    /// Whether the user has an unanswered unlock request for the action.
    pub requested: bool,
    /// Whether a person must open a request's details before they approve it.
    pub must_read: bool,
    /// For an admin: how many live grants there are for the action.
    pub grants: usize,
}

/// A live grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantLine {
    /// The grant's id.
    pub id: GrantId,
    /// The action that the grant permits.
    pub action: ActionId,
    /// Integration and action, such as `salesforce.create_record`.
    pub path: String,
    /// The integration's display name.
    pub integration_name: String,
    /// The action's display name.
    pub action_name: String,
    /// The grant's scope.
    pub scope: StandingScope,
    /// What it is narrowed to.
    pub narrowing: Option<Narrowing>,
    /// The conversation's title, or the backend's id for it. `None` for an *always* grant.
    pub conversation: Option<String>,
    /// The backend's id for the conversation, if the user's grants are for several conversations of this title.
    pub conversation_id: Option<String>,
    /// Whether the grant is paused: the action's description has changed since an admin unlocked it, and no admin has
    /// confirmed the change.
    pub paused: bool,
    /// When the grant was given.
    pub created_at: DateTime<Utc>,
    /// How many approvals the grant has auto-approved.
    pub use_count: u64,
    /// When the grant last auto-approved.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A live grant of any user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserGrantLine {
    /// The grant's id.
    pub id: GrantId,
    /// The user who gave it.
    pub user: UserId,
    /// Integration and action, such as `salesforce.create_record`.
    pub path: String,
    /// The integration's display name.
    pub integration_name: String,
    /// The action's display name.
    pub action_name: String,
    /// Its scope.
    pub scope: StandingScope,
    /// What it is narrowed to.
    pub narrowing: Option<Narrowing>,
    /// The backend whose conversation or agent it is for, by name. `None`: it is for any.
    pub backend: Option<String>,
    /// The conversation's title, or the backend's id for it.
    pub conversation: Option<String>,
    /// The backend's id for the conversation, or the user's own.
    pub conversation_id: Option<String>,
    /// Whether it approves nothing until an admin confirms the action's changed description.
    pub paused: bool,
    /// When it was given.
    pub created_at: DateTime<Utc>,
    /// How many approvals it has auto-approved.
    pub use_count: u64,
    /// When it last auto-approved.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A page of the live grants of all users, or of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantsPage {
    /// The user whose grants these are. `None`: of all users.
    pub user: Option<UserId>,
    /// The page, counted from 0.
    pub page: usize,
    /// The grants, newest first.
    pub lines: Vec<UserGrantLine>,
    /// Whether another page follows.
    pub more: bool,
}

/// A grant that an admin or the operator revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedLine {
    /// The integration's display name.
    pub integration_name: String,
    /// The action's display name.
    pub action_name: String,
    /// The conversation's title, or the backend's id for it. `None` for an *always* grant.
    pub conversation: Option<String>,
    /// What it was narrowed to.
    pub narrowing: Option<Narrowing>,
}

/// The notice to a user about grants that were revoked together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationNotice {
    /// The admin. `None`: the operator.
    pub admin: Option<UserId>,
    /// Why, in the admin's words.
    pub reason: Option<String>,
    /// The grants, or some of them.
    pub grants: Vec<RevokedLine>,
    /// How many there are.
    pub total: u64,
}

/// A line in an integration's settings: an action, or below it one of its live conversation grants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a screen has at most a hundred")]
pub enum SettingLine {
    /// An action. It has a toggle if it is unlocked.
    Action(ActionLine),
    /// A grant for one conversation.
    Grant(GrantLine),
}

/// Pending approvals of a user that the same agent asks for the same action, and that one click may approve.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The oldest of them.
    pub first: Approval,
    /// How many there are.
    pub count: usize,
}

/// A pending approval, and whether its action may be auto-approved.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingLine {
    /// The approval.
    pub approval: Approval,
    /// Whether the action may be auto-approved.
    pub standing: Eligibility,
    /// Where the integration can be connected.
    pub connect_url: Option<String>,
    /// Whether the user has an open unlock request for the action.
    pub requested: bool,
    /// How the request compares with what the user approved before.
    pub precedent: Option<Precedent>,
    /// How far the people are, if a rule says who decides.
    pub panel: Panel,
    /// Why the person may decide it beside its user. `None`: it is their own, and they decide it unless others do.
    pub why: Option<Why>,
}

/// An approval that ended, and the message that shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionLine {
    /// The approval.
    pub approval: Approval,
    /// The first message that shows it. `None` if none was posted, or if Slack no longer has one.
    pub message: Option<Prompt>,
}

/// A live pause, as admins see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseLine {
    /// The pause.
    pub pause: Pause,
    /// The name of the backend that it is limited to.
    pub backend: Option<String>,
}

/// An agent that asked lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentLine {
    /// Its id in this list.
    pub id: AgentId,
    /// Its backend.
    pub backend: BackendId,
    /// The backend's name.
    pub backend_name: String,
    /// The backend's id for it.
    pub agent: ForeignId,
    /// What the backend called it last.
    pub name: Option<String>,
    /// When it asked last, to the minute.
    pub last_asked_at: DateTime<Utc>,
}

impl AgentLine {
    /// The display name, or the backend's id if there is none.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.agent.as_str())
    }
}

/// What is paused, and a page of the agents that asked lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentsPage {
    /// Everything that is paused, oldest first.
    pub paused: Vec<PauseLine>,
    /// The agents, those that asked last first.
    pub agents: Vec<AgentLine>,
    /// The page, counted from 0.
    pub page: usize,
    /// Whether there is another page.
    pub more: bool,
}

/// A user who asked for an action to be unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The user's id.
    pub user: UserId,
    /// When the user asked.
    pub asked_at: DateTime<Utc>,
    /// How many approvals for the action the user approved by hand in the last 30 days.
    pub approved: u64,
    /// How many the user denied in the last 30 days.
    pub denied: u64,
}

/// A request to unlock an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlockLine {
    /// The request's id.
    pub id: UnlockRequestId,
    /// The action to unlock.
    pub action: ActionId,
    /// Integration and action, such as `salesforce.create_record`.
    pub path: String,
    /// The version of the action's description that the texts below were read from.
    pub version: ActionVersionId,
    /// The integration's display name.
    pub integration_name: String,
    /// The action's display name.
    pub action_name: String,
    /// What the action does.
    pub description: Option<String>,
    /// What the backend declares about the action's effect.
    pub impact: Impact,
    /// The users who asked first, earliest first. The list is cut off; `asked` counts all.
    pub askers: Vec<Asker>,
    /// How many users asked.
    pub asked: usize,
    /// The answer, if there is one.
    pub answered: Option<Resolved>,
    /// What the action is unlocked for now. `None`: it is locked.
    pub unlocked: Option<UnlockedFor>,
}

/// An action, as an admin changes what people may do with its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsLine {
    /// The action's id.
    pub action: ActionId,
    /// The version of the action's description that the texts below were read from.
    pub version: ActionVersionId,
    /// Integration and action, such as `salesforce.create_record`.
    pub path: String,
    /// The integration's display name.
    pub integration_name: String,
    /// The action's display name.
    pub action_name: String,
    /// What the action does.
    pub description: Option<String>,
    /// What the backend declares about the action's effect.
    pub impact: Impact,
    /// What the action is unlocked for. `None`: it is locked.
    pub unlocked: Option<UnlockedFor>,
    /// Whether a person must open a request's details before they approve it.
    pub must_read: bool,
    /// How many live *always* grants there are for the action.
    pub always: usize,
}

/// An unlocked action whose description has changed since an admin unlocked or confirmed it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedLine {
    /// The action's id.
    pub action: ActionId,
    /// Integration and action, such as `salesforce.create_record`.
    pub path: String,
    /// The description that an admin last unlocked or confirmed. `None` if it was not recorded.
    pub before: Option<Description>,
    /// The current description.
    pub after: Description,
    /// The version that holds the current description.
    pub version: ActionVersionId,
    /// The number of grants that the change pauses.
    pub paused: usize,
}

/// A backend and the state of its webhook deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendLine {
    /// The backend's id.
    pub id: BackendId,
    /// The backend's name.
    pub name: String,
    /// Whether the backend was disabled. It can no longer create approvals.
    pub disabled: bool,
    /// Whether it has a webhook endpoint. Without one, its callers long-poll.
    pub has_endpoint: bool,
    /// When deliveries were stopped. They stay stopped until an operator resumes them.
    pub stopped_at: Option<DateTime<Utc>>,
    /// The number of failed deliveries that will be tried again.
    pub failing: usize,
    /// The number of deliveries of the last seven days that are given up.
    pub dead: usize,
    /// When a delivery last succeeded.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// An API key that is bound to the user: a device, or an agent that works for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceLine {
    /// The key's id.
    pub id: ApiKeyId,
    /// The name of the backend that it belongs to.
    pub backend: String,
    /// The name that the operator gave it.
    pub name: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Until when it works. `None`: until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The part of the Home tab that only admins see.
#[derive(Debug, Clone, PartialEq)]
pub struct Administration {
    /// Open unlock requests, oldest first.
    pub requests: Page<UnlockLine>,
    /// Unlocked actions whose description has changed, sorted by path.
    pub changed: Page<ChangedLine>,
    /// The integrations to choose from.
    pub catalog: Page<IntegrationLine>,
    /// The chosen integration and its actions.
    pub picked: Option<(IntegrationLine, Page<ActionLine>)>,
    /// The backends.
    pub backends: Page<BackendLine>,
    /// Everything that is paused, oldest first.
    pub paused: Vec<PauseLine>,
    /// Prompts that Slack refused in the last day, by error, newest first.
    pub prompt_failures: Vec<PromptFailureLine>,
    /// What is set up.
    pub setup: Setup,
}

/// An error with which Slack refused prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFailureLine {
    /// Slack's error code, or our name for a missing response.
    pub code: String,
    /// How many prompts failed with it.
    pub count: usize,
    /// When it last occurred.
    pub last_at: DateTime<Utc>,
}

/// Everything that a Home tab shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Home {
    /// Pending approvals, oldest first.
    pub waiting: Page<WaitingLine>,
    /// Live grants.
    pub grants: Page<GrantLine>,
    /// The integrations. Those that the user can use without connecting come first.
    pub integrations: Page<IntegrationLine>,
    /// Approvals that ended, newest first.
    pub decisions: Page<DecisionLine>,
    /// The user's own API keys, newest first.
    pub devices: Page<DeviceLine>,
    /// What the user is told without having asked.
    pub notifications: Preferences,
    /// Who decides for the user, and for whom they decide.
    pub delegations: Delegations,
    /// The admins' part. `None` for other users.
    pub administration: Option<Administration>,
}

/// A list on the Home tab that is split into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// *Waiting for you*.
    Waiting,
    /// *Your auto-approvals*.
    Grants,
    /// *Integrations*.
    Integrations,
    /// *Recent decisions*.
    Decisions,
    /// Open unlock requests.
    Requests,
    /// The admin's integrations.
    Catalog,
    /// The actions of the integration that an admin chose.
    Actions,
    /// Backends.
    Backends,
    /// Unlocked actions whose description has changed.
    Changed,
    /// *Devices and agents*.
    Devices,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 10] = [
        Self::Waiting,
        Self::Grants,
        Self::Integrations,
        Self::Decisions,
        Self::Requests,
        Self::Catalog,
        Self::Actions,
        Self::Backends,
        Self::Changed,
        Self::Devices,
    ];

    /// The section's name in the ids of controls.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Grants => "grants",
            Self::Integrations => "integrations",
            Self::Decisions => "decisions",
            Self::Requests => "requests",
            Self::Catalog => "catalog",
            Self::Actions => "actions",
            Self::Backends => "backends",
            Self::Changed => "changed",
            Self::Devices => "devices",
        }
    }

    /// Parses what [`Section::as_str`] returns.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.as_str() == name)
    }

    /// Items per page. At the largest possible items, all sections together stay within a view's 100 blocks and 250 KB.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Decisions | Self::Grants => 4,
            Self::Catalog | Self::Actions => 8,
            Self::Integrations => 6,
            Self::Backends | Self::Waiting | Self::Requests => 3,
            Self::Changed | Self::Devices => 2,
        }
    }
}

/// A user's position on the Home tab: the page of each section, and the integration that an admin chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    pages: [u16; 8],
    /// The page of [`Section::Changed`]. It and the next one have fields of their own because positions that earlier
    /// versions stored have eight pages.
    changed: u16,
    /// The page of [`Section::Devices`].
    devices: u16,
    picked: Option<uuid::Uuid>,
}

impl Place {
    /// The page that a section is on.
    #[must_use]
    pub fn page(&self, section: Section) -> usize {
        match section {
            Section::Changed => self.changed.into(),
            Section::Devices => self.devices.into(),
            section => self.pages.get(section as usize).copied().unwrap_or_default().into(),
        }
    }

    /// The position after a section was turned to another page.
    #[must_use]
    pub fn turned(mut self, section: Section, page: usize) -> Self {
        let page = u16::try_from(page).unwrap_or(u16::MAX);
        match section {
            Section::Changed => self.changed = page,
            Section::Devices => self.devices = page,
            section => self.pages[section as usize] = page,
        }
        self
    }

    /// The integration that an admin chose.
    #[must_use]
    pub fn picked(&self) -> Option<IntegrationId> {
        self.picked.map(IntegrationId::new)
    }

    /// The position after an admin chose an integration, or none.
    #[must_use]
    pub fn picking(self, integration: Option<IntegrationId>) -> Self {
        Self { picked: integration.map(IntegrationId::uuid), ..self.turned(Section::Actions, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_there_is_the_last_one() {
        let page = Page::from_list((0..10).collect(), 7, 4);
        assert_eq!((page.items, page.number, page.count, page.total), (vec![8, 9], 2, 3, 10));
        let empty = Page::<i32>::from_list(Vec::new(), 3, 4);
        assert_eq!((empty.number, empty.count, empty.total), (0, 1, 0));
        assert_eq!(Page::from_list((0..8).collect(), 1, 4).items, vec![4, 5, 6, 7]);
    }

    #[test]
    fn a_place_keeps_each_section_by_itself() {
        let place = Place::default().turned(Section::Waiting, 3).turned(Section::Backends, 1);
        assert_eq!((place.page(Section::Waiting), place.page(Section::Backends)), (3, 1));
        assert_eq!(place.page(Section::Grants), 0);
        let json = serde_json::to_value(place).unwrap();
        assert_eq!(serde_json::from_value::<Place>(json).unwrap(), place);
        assert_eq!(serde_json::from_str::<Place>("{}").unwrap(), Place::default());
        let earlier = serde_json::from_str::<Place>(r#"{"pages":[3,0,0,0,0,0,0,1],"picked":null}"#).unwrap();
        assert_eq!(earlier, place);
        let changed = place.turned(Section::Changed, 4);
        assert_eq!((changed.page(Section::Changed), changed.page(Section::Backends)), (4, 1));
        let devices = changed.turned(Section::Devices, 2);
        assert_eq!((devices.page(Section::Changed), devices.page(Section::Devices)), (4, 2));
    }
}
