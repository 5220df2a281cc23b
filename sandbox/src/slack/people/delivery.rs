//! The result of an action on the screen: the app's answer, and what the person saw.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::deliver::{DeliveryError, Reply};
use crate::slack::state::{Message, View};

/// What the person sees because of the app's answer to their action. The app's Web API calls are not part of it: look
/// at the messages and views for those.
#[derive(Clone, Debug, PartialEq)]
pub enum Feedback {
    /// Nothing changed: Slack accepted the answer silently, or nothing was sent.
    Nothing,
    /// Slack's own error text.
    Error(String),
    /// A message, visible only to this person unless it says otherwise.
    Message(Box<Message>),
    /// The modal stays open, with these sentences at these blocks (`block_id` → sentence).
    Errors(BTreeMap<String, String>),
    /// This modal is on top now: replaced, pushed, or uncovered when the one above it closed.
    View(Box<View>),
    /// No modal is open.
    Closed,
}

/// One request to the app and its result.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The HTTP status; `None` if no answer came, or nothing was sent.
    pub status: Option<u16>,
    /// The body of the answer.
    pub body: String,
    /// The time until the answer or the failure.
    pub elapsed: Duration,
    /// What the person sees as the result.
    pub feedback: Feedback,
    /// The error, if the request failed.
    pub error: Option<DeliveryError>,
    /// The content of the request: the payload of an interaction, the envelope of an event, the fields of a command.
    /// `null` for raw requests.
    pub payload: Value,
}

impl Delivery {
    /// Whether the app accepted the request: status 200 in time, with an answer that Slack accepts.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }

    /// The result of an action for which Slack sends no request.
    pub(super) fn unsent() -> Self {
        Self {
            status: None,
            body: String::new(),
            elapsed: Duration::ZERO,
            feedback: Feedback::Nothing,
            error: None,
            payload: Value::Null,
        }
    }

    /// The result of a reply to this payload. Shows an error unless the reply is a success.
    pub(super) fn from_reply(reply: Reply, payload: Value) -> Self {
        let feedback = match &reply.error {
            None => Feedback::Nothing,
            Some(error) => Feedback::Error(error_text(error)),
        };
        Self {
            status: reply.status,
            body: reply.body,
            elapsed: reply.elapsed,
            feedback,
            error: reply.error,
            payload,
        }
    }

    /// Turns it into a failure because of the faults in the answer.
    pub(super) fn refused(mut self, faults: Vec<String>) -> Self {
        let error = DeliveryError::BadAnswer(faults);
        self.feedback = Feedback::Error(error_text(&error));
        self.error = Some(error);
        self
    }
}

fn error_text(error: &DeliveryError) -> String {
    match error {
        DeliveryError::TimedOut => "This app didn't respond in time. Try again, or contact the app's owner.",
        DeliveryError::NotConnected | DeliveryError::Unreachable(_) => "This app couldn't be reached.",
        DeliveryError::Status(_) | DeliveryError::BadAnswer(_) => "This app responded with an error.",
    }
    .to_owned()
}
