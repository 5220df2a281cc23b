//! The responses to actions. The page's live connection sends the changes, so a response is empty or one sentence.

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::slack::{ActError, Delivery, Feedback};

/// The result of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::page) enum Notice {
    /// It succeeded, with nothing to show.
    Done,
    /// It succeeded, and Slack shows this text.
    Said(String),
    /// It failed for this reason.
    Impossible(String),
}

impl Notice {
    /// The text that a person sees after a request to the app.
    pub(super) fn from_delivery(delivery: Result<Delivery, ActError>) -> Self {
        match delivery {
            Ok(Delivery { feedback: Feedback::Error(words), .. }) => Self::Said(words),
            Ok(_) => Self::Done,
            Err(error) => Self::Impossible(format!("That did not work: {error}.")),
        }
    }
}

impl IntoResponse for Notice {
    fn into_response(self) -> Response {
        match self {
            Self::Done => StatusCode::NO_CONTENT.into_response(),
            Self::Said(words) => {
                // A header may only contain ASCII, so the text is percent-encoded, and the page's script decodes it.
                let words: String = form_urlencoded::byte_serialize(words.as_bytes()).collect();
                match HeaderValue::try_from(words.replace('+', "%20")) {
                    Ok(words) => (StatusCode::NO_CONTENT, [("x-notice", words)]).into_response(),
                    Err(_) => StatusCode::NO_CONTENT.into_response(),
                }
            }
            Self::Impossible(words) => (StatusCode::CONFLICT, words).into_response(),
        }
    }
}
