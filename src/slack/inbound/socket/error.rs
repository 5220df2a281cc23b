//! Errors of a connection to Slack.

use crate::slack::web_api::error::CallError;

/// Why a connection to Slack failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// Slack gave no address to connect to.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The connection could not be opened. The text leaves out the address, which contains a secret.
    #[error("the connection failed: {0}")]
    Connect(String),
    /// The app has as many connections as Slack allows.
    #[error("Slack says that the app has too many connections: 10 are allowed, and each instance keeps 2")]
    TooMany,
    /// The connection was opened, but Slack sent nothing.
    #[error("timed out waiting for Slack's hello")]
    Silent,
}
