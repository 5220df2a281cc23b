//! Slack's time limit: it waits three seconds for a response
//! (<https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response>).

use std::{pin::Pin, time::Duration};

use crate::{domain::rejection::Rejection, service::ServiceError};

/// Time for one response: Slack's three seconds less the time on the network.
pub const BUDGET: Duration = Duration::from_millis(2700);
/// Time for the use case within that: a modal may have to be opened as well.
const USE_CASE: Duration = Duration::from_millis(1800);

/// Why a use case called by a click had no result.
pub enum UseCaseError {
    /// A rule refused it.
    Rejected(Rejection),
    /// The same request was handled before, and that result stands.
    Repeated,
    /// Internal error: nothing has changed.
    Ours,
    /// The database took too long, or its response to the commit was lost: the change may have been saved.
    Unclear,
}

/// Runs a use case that writes, within the time limit. It is kept on the heap, so that the futures of all handlers stay
/// small.
pub fn within<T>(
    work: impl Future<Output = Result<T, ServiceError>>,
) -> impl Future<Output = Result<T, UseCaseError>> {
    run(Box::pin(work))
}

async fn run<T>(work: Pin<Box<impl Future<Output = Result<T, ServiceError>>>>) -> Result<T, UseCaseError> {
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

/// Runs a use case that only reads. A timeout then means that nothing has changed.
pub fn read<T>(
    work: impl Future<Output = Result<T, ServiceError>>,
) -> impl Future<Output = Result<T, UseCaseError>> {
    let work = within(work);
    async {
        work.await.map_err(|error| match error {
            UseCaseError::Unclear => UseCaseError::Ours,
            error => error,
        })
    }
}
