//! Opens, pushes, replaces and closes views.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{State, StateValues, Token, View, ViewKind, entered};

/// The most modals in a stack (<https://docs.slack.dev/surfaces/modals#stack>).
const STACK: usize = 3;

/// Why a view can't be shown. The names are Slack's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShowError {
    #[error("push_limit_reached")]
    PushLimitReached,
    #[error("not_found")]
    NotFound,
    #[error("hash_conflict")]
    HashConflict,
    #[error("duplicate_external_id")]
    DuplicateExternalId,
}

impl State {
    /// Opens a modal as the root of a new stack, which replaces the open one.
    pub(crate) fn open_modal(
        &mut self,
        user: &str,
        by: &Token,
        definition: Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<View, ShowError> {
        self.check_external_id(&definition, None)?;
        let view = self.new_view(user, by, ViewKind::Modal, definition, now);
        self.modals.insert(user.to_owned(), vec![view.clone()]);
        Ok(view)
    }

    /// Pushes a modal onto the user's stack.
    pub(crate) fn push_modal(
        &mut self,
        user: &str,
        by: &Token,
        definition: Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<View, ShowError> {
        self.check_external_id(&definition, None)?;
        let stack = self.modals.get(user).filter(|stack| !stack.is_empty()).ok_or(ShowError::NotFound)?;
        if stack.len() >= STACK {
            return Err(ShowError::PushLimitReached);
        }
        let (root, previous) = (stack[0].id.clone(), stack.last().map(|view| view.id.clone()));
        let mut view = self.new_view(user, by, ViewKind::Modal, definition, now);
        view.root_view_id = root;
        view.previous_view_id = previous;
        self.modals.entry(user.to_owned()).or_default().push(view.clone());
        Ok(view)
    }

    /// Replaces the definition of an open modal. Entered values stay if their block and element do.
    pub(crate) fn update_modal(
        &mut self,
        is_meant: impl Fn(&View) -> bool,
        definition: Map<String, Value>,
        hash: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<View, ShowError> {
        let found = self.modals.values().flatten().find(|view| is_meant(view)).ok_or(ShowError::NotFound)?;
        if hash.is_some_and(|hash| hash != found.hash) {
            return Err(ShowError::HashConflict);
        }
        let (user, id) = (found.user.clone(), found.id.clone());
        self.check_external_id(&definition, Some(&id))?;
        let definition = self.name_view_blocks(definition);
        let hash = self.next_hash(now);
        let view = self
            .modals
            .get_mut(&user)
            .and_then(|stack| stack.iter_mut().find(|view| view.id == id))
            .ok_or(ShowError::NotFound)?;
        view.definition = definition;
        view.hash = hash;
        view.errors = BTreeMap::new();
        view.state = entered::state_of(view.blocks(), &view.state);
        Ok(view.clone())
    }

    /// Publishes the Home tab. Its id stays the same, its hash changes.
    pub(crate) fn publish_home(
        &mut self,
        user: &str,
        by: &Token,
        definition: Map<String, Value>,
        hash: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<View, ShowError> {
        let before = self.homes.get(user);
        if hash.is_some_and(|hash| before.is_none_or(|view| view.hash != hash)) {
            return Err(ShowError::HashConflict);
        }
        let (id, state) = before.map(|view| (view.id.clone(), view.state.clone())).unzip();
        self.check_external_id(&definition, id.as_deref())?;
        let mut view = self.new_view(user, by, ViewKind::Home, definition, now);
        if let Some(id) = id {
            view.root_view_id.clone_from(&id);
            view.id = id;
        }
        view.state = entered::state_of(view.blocks(), &state.unwrap_or_default());
        self.homes.insert(user.to_owned(), view.clone());
        Ok(view)
    }

    /// Closes the topmost modal, or with `clear` the whole stack. Returns the closed views, topmost first.
    pub(crate) fn close_modals(&mut self, user: &str, clear: bool) -> Vec<View> {
        let Some(stack) = self.modals.get_mut(user) else { return Vec::new() };
        let keep = if clear { 0 } else { stack.len().saturating_sub(1) };
        let mut closed = stack.split_off(keep);
        closed.reverse();
        if stack.is_empty() {
            self.modals.remove(user);
        }
        closed
    }

    fn new_view(
        &mut self,
        user: &str,
        by: &Token,
        kind: ViewKind,
        definition: Map<String, Value>,
        now: DateTime<Utc>,
    ) -> View {
        let id = self.next_id("V");
        let definition = self.name_view_blocks(definition);
        let mut view = View {
            team_id: self.home_of(user, &by.team_id),
            installed_in: by.team_id.clone(),
            user: user.to_owned(),
            kind,
            definition,
            hash: self.next_hash(now),
            root_view_id: id.clone(),
            previous_view_id: None,
            app_id: self.app.id.clone(),
            bot_id: by.bot_id.clone(),
            state: StateValues::new(),
            errors: BTreeMap::new(),
            id,
        };
        view.state = entered::state_of(view.blocks(), &view.state);
        view
    }

    fn name_view_blocks(&mut self, mut definition: Map<String, Value>) -> Map<String, Value> {
        if let Some(blocks) = definition.get_mut("blocks").and_then(Value::as_array_mut) {
            self.name_blocks(blocks);
        }
        definition
    }

    fn next_hash(&mut self, now: DateTime<Utc>) -> String {
        let counter = self.next_id("");
        format!("{}.{counter}", now.timestamp())
    }

    fn check_external_id(
        &self,
        definition: &Map<String, Value>,
        itself: Option<&str>,
    ) -> Result<(), ShowError> {
        let external_id = definition.get("external_id").and_then(Value::as_str).unwrap_or_default();
        let mut all = self.modals.values().flatten().chain(self.homes.values());
        let taken = !external_id.is_empty()
            && all.any(|view| view.text_of("external_id") == external_id && Some(view.id.as_str()) != itself);
        if taken { Err(ShowError::DuplicateExternalId) } else { Ok(()) }
    }
}
