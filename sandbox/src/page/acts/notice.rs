//! How the page is answered: what changed comes over its live connection, so an answer is empty or one sentence.

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::slack::{ActError, Delivery, Feedback};

/// The end of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::page) enum Notice {
    /// It is done, there is nothing to say.
    Done,
    /// It is done, and Slack says this.
    Said(String),
    /// It can't be done.
    Impossible(String),
}

impl Notice {
    /// What the person is told of a request to the app.
    pub(super) fn of(delivery: Result<Delivery, ActError>) -> Self {
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
                // A header holds ASCII only: the words travel percent-encoded, as the page's script expects.
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
