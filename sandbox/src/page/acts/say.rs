//! Sends the composer's text: a message, or a slash command.

use axum::extract::State;

use super::super::Page;
use super::{Fields, Notice};

/// `POST /act/say`: `as`, `channel`, `thread` (empty outside of threads) and `text`.
pub(super) async fn say(State(page): State<Page>, fields: Fields) -> Notice {
    let (user, channel) = (fields.get("as"), fields.get("channel"));
    let text = fields.get("text").replace("\r\n", "\n");
    let text = text.trim();
    if text.is_empty() {
        return Notice::Done;
    }
    let thread = fields.filled("thread");
    if text.starts_with('/') {
        if thread.is_some() {
            return Notice::Said("Slash commands can't be used in threads.".into());
        }
        let (command, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        return Notice::from_delivery(page.slack.command(user, channel, command, rest.trim()).await);
    }
    match page.slack.say(user, channel, &escaped(text), thread) {
        Ok(_) => Notice::Done,
        Err(error) => Notice::from_delivery(Err(error)),
    }
}

/// Escapes the three characters that have a meaning in mrkdwn, as Slack does with typed text
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
