//! Why there is no connection to Slack.

use crate::slack::web_api::error::CallError;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// Slack gave no address to connect to.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The connection could not be made. The address is not said: it holds a secret.
    #[error("the connection failed: {0}")]
    Connect(String),
    /// The app has as many as Slack allows.
    #[error("Slack says that the app has too many connections: 10 are allowed, and each instance keeps 2")]
    TooMany,
    /// It was made, and nothing came.
    #[error("timed out waiting for Slack's hello")]
    Silent,
}
