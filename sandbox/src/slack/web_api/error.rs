//! Error responses of the Web API.

use serde_json::{Map, Value, json};

use crate::slack::state::{ShowError, TriggerError};

/// `{"ok": false, "error": …}` with HTTP status 200, as in Slack.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) name: String,
    more: Map<String, Value>,
}

impl ApiError {
    /// One of Slack's error names.
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), more: Map::new() }
    }

    /// Adds a field.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }

    /// Adds an explanation of each fault.
    pub(crate) fn explained(self, messages: &[String]) -> Self {
        let errors: Vec<_> = messages.iter().map(|message| message.trim_start_matches("[ERROR] ")).collect();
        self.with("errors", json!(errors)).with("response_metadata", json!({ "messages": messages }))
    }

    /// The answer's body.
    pub(crate) fn to_json(&self) -> Value {
        let mut body = json!({ "ok": false, "error": self.name });
        if let Some(body) = body.as_object_mut() {
            body.extend(self.more.clone());
        }
        body
    }
}

impl From<ShowError> for ApiError {
    fn from(error: ShowError) -> Self {
        Self::named(&error.to_string())
    }
}

impl From<TriggerError> for ApiError {
    fn from(error: TriggerError) -> Self {
        Self::named(&error.to_string())
    }
}
