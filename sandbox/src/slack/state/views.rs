//! Modals and Home tabs as Slack stores them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::messages::StateValues;

/// Where a view is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewKind {
    /// A dialog over the conversation.
    Modal,
    /// The app's Home tab.
    Home,
}

impl ViewKind {
    /// The `type` of the view in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Modal => "modal",
            Self::Home => "home",
        }
    }
}

/// A modal, or a user's Home tab (<https://docs.slack.dev/reference/views>).
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// `V…`.
    pub id: String,
    /// The workspace.
    pub team_id: String,
    /// The installation of the app that shows it: a workspace, or an organisation.
    pub installed_in: String,
    /// The user who sees it.
    pub user: String,
    /// Modal or Home tab.
    pub kind: ViewKind,
    /// The view as the app defined it, each block with a `block_id`.
    pub definition: Map<String, Value>,
    /// Changes with every update.
    pub hash: String,
    /// The root view of its stack.
    pub root_view_id: String,
    /// The view below it in the stack.
    pub previous_view_id: Option<String>,
    /// The app that shows it.
    pub app_id: String,
    /// The bot's id.
    pub bot_id: String,
    /// The values that the user has entered so far.
    pub state: StateValues,
    /// The app's errors for the last submission: `block_id` → sentence.
    pub errors: BTreeMap<String, String>,
}

impl View {
    /// Its blocks.
    #[must_use]
    pub fn blocks(&self) -> &[Value] {
        self.definition.get("blocks").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A text of the definition: the strings `callback_id`, `private_metadata`, `external_id`, and the text of `title`,
    /// `submit` and `close`. Empty if it is missing.
    #[must_use]
    pub fn text_of(&self, key: &str) -> &str {
        match self.definition.get(key) {
            Some(Value::String(text)) => text,
            Some(object) => object["text"].as_str().unwrap_or_default(),
            None => "",
        }
    }

    /// A flag of the definition: `clear_on_close`, `notify_on_close`.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        self.definition.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The text in its title bar.
    #[must_use]
    pub fn title(&self) -> &str {
        self.text_of("title")
    }

    /// The app's name for this kind of view.
    #[must_use]
    pub fn callback_id(&self) -> &str {
        self.text_of("callback_id")
    }

    /// The app's private data in the view.
    #[must_use]
    pub fn private_metadata(&self) -> &str {
        self.text_of("private_metadata")
    }

    /// The view object in Slack's responses and payloads.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let given = |key: &str| self.definition.get(key).cloned().unwrap_or(Value::Null);
        // Slack returns an empty array if nothing was entered yet.
        let values = if self.state.is_empty() { json!([]) } else { json!(self.state) };
        json!({
            "id": self.id,
            "team_id": self.team_id,
            "type": self.kind.name(),
            "blocks": self.blocks(),
            "private_metadata": self.private_metadata(),
            "callback_id": self.callback_id(),
            "state": { "values": values },
            "hash": self.hash,
            "title": given("title"),
            "clear_on_close": self.flag("clear_on_close"),
            "notify_on_close": self.flag("notify_on_close"),
            "close": given("close"),
            "submit": given("submit"),
            "previous_view_id": self.previous_view_id,
            "root_view_id": self.root_view_id,
            "app_id": self.app_id,
            "external_id": self.text_of("external_id"),
            "app_installed_team_id": self.installed_in,
            "bot_id": self.bot_id,
        })
    }
}
