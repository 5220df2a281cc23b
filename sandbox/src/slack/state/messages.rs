//! Messages as Slack stores them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The state of a surface's elements: `block_id` → `action_id` → the element's state, in the shape of `state.values` of
/// an interaction payload.
pub type StateValues = BTreeMap<String, BTreeMap<String, Value>>;

/// One message in a channel or in direct messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// `C…` or `D…`.
    pub channel: String,
    /// Its id within the channel, and when it was posted: seconds and microseconds, `1700000000.000100`.
    pub ts: String,
    /// The `ts` of the message that it is a reply to.
    pub thread_ts: Option<String>,
    /// The workspace.
    pub team_id: String,
    /// Its author, `U…`.
    pub user: String,
    /// The author's bot id, if an app wrote it.
    pub bot_id: Option<String>,
    /// The app that wrote it.
    pub app_id: Option<String>,
    /// The top-level text, for notifications and screen readers.
    pub text: String,
    /// Its blocks as posted, each with a `block_id`.
    pub blocks: Vec<Value>,
    /// Its files.
    pub files: Vec<super::SharedFile>,
    /// The metadata that its app attached for other apps. People don't see it.
    pub metadata: Option<Value>,
    /// The `ts` of its last edit.
    pub edited: Option<String>,
    /// The only user who sees it. Slack doesn't store such a message: no one can read it again, edit it or reply to it
    /// in a thread.
    pub ephemeral_for: Option<String>,
    /// What each user has chosen in its menus and check boxes.
    pub(crate) chosen: BTreeMap<String, StateValues>,
}

impl Message {
    /// Whether this user sees it, given that they see the channel.
    #[must_use]
    pub fn is_visible_to(&self, user: &str) -> bool {
        self.ephemeral_for.as_deref().is_none_or(|only| only == user)
    }

    /// The message object in Slack's responses and payloads.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut message = json!({
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "text": self.text,
            "team": self.team_id,
        });
        if let Some(bot_id) = &self.bot_id {
            message["bot_id"] = json!(bot_id);
        }
        if let Some(app_id) = &self.app_id {
            message["app_id"] = json!(app_id);
        }
        if let Some(thread_ts) = &self.thread_ts {
            message["thread_ts"] = json!(thread_ts);
        }
        if let Some(edited) = &self.edited {
            message["edited"] = json!({ "user": self.user, "ts": edited });
        }
        if !self.blocks.is_empty() {
            message["blocks"] = json!(self.blocks);
        }
        if !self.files.is_empty() {
            message["files"] = self.files.iter().map(super::SharedFile::to_json).collect();
        }
        message
    }
}
