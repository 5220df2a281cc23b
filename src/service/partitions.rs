//! The partitions of the tables that grow for ever: made ahead of need, and dropped when retention allows it.

use chrono::{DateTime, Utc};

use super::{Service, ServiceError, retrying};
use crate::{
    domain::retention::{self, Retention},
    storage::tables::{partitions, partitions::Room, workspaces},
};

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The names of new partitions.
    pub names: Vec<String>,
    /// How much room there is now.
    pub room: Room,
}

/// Makes the partitions that will be needed in the next months, and begins a block of the audit each month.
pub async fn make(service: &Service) -> Result<Made, ServiceError> {
    let mut db = service.db.acquire().await?;
    let names = partitions::make(&mut db, service.now()).await?;
    partitions::begin_audit_block(&mut db, service.now()).await?;
    Ok(Made { names, room: partitions::room(&mut db).await? })
}

/// Drops the partitions that hold only records which are older than `kept` says. Each is dropped, and recorded in the
/// audit of every workspace, in one transaction. Returns their names.
pub async fn drop_old(service: &Service, kept: Retention) -> Result<Vec<String>, ServiceError> {
    let mut names = Vec::new();
    let monthly = partitions::MONTHLY.into_iter().map(|table| (Some(table), kept.records));
    for (table, kept) in monthly.chain([(None, kept.audit)]) {
        let Some(kept) = kept else { continue };
        while let Some(name) = retrying!(drop_one(service, table, service.now() - kept))? {
            tracing::info!(
                partition = name,
                "Partition dropped: its records are older than the retention time"
            );
            names.push(name);
        }
    }
    Ok(names)
}

/// Drops the oldest partition of a monthly table, or with `None` the oldest block of the audit.
async fn drop_one(
    service: &Service,
    table: Option<&str>,
    before: DateTime<Utc>,
) -> Result<Option<String>, ServiceError> {
    let mut work = service.begin().await?;
    let dropped = match table {
        Some(table) => partitions::drop_oldest(&mut work, table, before).await?,
        None => partitions::drop_oldest_audit_block(&mut work, before).await?,
    };
    let Some(name) = dropped else { return Ok(None) };
    for workspace in workspaces::list(&mut work, i64::MAX).await? {
        work.record(retention::dropped(workspace.id, &name, before)).into_state();
    }
    work.commit().await?;
    Ok(Some(name))
}
