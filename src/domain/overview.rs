//! What people see of the state on their screens: lists, cut into pages. Values only, read and shown, never judged by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    approvals::Approval,
    catalog::{Description, Eligibility},
    grants::Scope,
    ids::{ActionId, ActionVersionId, BackendId, GrantId, IntegrationId, UnlockRequestId, UserId},
};
use crate::domain::unlock_answer::Resolved;

/// How many decisions back the Home tab and the history go.
pub const RECENT: usize = 300;

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Which it is, counted from 0; the last one if a later one was wanted.
    pub number: usize,
    /// How many there are, at least 1.
    pub count: usize,
    /// How many items there are on all of them.
    pub total: usize,
}

impl<T> Page<T> {
    /// The page that is shown where `wanted` is wanted of `total` items, `size` a page: its number and its first item.
    #[must_use]
    pub fn locate(wanted: usize, total: usize, size: usize) -> (usize, usize) {
        let last = total.div_ceil(size.max(1)).saturating_sub(1);
        let number = wanted.min(last);
        (number, number * size)
    }

    /// A page with these items of a list of `total`.
    #[must_use]
    pub fn new(items: Vec<T>, number: usize, total: usize, size: usize) -> Self {
        Self { items, number, count: total.div_ceil(size.max(1)).max(1), total }
    }

    /// Cuts a page out of a whole list.
    #[must_use]
    pub fn of(all: Vec<T>, wanted: usize, size: usize) -> Self {
        let total = all.len();
        let (number, first) = Self::locate(wanted, total, size);
        Self::new(all.into_iter().skip(first).take(size).collect(), number, total, size)
    }
}

/// An integration as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrationLine {
    /// Its id.
    pub id: IntegrationId,
    /// Its key.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// Whether a user must have connected it.
    pub requires_connection: bool,
    /// Whether this user has.
    pub connected: bool,
    /// Where they can.
    pub connect_url: Option<String>,
    /// How many actions it has.
    pub actions: usize,
    /// How many of them are unlocked; to a user, those that can be auto-approved now.
    pub unlocked: usize,
    /// How many of them this user auto-approves always.
    pub always: usize,
}

impl IntegrationLine {
    /// Whether the connection stands in nothing's way.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.connected || !self.requires_connection
    }
}

/// An action behind an integration's gear.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is another fact that is shown")]
pub struct ActionLine {
    /// Its id.
    pub id: ActionId,
    /// The version of its description that the following is read from.
    pub version: ActionVersionId,
    /// Its key.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// It changes nothing.
    pub read_only: bool,
    /// It destroys something.
    pub destructive: bool,
    /// An admin has unlocked it.
    pub unlocked: bool,
    /// Its description has changed since an admin unlocked it: grants are paused.
    pub changed: bool,
    /// The user auto-approves it always.
    pub always: bool,
    /// The user has asked the admins to unlock it, and has no answer yet.
    pub requested: bool,
}

/// A live grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantLine {
    /// Its id.
    pub id: GrantId,
    /// What it permits.
    pub action: ActionId,
    /// `salesforce.create_record`.
    pub path: String,
    /// The integration's name for people.
    pub integration_name: String,
    /// The action's name for people.
    pub action_name: String,
    /// How far it reaches.
    pub scope: Scope,
    /// What the conversation is called: its title, or the backend's id for it.
    pub conversation: Option<String>,
    /// The action's description has changed since an admin unlocked it: the grant approves nothing until an admin confirms.
    pub paused: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// How often it was used.
    pub use_count: u64,
    /// When last.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A line behind an integration's gear: an action, or under it one of its live conversation grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingLine {
    /// An action, with its toggle where it is unlocked.
    Action(ActionLine),
    /// A grant for one conversation.
    Grant(GrantLine),
}

/// A pending approval and whether it may be auto-approved.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingLine {
    /// The request.
    pub approval: Approval,
    /// Whether it may be auto-approved.
    pub standing: Eligibility,
    /// Where the integration can be connected.
    pub connect_url: Option<String>,
    /// The user has asked the admins to unlock the action.
    pub requested: bool,
}

/// One who asked for an action to be unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Who.
    pub user: UserId,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// How often they approved the action by hand in the last 30 days.
    pub approved: u64,
    /// How often they denied it.
    pub denied: u64,
}

/// A request to unlock an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlockLine {
    /// Its id.
    pub id: UnlockRequestId,
    /// What is to be unlocked.
    pub action: ActionId,
    /// `salesforce.create_record`.
    pub path: String,
    /// The version of its description that the following is read from.
    pub version: ActionVersionId,
    /// The integration's name for people.
    pub integration_name: String,
    /// The action's name for people.
    pub action_name: String,
    /// What it does.
    pub description: Option<String>,
    /// The backend says that it changes nothing.
    pub read_only: bool,
    /// The backend says that it destroys something.
    pub destructive: bool,
    /// The first few who asked, earliest first.
    pub askers: Vec<Asker>,
    /// How many asked in all.
    pub asked: usize,
    /// How it was answered.
    pub answered: Option<Resolved>,
}

