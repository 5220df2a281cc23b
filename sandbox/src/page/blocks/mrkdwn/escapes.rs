//! The three escapes of mrkdwn (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).

/// Decodes the three escapes in a piece of text that is shown as it is.
pub(super) fn decode(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
