//! Reporting which calls listen to approvals: every two seconds, all in one statement, so that a call costs no round trip
//! of its own.

use super::{Service, ServiceError};
use crate::storage::tables::listeners;

/// Reports which calls listen, and that this instance is alive. Nothing is written while none listens to an approval that
/// is cancelled without one.
#[tracing::instrument(name = "report_listeners", skip_all)]
pub async fn report(service: &Service) -> Result<(), ServiceError> {
    let report = service.listeners.take();
    if report.changed.is_empty() && !report.holds {
        return Ok(());
    }
    let noted = async {
        let mut db = service.db.acquire_with_kept_plans().await?;
        let instance = service.listeners.instance();
        listeners::note(&mut db, instance, &report.changed, report.holds, service.now()).await
    };
    match noted.await {
        Ok(mut counted) => {
            counted.sort_unstable();
            service.listeners.reported(&report, &counted);
            Ok(())
        }
        Err(error) => {
            service.listeners.restore(report);
            Err(error.into())
        }
    }
}
