//! The location of a prompt in Slack.

/// A message in Slack that shows an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The channel id that `chat.postMessage` returned, `D…` for direct messages.
    pub channel: String,
    /// The message's `ts`.
    pub ts: String,
}
