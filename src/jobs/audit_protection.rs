//! Warns once if the service's own database role could change the audit, as soon as the database says so.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{service::Service, storage};

/// How long to wait before asking a database that did not answer again.
const PAUSE: Duration = Duration::from_secs(5);

/// Asks until the database has answered once.
pub async fn run(service: Service, stop: CancellationToken) {
    loop {
        let power = async {
            let mut db = service.db.acquire().await?;
            storage::power_over_audit(&mut db).await
        };
        match power.await {
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
            // The database is away, or not migrated yet.
            Err(error) => tracing::debug!(%error, "Could not read who owns the audit; retrying"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
