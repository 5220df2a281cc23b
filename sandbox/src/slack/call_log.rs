//! The log of the app's calls and their outcomes.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// How a call of the Web API ended, as the app saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// `ok: true`.
    Ok,
    /// `ok: false` with this error.
    Error(String),
    /// HTTP 429 with this `Retry-After`, in seconds.
    RateLimited(u64),
    /// Another HTTP status.
    Status(u16),
    /// An HTML page with status 200.
    HtmlPage,
    /// The connection was closed without an answer.
    Dropped {
        /// Whether the call was carried out before.
        effect: bool,
    },
}

/// One call of a Web API method, or of a response URL (method `response_url`).
#[derive(Clone, Debug)]
pub struct Call {
    /// `chat.postMessage` and so on.
    pub method: String,
    /// When it arrived, by the sandbox's clock.
    pub at: DateTime<Utc>,
    /// The workspace of the token, if the token is known.
    pub team_id: Option<String>,
    /// The channel that was named, if any.
    pub channel: Option<String>,
    /// The arguments, without the token.
    pub arguments: Value,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The call came sooner than Slack's limits allow, whether or not the sandbox enforces them.
    pub over_limit: bool,
    /// Names of arguments that the method doesn't take. Slack ignores them silently, so the log keeps them.
    pub unknown: Vec<String>,
}
