//! The webhooks that the receiver got.

use std::collections::HashSet;

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::canonical::digest;
use super::misbehaviour::Answer;
use super::verify::Refusal;

/// One attempt to deliver one webhook.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// `webhook-id`, the same for all attempts. Empty if it is missing.
    pub id: String,
    /// `webhook-timestamp`, in seconds since 1970.
    pub timestamp: Option<i64>,
    /// The body's `type`, such as `approval.approved`; empty if there is none.
    pub kind: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// All headers.
    pub headers: HeaderMap,
    /// The time of receipt by the receiver's clock.
    pub received_at: DateTime<Utc>,
    /// Whether the signature, the timestamp and the digest of the arguments hold.
    pub verified: Result<(), Refusal>,
    /// The receiver's answer.
    pub answer: Answer,
    /// Whether an earlier delivery with this id was accepted.
    pub repeated: bool,
}

impl Delivery {
    /// The approval in the body. Null if there is none.
    #[must_use]
    pub fn approval(&self) -> &Value {
        self.body.get("data").unwrap_or(&Value::Null)
    }

    /// The id of that approval.
    #[must_use]
    pub fn approval_id(&self) -> &str {
        self.approval().get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the backend acted on the delivery: it was verified, accepted, and not a repetition.
    #[must_use]
    pub fn is_event(&self) -> bool {
        self.verified.is_ok() && self.answer.takes() && !self.repeated
    }
}

/// All attempts, in order of receipt.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) deliveries: Vec<Delivery>,
    taken: HashSet<String>,
}

impl Inbox {
    pub(super) fn record(&mut self, mut delivery: Delivery) {
        delivery.repeated = self.taken.contains(&delivery.id);
        if delivery.is_event() {
            self.taken.insert(delivery.id.clone());
        }
        self.deliveries.push(delivery);
    }
}

/// Checks that the approval in a webhook's body carries the digest of its own arguments. Accepts a body without an
/// approval.
pub(super) fn check_digest(body: &Value) -> Result<(), Refusal> {
    let Some(arguments) = body.pointer("/data/arguments") else { return Ok(()) };
    let claimed = body.pointer("/data/arguments_digest").and_then(Value::as_str);
    if claimed == Some(digest(arguments).as_str()) { Ok(()) } else { Err(Refusal::Digest) }
}
