//! Warns once if the service's own database role could change the audit, as soon as the database says so.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::{Service, audit_protection};

/// Pause after an error.
const PAUSE: Duration = Duration::from_secs(5);

/// Reads the role's rights, and retries until the database answers.
pub async fn run(service: Service, stop: CancellationToken) {
    loop {
        match audit_protection::bypass(&service).await {
            Ok(Some(power)) => {
                tracing::warn!(
                    power,
                    "The service's database role can disable the triggers that protect the audit"
                );
                return;
            }
            Ok(None) => {
                tracing::debug!("The service's database role can't change audit entries");
                return;
            }
            // The database is unavailable, or not migrated yet.
            Err(error) => tracing::debug!(%error, "Could not read who owns the audit; retrying"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
