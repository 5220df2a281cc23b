//! Arguments of a Web API call, from all places where Slack accepts them: JSON, a form, the query
//! (<https://docs.slack.dev/apis/web-api/#basics>).

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::error::ApiError;

/// Arguments whose values are JSON even if they arrive as text.
const JSON_ARGUMENTS: [&str; 5] = ["attachments", "blocks", "files", "metadata", "view"];

/// Methods that read data accept only forms (<https://docs.slack.dev/apis/web-api/#methods_supporting_json>). Arguments
/// in a JSON body never reach them, so `users.info` answers `user_not_found`.
const FORMS_ONLY: [&str; 4] = ["oauth.v2.access", "users.info", "users.list", "users.lookupByEmail"];

/// The arguments of a method apart from `token`, from its page under <https://docs.slack.dev/reference/methods>. `None`
/// if any is accepted.
fn taken_by(method: &str) -> Option<&'static [&'static str]> {
    Some(match method {
        "auth.test" => &[],
        "chat.postEphemeral" => &[
            "as_user",
            "attachments",
            "blocks",
            "channel",
            "icon_emoji",
            "icon_url",
            "link_names",
            "markdown_text",
            "parse",
            "text",
            "thread_ts",
            "user",
            "username",
        ],
        "chat.postMessage" => &[
            "as_user",
            "attachments",
            "blocks",
            "channel",
            "icon_emoji",
            "icon_url",
            "link_names",
            "markdown_text",
            "metadata",
            "mrkdwn",
            "parse",
            "reply_broadcast",
            "text",
            "thread_ts",
            "unfurl_links",
            "unfurl_media",
            "username",
        ],
        "chat.update" => &[
            "as_user",
            "attachments",
            "blocks",
            "channel",
            "file_ids",
            "link_names",
            "markdown_text",
            "metadata",
            "parse",
            "reply_broadcast",
            "text",
            "ts",
        ],
        "files.completeUploadExternal" => {
            &["blocks", "channel_id", "channels", "files", "initial_comment", "thread_ts"]
        }
        "files.getUploadURLExternal" => &["alt_txt", "filename", "length", "snippet_type"],
        "users.info" => &["include_locale", "user"],
        "users.list" => &["cursor", "include_locale", "limit", "team_id"],
        "users.lookupByEmail" => &["email"],
        "views.open" | "views.push" => &["interactivity_pointer", "trigger_id", "view"],
        "views.publish" => &["hash", "user_id", "view"],
        "views.update" => &["external_id", "hash", "view", "view_id"],
        _ => return None,
    })
}

/// The arguments by name. Those of a form are strings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments(Map<String, Value>);

impl Arguments {
    /// Reads the query and body of a method call.
    pub(crate) fn read(
        method: &str,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, ApiError> {
        let mut arguments = Map::new();
        let mut take = |pairs: &[u8]| {
            for (key, value) in form_urlencoded::parse(pairs) {
                arguments.insert(key.into_owned(), Value::String(value.into_owned()));
            }
        };
        take(query.unwrap_or_default().as_bytes());
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") {
            take(body);
        } else if kind.starts_with("application/json") {
            match serde_json::from_slice(body) {
                Ok(Value::Object(_)) if FORMS_ONLY.contains(&method) => {}
                Ok(Value::Object(given)) => arguments.extend(given),
                Ok(_) => return Err(ApiError::named("json_not_object")),
                Err(_) if body.is_empty() => {}
                Err(_) => return Err(ApiError::named("invalid_json")),
            }
        } else if !body.is_empty() {
            return Err(ApiError::named("invalid_post_type"));
        }
        for key in JSON_ARGUMENTS {
            if let Some(Value::String(text)) = arguments.get(key)
                && let Ok(parsed) = serde_json::from_str(text)
            {
                arguments.insert(key.to_owned(), parsed);
            }
        }
        Ok(Self(arguments))
    }

    /// Removes and returns the token, so that it doesn't get into the log.
    pub(crate) fn take_token(&mut self) -> Option<String> {
        match self.0.remove("token") {
            Some(Value::String(token)) => Some(token),
            _ => None,
        }
    }

    /// The value of this argument. `null` counts as missing.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// The text of this argument, if it exists and isn't empty.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The names of arguments that the method doesn't take.
    pub(crate) fn unknown_to(&self, method: &str) -> Vec<String> {
        let taken = taken_by(method);
        let is_unknown = |name: &&String| taken.is_some_and(|taken| !taken.contains(&name.as_str()));
        self.0.keys().filter(is_unknown).cloned().collect()
    }

    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}