/// An unlocked action whose description has changed since an admin unlocked or confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedLine {
    /// Its id.
    pub action: ActionId,
    /// `salesforce.create_record`.
    pub path: String,
    /// What an admin unlocked or confirmed last, if that is known.
    pub before: Option<Description>,
    /// What it has become.
    pub after: Description,
    /// The version that says so.
    pub version: ActionVersionId,
    /// How many grants are paused by it.
    pub paused: usize,
}

/// A backend and whether its webhooks are getting through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendLine {
    /// Its id.
    pub id: BackendId,
    /// Its name.
    pub name: String,
    /// It may no longer ask.
    pub disabled: bool,
    /// Deliveries stopped, until an operator resumes them.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Deliveries that failed and are tried again.
    pub failing: usize,
    /// Deliveries of the last seven days that are tried no more.
    pub dead: usize,
    /// When one last got through.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// What an admin sees besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Administration {
    /// Open requests to unlock an action, oldest first.
    pub requests: Page<UnlockLine>,
    /// Unlocked actions whose description has changed, by path.
    pub changed: Page<ChangedLine>,
    /// The integrations, to pick one.
    pub catalog: Page<IntegrationLine>,
    /// The picked integration with its actions.
    pub picked: Option<(IntegrationLine, Page<ActionLine>)>,
    /// The backends.
    pub backends: Page<BackendLine>,
    /// Why Slack did not take prompts in the last day, newest first.
    pub prompt_failures: Vec<PromptFailureLine>,
}

/// Why Slack did not take prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFailureLine {
    /// Slack's error code, or our name for its silence.
    pub code: String,
    /// How often.
    pub count: usize,
    /// When it happened last.
    pub last_at: DateTime<Utc>,
}

/// Everything on a Home tab.
#[derive(Debug, Clone, PartialEq)]
pub struct Home {
    /// Pending approvals, oldest first.
    pub waiting: Page<WaitingLine>,
    /// Live grants.
    pub grants: Page<GrantLine>,
    /// The integrations, usable ones first.
    pub integrations: Page<IntegrationLine>,
    /// Approvals that ended, newest first.
    pub decisions: Page<Approval>,
    /// For admins.
    pub administration: Option<Administration>,
}

/// A list on the Home tab that has pages.
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
    /// Requests to unlock.
    Requests,
    /// The admin's integrations.
    Catalog,
    /// The actions of the integration that the admin picked.
    Actions,
    /// Backends.
    Backends,
    /// Unlocked actions whose description has changed.
    Changed,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Grants,
        Self::Integrations,
        Self::Decisions,
        Self::Requests,
        Self::Catalog,
        Self::Actions,
        Self::Backends,
        Self::Changed,
    ];

    /// Its name in controls.
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
        }
    }

    /// Reads what [`Section::as_str`] wrote.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.as_str() == name)
    }

    /// How many items a page of it has. Together they stay within the 100 blocks and 250 KB of a view, at their worst.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Waiting | Self::Backends => 4,
            Self::Grants | Self::Integrations | Self::Catalog | Self::Actions => 8,
            Self::Decisions => 6,
            Self::Requests => 3,
            Self::Changed => 2,
        }
    }
}

/// Where somebody is on their Home tab: the page of each section, and the integration that an admin picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    pages: [u16; 8],
    /// The page of [`Section::Changed`]: a place that the previous version of the program wrote has eight pages.
    changed: u16,
    picked: Option<uuid::Uuid>,
}

impl Place {
    /// The page of a section.
    #[must_use]
    pub fn page(&self, section: Section) -> usize {
        self.pages.get(section as usize).copied().unwrap_or(self.changed).into()
    }

    /// The same with a section turned to another page.
    #[must_use]
    pub fn turned(mut self, section: Section, page: usize) -> Self {
        let page = u16::try_from(page).unwrap_or(u16::MAX);
        *self.pages.get_mut(section as usize).unwrap_or(&mut self.changed) = page;
        self
    }

    /// The integration whose actions an admin looks at.
    #[must_use]
    pub fn picked(&self) -> Option<IntegrationId> {
        self.picked.map(IntegrationId::new)
    }

    /// The same with an integration picked, or none.
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
        let page = Page::of((0..10).collect(), 7, 4);
        assert_eq!((page.items, page.number, page.count, page.total), (vec![8, 9], 2, 3, 10));
        let empty = Page::<i32>::of(Vec::new(), 3, 4);
        assert_eq!((empty.number, empty.count, empty.total), (0, 1, 0));
        assert_eq!(Page::of((0..8).collect(), 1, 4).items, vec![4, 5, 6, 7]);
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
    }
}
