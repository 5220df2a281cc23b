//! The time that Slack leaves: it waits three seconds for a response
//! (<https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response>).

use std::time::Duration;

use crate::{domain::rejection::Rejection, service::ServiceError};

/// Slack waits three seconds for an answer, of which some are the network's.
pub const BUDGET: Duration = Duration::from_millis(2700);
/// How long one use case may take of it: a modal may have to be opened too.
const USE_CASE: Duration = Duration::from_millis(1800);

/// Why a click led to nothing.
pub enum UseCaseError {
    /// It was refused.
    Rejected(Rejection),
    /// The same request was taken before, and what it led to holds.
    Repeated,
    /// The database failed: nothing has changed.
    Ours,
    /// The database took too long, or its answer to a commit was lost: it may have changed.
    Unclear,
}

/// Does it while Slack still waits.
pub async fn within<T>(work: impl Future<Output = Result<T, ServiceError>>) -> Result<T, UseCaseError> {
    match tokio::time::timeout(USE_CASE, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ServiceError::Rejected(rejection))) => Err(UseCaseError::Rejected(rejection)),
        Ok(Err(ServiceError::Repeated)) => {
            metrics::counter!("countersign_slack_requests_repeated_total").increment(1);
            tracing::warn!("Repeated signed request ignored");
            Err(UseCaseError::Repeated)
        }
        Ok(Err(failure @ ServiceError::Unclear(_))) => {
            tracing::error!(%failure, "Click outcome unknown");
            Err(UseCaseError::Unclear)
        }
        Ok(Err(failure)) => {
            tracing::error!(%failure, "Click failed");
            Err(UseCaseError::Ours)
        }
        Err(_) => {
            tracing::error!(limit_ms = 1800, "Click exceeded its time limit");
            Err(UseCaseError::Unclear)
        }
    }
}

/// The same for what only reads: too late, nothing has changed all the same.
pub async fn read<T>(work: impl Future<Output = Result<T, ServiceError>>) -> Result<T, UseCaseError> {
    within(work).await.map_err(|trouble| match trouble {
        UseCaseError::Unclear => UseCaseError::Ours,
        trouble => trouble,
    })
}
