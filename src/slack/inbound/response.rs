//! What Slack is answered.

use axum::{http::StatusCode, response::IntoResponse};
use serde_json::Value;

/// What Slack is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    /// Taken; nothing is shown.
    Taken,
    /// Taken, and the modal does this (`response_action`).
    Modal(Value),
    /// Taken, and this message is shown
    /// (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).
    Message(Value),
    /// Not taken. Slack shows the user that something went wrong, and sends an event again.
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
    /// The acknowledgement for a socket, which has no statuses: `None` if the payload was not taken, else its body.
    #[must_use]
    pub fn acknowledgement(self) -> Option<Option<Value>> {
        match self {
            Self::Taken => Some(None),
            Self::Modal(body) | Self::Message(body) => Some(Some(body)),
            Self::Failed => None,
        }
    }
}
