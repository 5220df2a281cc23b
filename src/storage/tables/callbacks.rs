//! The table `callbacks`: where to report the end of single approvals. [`crate::storage::statements::decide`] makes the
//! rows of the outbox.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    domain::ids::{ApprovalId, BackendId},
    storage::{PgConnection, bounds},
};

/// A callback of an approval that was just asked.
#[derive(Debug)]
pub struct NewCallback {
    /// The approval.
    pub approval: ApprovalId,
    /// The backend that asked.
    pub backend: BackendId,
    /// The URL, sealed for the approval.
    pub url: Vec<u8>,
    /// The URL's host.
    pub host: String,
    /// [`crate::domain::callbacks::CallbackUrl::receiver`].
    pub receiver: Uuid,
}

/// Adds callbacks.
pub async fn insert(db: &mut PgConnection, callbacks: &[NewCallback]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = callbacks.iter().map(|one| one.approval.uuid()).collect();
    let backends: Vec<Uuid> = callbacks.iter().map(|one| one.backend.uuid()).collect();
    let urls: Vec<Vec<u8>> = callbacks.iter().map(|one| one.url.clone()).collect();
    let hosts: Vec<String> = callbacks.iter().map(|one| one.host.clone()).collect();
    let receivers: Vec<Uuid> = callbacks.iter().map(|one| one.receiver).collect();
    sqlx::query!(
        "INSERT INTO callbacks (approval_id, backend_id, url, host, receiver)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[], $5::uuid[])",
        &ids,
        &backends,
        &urls,
        &hosts,
        &receivers
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The sealed URLs of these approvals. One that was deleted after the retention time is left out.
pub async fn urls(
    db: &mut PgConnection,
    approvals: &[ApprovalId],
) -> sqlx::Result<HashMap<ApprovalId, Vec<u8>>> {
    let ids: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    let (lowest, highest) = bounds(&ids);
    let rows = sqlx::query!(
        r#"SELECT approval_id, url AS "url!" FROM callbacks
           WHERE approval_id = ANY($1) AND approval_id >= $2 AND approval_id <= $3 AND url IS NOT NULL"#,
        &ids,
        lowest,
        highest
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ApprovalId::new(row.approval_id), row.url)).collect())
}
