//! Everything that the local Slack stores, and operations that keep it consistent. Nothing here speaks HTTP: the Web
//! API ([`super::web_api`]) and the people ([`super::people`]) both use it.

mod apps;
mod channels;
pub(crate) mod entered;
mod files;
mod installs;
mod messages;
mod people;
mod posting;
mod showing;
mod tickets;
mod views;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub use self::{
    apps::{App, Token, TokenStatus},
    channels::{Channel, ChannelKind},
    files::SharedFile,
    messages::{Message, StateValues},
    people::{User, Workspace},
    views::{View, ViewKind},
};
pub(crate) use self::{
    apps::{ResponseUrl, Trigger},
    files::{Upload, UploadError},
    installs::Installs,
    people::Rights,
    posting::Draft,
    showing::ShowError,
    tickets::TriggerError,
};
use super::{call_log::Call, misbehaviour::Misbehaviours, people::Sent};

/// The complete state. Ids are unique over all workspaces, so the maps are flat and each value names its workspace.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) app: App,
    pub(crate) workspaces: BTreeMap<String, Workspace>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) channels: BTreeMap<String, Channel>,
    /// By token value.
    pub(crate) tokens: BTreeMap<String, Token>,
    /// By channel and `ts`. Every `ts` has the same width, so they sort in the order of posting.
    pub(crate) messages: BTreeMap<(String, String), Message>,
    /// Files that were announced, by their ids.
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// By user, with the topmost modal last.
    pub(crate) modals: BTreeMap<String, Vec<View>>,
    /// By user.
    pub(crate) homes: BTreeMap<String, View>,
    pub(crate) triggers: BTreeMap<String, Trigger>,
    pub(crate) response_urls: BTreeMap<String, ResponseUrl>,
    /// Events caused by a call and not sent yet, with their workspaces.
    pub(crate) unsent_events: Vec<(String, serde_json::Value)>,
    pub(crate) calls: Vec<Call>,
    /// Every request to the app, oldest first.
    pub(crate) sent: Vec<Sent>,
    pub(crate) misbehaviours: Misbehaviours,
    pub(crate) installs: Installs,
    counter: u64,
    last_ts_micros: i64,
}

impl State {
    pub(crate) fn new(app: App) -> Self {
        Self {
            app,
            workspaces: BTreeMap::new(),
            users: BTreeMap::new(),
            channels: BTreeMap::new(),
            tokens: BTreeMap::new(),
            messages: BTreeMap::new(),
            uploads: BTreeMap::new(),
            modals: BTreeMap::new(),
            homes: BTreeMap::new(),
            triggers: BTreeMap::new(),
            response_urls: BTreeMap::new(),
            unsent_events: Vec::new(),
            calls: Vec::new(),
            sent: Vec::new(),
            misbehaviours: Misbehaviours::default(),
            installs: Installs::default(),
            counter: 0,
            last_ts_micros: 0,
        }
    }

    /// A new id, for instance `V00000007`.
    pub(crate) fn next_id(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:08}", self.counter)
    }

    /// A new `ts`: the given time, or just after the last `ts` if that is later.
    pub(crate) fn next_ts(&mut self, now: DateTime<Utc>) -> String {
        self.last_ts_micros = now.timestamp_micros().max(self.last_ts_micros + 1);
        format!("{}.{:06}", self.last_ts_micros / 1_000_000, self.last_ts_micros % 1_000_000)
    }

    /// The active installation for the workspace, if there is one: its own, or its organisation's.
    pub(crate) fn installation(&self, team_id: &str) -> Option<&Token> {
        let mut of_team = self.tokens.values().filter(|token| self.covers(&token.team_id, team_id));
        of_team.clone().find(|token| token.status == TokenStatus::Active).or_else(|| of_team.next())
    }

    /// Whether an installation covers the workspace: it is in the workspace itself, or in its organisation.
    pub(crate) fn covers(&self, installed_in: &str, team_id: &str) -> bool {
        installed_in == team_id
            || self
                .workspaces
                .get(team_id)
                .is_some_and(|workspace| workspace.enterprise_id.as_deref() == Some(installed_in))
    }

    /// Gives every block that has no `block_id` one of its own, as Slack does.
    pub(crate) fn name_blocks(&mut self, blocks: &mut [serde_json::Value]) {
        for block in blocks {
            let named = block["block_id"].as_str().is_some_and(|id| !id.is_empty());
            if !named && let Some(block) = block.as_object_mut() {
                self.counter += 1;
                block.insert("block_id".to_owned(), format!("b{:05}", self.counter).into());
            }
        }
    }
}
