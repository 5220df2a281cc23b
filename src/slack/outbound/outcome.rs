//! What a response of Slack's means for the outbox.

use chrono::TimeDelta;

use crate::{
    outbox::Outcome,
    slack::web_api::error::{CallError, Refusal},
};

impl From<CallError> for Outcome {
    /// Retried: whatever Slack said is taken for passing. A rate limit is waited out, and doesn't count as an attempt.
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
