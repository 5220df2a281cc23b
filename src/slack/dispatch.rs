//! The one door for what Slack sends, by HTTP or through a socket: a payload goes in, an answer comes out.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{Slack, commands, events, home, interactions, payload::Payload};

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody used a button, a menu or a modal.
    Interaction,
    /// Something happened in a workspace.
    Event,
    /// Somebody typed a slash command.
    Command,
}

/// What Slack is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was taken.
    Taken,
    /// It was taken, and the modal does this (`response_action`).
    Modal(Value),
    /// It was taken, and this is said (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).
    Message(Value),
    /// It was not taken: Slack shows the person that something went wrong, and sends an event again.
    Failed,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Taken => StatusCode::OK.into_response(),
            Self::Modal(answer) | Self::Message(answer) => axum::Json(answer).into_response(),
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl Answer {
    /// Whether it was taken, and what is said besides: for a socket, where there are no statuses.
    #[must_use]
    pub fn acknowledgement(self) -> Option<Option<Value>> {
        match self {
            Self::Taken => Some(None),
            Self::Modal(answer) | Self::Message(answer) => Some(Some(answer)),
            Self::Failed => None,
        }
    }
}

/// Handles what Slack sent. It is known to be Slack's.
pub async fn dispatch(slack: &Slack, kind: Kind, payload: &Payload) -> Answer {
    match kind {
        Kind::Interaction => interactions::handle(slack, payload).await,
        Kind::Event if payload.text("/event/type") == Some(home::OPENED) => {
            home::opened(slack, payload).await
        }
        Kind::Event => events::receive(slack, payload).await,
        Kind::Command => commands::handle(slack, payload).await,
    }
}
