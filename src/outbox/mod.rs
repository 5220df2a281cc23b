//! What reaches the outside. A worker claims rows that transactions left, reads the state as it is now, and draws or
//! sends that: repeats are harmless, and late ones right.

pub mod draw;
pub mod guard;
pub mod home;
pub mod listener;
pub mod schedule;
pub mod signing;
pub mod unlocking;
pub mod webhook;
pub mod worker;

use chrono::TimeDelta;

use crate::slack::error::{CallError, Refusal};

/// How an attempt went, as the handlers say; the schedule turns it into what is done with the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It reached the outside.
    Done {
        /// The HTTP status that came back.
        status: Option<u16>,
        /// The beginning of the answer.
        detail: Option<String>,
    },
    /// It did not, and may later.
    Failed {
        /// What went wrong.
        why: String,
        /// The HTTP status that came back.
        status: Option<u16>,
        /// Not before this long from now, as the other side asked.
        after: Option<TimeDelta>,
    },
    /// Slack did not take it, and may later.
    NotTaken(CallError),
    /// Slack refused it for good.
    Refused(Refusal),
    /// It must wait, through nobody's fault: it does not count as a try.
    Wait(TimeDelta),
    /// It never will.
    Hopeless {
        /// Why.
        why: String,
        /// The HTTP status that came back.
        status: Option<u16>,
    },
}

impl Outcome {
    /// A success about which there is nothing to note.
    #[must_use]
    pub const fn done() -> Self {
        Self::Done { status: None, detail: None }
    }
    /// Why Slack did not take it, as a name out of a closed set.
    #[must_use]
    pub fn slack_code(&self) -> Option<&'static str> {
        match self {
            Self::NotTaken(error) => Some(error.label()),
            Self::Refused(refusal) => Some(refusal.code),
            Self::Done { .. } | Self::Failed { .. } | Self::Wait(_) | Self::Hopeless { .. } => None,
        }
    }
}

impl From<CallError> for Outcome {
    /// Tried again: whatever Slack said is taken for passing. A limit is waited for, and doesn't count as a try.
    fn from(error: CallError) -> Self {
        match error {
            CallError::RateLimited(wait) => Self::Wait(TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)),
            error => Self::NotTaken(error),
        }
    }
}
