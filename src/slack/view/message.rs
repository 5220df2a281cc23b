//! A message in Slack's format.

use serde_json::{Value, json};
use slack_morphism::prelude::SlackBlock;

use crate::domain::arguments::Digest;

/// A message for `chat.postMessage` and `chat.update`.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The same content in one sentence, for notifications and screen readers. Slack reads it as mrkdwn.
    pub text: String,
    /// At most 50.
    pub blocks: Vec<SlackBlock>,
}

impl Message {
    /// `text`, and `blocks` if there are any.
    #[must_use]
    pub fn to_json(&self) -> Value {
        if self.blocks.is_empty() {
            json!({ "text": self.text })
        } else {
            json!({ "text": self.text, "blocks": self.blocks })
        }
    }

    /// SHA-256 over what people see of the message: `text` and `blocks`, as canonical JSON.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::for_json(&self.to_json())
    }

    /// The message's part of `chat.postMessage`'s JSON body. Link previews are turned off.
    #[must_use]
    pub fn to_post(&self) -> Value {
        let mut body = self.to_json();
        body["unfurl_links"] = json!(false);
        body["unfurl_media"] = json!(false);
        body
    }

    /// The message's part of `chat.update`'s JSON body, which has no option for link previews. `blocks` is present even
    /// if it is empty: without it Slack may keep the previous blocks and their buttons.
    /// <https://docs.slack.dev/reference/methods/chat.update>
    #[must_use]
    pub fn to_update(&self) -> Value {
        json!({ "text": self.text, "blocks": self.blocks })
    }
}
