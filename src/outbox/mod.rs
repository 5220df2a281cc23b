//! Delivers to Slack and to backends. A worker claims the rows that transactions left and passes each to a [`Deliver`],
//! which reads the current state and shows or sends that. Repeated and late deliveries are therefore correct.

pub mod listener;
mod noter;
pub mod receivers;
pub mod schedule;
pub mod worker;

use chrono::TimeDelta;

use crate::service::{Service, ServiceError};
pub use crate::storage::{statements::claim::Claim, tables::outbox::Kind};

/// Performs the deliveries that rows ask for.
pub trait Deliver: Clone + Send + Sync + 'static {
    /// What was read for one row before its delivery.
    type Prepared: Send;

    /// Reads what these rows need together, once for all of them. They are of one kind and are all claimed. The result is
    /// in the order of the rows; an error within it applies only to its row.
    fn prepare(
        &self,
        service: &Service,
        claims: &[Claim],
    ) -> impl Future<Output = Result<Vec<Result<Self::Prepared, ServiceError>>, ServiceError>> + Send;

    /// Makes one attempt. An error is internal, usually the database's, and is retried.
    fn deliver(
        &self,
        service: &Service,
        claim: &Claim,
        prepared: Self::Prepared,
    ) -> impl Future<Output = Result<Outcome, ServiceError>> + Send;
}

/// The result of an attempt, as its handler reports it. The schedule decides what happens to the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was delivered.
    Done {
        /// The HTTP status of the response.
        status: Option<u16>,
        /// The beginning of the response.
        detail: Option<String>,
    },
    /// It failed, and is retried.
    Failed {
        /// Why it failed.
        why: String,
        /// The HTTP status of the response.
        status: Option<u16>,
        /// The shortest pause before the next attempt, from `Retry-After`.
        after: Option<TimeDelta>,
    },
    /// Slack did not accept it, and it is retried.
    NotTaken {
        /// Slack's code, or our own name for the error, from a closed set.
        code: &'static str,
        /// Why it failed.
        why: String,
    },
    /// Slack refused it permanently.
    Refused {
        /// Slack's code.
        code: &'static str,
        /// The meaning of the code.
        why: String,
    },
    /// It must wait, for example for a rate limit. This does not count as an attempt.
    Wait(TimeDelta),
    /// It can never succeed.
    Hopeless {
        /// Why not.
        why: String,
        /// The HTTP status of the response.
        status: Option<u16>,
    },
}

impl Outcome {
    /// A success without details.
    #[must_use]
    pub const fn done() -> Self {
        Self::Done { status: None, detail: None }
    }

    /// Why Slack did not accept it, as a label from a closed set.
    #[must_use]
    pub const fn slack_code(&self) -> Option<&'static str> {
        match self {
            Self::NotTaken { code, .. } | Self::Refused { code, .. } => Some(code),
            Self::Done { .. } | Self::Failed { .. } | Self::Wait(_) | Self::Hopeless { .. } => None,
        }
    }
}
