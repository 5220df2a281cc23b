//! A message, as Slack takes it.

use serde_json::{Value, json};
use slack_morphism::prelude::SlackBlock;

/// A message for `chat.postMessage` and `chat.update`.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The same in one sentence, for notifications and screen readers. Slack reads it as mrkdwn.
    pub text: String,
    /// At most 50.
    pub blocks: Vec<SlackBlock>,
}

impl Message {
    /// `text`, and `blocks` where there are some.
    #[must_use]
    pub fn to_json(&self) -> Value {
        if self.blocks.is_empty() {
            json!({ "text": self.text })
        } else {
            json!({ "text": self.text, "blocks": self.blocks })
        }
    }

    /// The message's part of `chat.postMessage`'s JSON body. Slack shows nothing of what links lead to.
    #[must_use]
    pub fn to_post(&self) -> Value {
        let mut body = self.to_json();
        body["unfurl_links"] = json!(false);
        body["unfurl_media"] = json!(false);
        body
    }

    /// The message's part of `chat.update`'s, which takes no word on links. `blocks` is there even if it is empty:
    /// without it Slack may leave what the message had before, and its buttons would still be there.
    /// <https://docs.slack.dev/reference/methods/chat.update>
    #[must_use]
    pub fn to_update(&self) -> Value {
        json!({ "text": self.text, "blocks": self.blocks })
    }
}
