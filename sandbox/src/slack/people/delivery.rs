//! What came of an act: what the app answered, and what the person saw.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::deliver::{DeliveryError, Reply};
use crate::slack::state::{Message, View};

/// What the person sees because of the app's answer to their act. What the app does by the Web API meanwhile is not
/// in it: look at the messages and views.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// Nothing changed: Slack took the answer silently, or nothing was sent.
    Nothing,
    /// Slack's own words that something went wrong.
    Trouble(String),
    /// A message, for this person alone unless it says otherwise.
    Message(Box<Message>),
    /// The modal stays open, with these sentences at these blocks (`block_id` → sentence).
    Errors(BTreeMap<String, String>),
    /// This modal is on top now: replaced, pushed, or bared by the one above it closing.
    View(Box<View>),
    /// No modal is open any more.
    Closed,
}

/// One request to the app and its end.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The HTTP status; `None` if no answer came, or nothing was sent.
    pub status: Option<u16>,
    /// The body of the answer.
    pub body: String,
    /// How long it took.
    pub elapsed: Duration,
    /// What the person sees.
    pub shown: Shown,
    /// What went wrong, if anything did.
    pub error: Option<DeliveryError>,
    /// What was sent: the payload of an interaction, the envelope of an event, the fields of a command. `null` for
    /// raw requests.
    pub payload: Value,
}

impl Delivery {
    /// Whether the app took it: status 200 within the time, with an answer that Slack accepts.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }

    /// Nothing was sent because nothing had to be.
    pub(super) fn unsent() -> Self {
        Self {
            status: None,
            body: String::new(),
            elapsed: Duration::ZERO,
            shown: Shown::Nothing,
            error: None,
            payload: Value::Null,
        }
    }

    /// The reply to this payload, with trouble shown if it was no success.
    pub(super) fn of(reply: Reply, payload: Value) -> Self {
        let shown = match &reply.error {
            None => Shown::Nothing,
            Some(error) => Shown::Trouble(trouble(error)),
        };
        Self {
            status: reply.status,
            body: reply.body,
            elapsed: reply.elapsed,
            shown,
            error: reply.error,
            payload,
        }
    }

    /// The same, refused for what the answer said.
    pub(super) fn refused(mut self, faults: Vec<String>) -> Self {
        let error = DeliveryError::BadAnswer(faults);
        self.shown = Shown::Trouble(trouble(&error));
        self.error = Some(error);
        self
    }
}

fn trouble(error: &DeliveryError) -> String {
    match error {
        DeliveryError::TimedOut => "This app didn't respond in time. Try again, or contact the app's owner.",
        DeliveryError::NotConnected | DeliveryError::Unreachable(_) => "This app couldn't be reached.",
        DeliveryError::Status(_) | DeliveryError::BadAnswer(_) => "This app responded with an error.",
    }
    .to_owned()
}
