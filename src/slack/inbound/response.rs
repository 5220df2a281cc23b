//! The responses to Slack's payloads.

use axum::{http::StatusCode, response::IntoResponse};
use serde_json::Value;

/// The response to one payload.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    /// Accepted; Slack shows nothing.
    Taken,
    /// Accepted; the modal does this (`response_action`).
    Modal(Value),
    /// Accepted; Slack shows this message
    /// (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).
    Message(Value),
    /// Not accepted. Slack shows the user an error, and sends an event again.
    Failed,
}

impl IntoResponse for Response {
    fn into_response(self) -> axum::response::Response {
        match self {
            Self::Taken => StatusCode::OK.into_response(),
            Self::Modal(body) | Self::Message(body) => axum::Json(body).into_response(),
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl Response {
    /// The acknowledgement for a socket, which has no status codes. `None`: the payload was not accepted, so it isn't
    /// acknowledged. `Some(body)` otherwise.
    #[must_use]
    pub fn acknowledgement(self) -> Option<Option<Value>> {
        match self {
            Self::Taken => Some(None),
            Self::Modal(body) | Self::Message(body) => Some(Some(body)),
            Self::Failed => None,
        }
    }
}
