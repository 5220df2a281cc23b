//! What Slack's responses mean for an outbox row.

use chrono::TimeDelta;

use crate::{
    outbox::Outcome,
    slack::web_api::error::{CallError, Refusal},
};

impl From<CallError> for Outcome {
    /// Retried: every such error is treated as temporary. Waiting for a rate limit doesn't count as an attempt.
    fn from(error: CallError) -> Self {
        match error {
            CallError::RateLimited(wait) => Self::Wait(TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)),
            error => Self::NotTaken { code: error.label(), why: error.to_string() },
        }
    }
}

impl From<Refusal> for Outcome {
    /// Never retried.
    fn from(refusal: Refusal) -> Self {
        Self::Refused { code: refusal.code, why: refusal.to_string() }
    }
}
