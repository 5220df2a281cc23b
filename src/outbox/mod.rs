//! What reaches the outside. A worker claims rows that transactions left and hands each to a [`Deliver`], which reads the
//! state as it is now and shows or sends that: repeats are harmless, and late ones right.

pub mod listener;
pub mod schedule;
pub mod worker;

use chrono::TimeDelta;

use crate::service::{Service, ServiceError};
pub use crate::storage::{statements::claim::Claim, tables::outbox::Kind};

/// What does what a row asks for.
pub trait Deliver: Clone + Send + Sync + 'static {
    /// Makes one attempt. An error is our own, most often the database's, and is retried.
    fn deliver(
        &self,
        service: &Service,
        claim: &Claim,
    ) -> impl Future<Output = Result<Outcome, ServiceError>> + Send;
}

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
    NotTaken {
        /// Slack's code, or what went wrong, out of a closed set.
        code: &'static str,
        /// What went wrong.
        why: String,
    },
    /// Slack refused it for good.
    Refused {
        /// Slack's code.
        code: &'static str,
        /// What it means.
        why: String,
    },
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
    pub const fn slack_code(&self) -> Option<&'static str> {
        match self {
            Self::NotTaken { code, .. } | Self::Refused { code, .. } => Some(code),
            Self::Done { .. } | Self::Failed { .. } | Self::Wait(_) | Self::Hopeless { .. } => None,
        }
    }
}
