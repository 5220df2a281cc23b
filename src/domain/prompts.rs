//! The location of a prompt in Slack.

/// A message in Slack that shows an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The channel id that `chat.postMessage` returned, `D…` for direct messages.
    pub channel: String,
    /// The message's `ts`.
    pub ts: String,
}

/// A message that shows an approval to a person who may decide it beside its user, or could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproverMessage {
    /// Whose direct message it is.
    pub user: super::ids::UserId,
    /// Where it is.
    pub prompt: Prompt,
}
