//! The table `audit_eras`: the times on one database server after another, by which the audit is exported.

use chrono::{DateTime, Utc};

use crate::storage::PgConnection;

/// Whether entries of the present era come from another server: transactions wrote them that this one has yet to
/// begin.
pub async fn is_over(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(max(newest.txid) >= pg_snapshot_xmax(pg_current_snapshot()), false) AS "over!"
           FROM workspaces w CROSS JOIN LATERAL (
               SELECT a.txid FROM audit a
               WHERE a.workspace_id = w.id AND a.era = (SELECT max(e.era) FROM audit_eras e)
               ORDER BY a.txid DESC LIMIT 1) newest"#
    )
    .fetch_one(db)
    .await
}

/// Begins the next era and gives its number. Waits for every transaction that writes to the audit.
pub async fn begin(db: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<i32> {
    sqlx::query_scalar!(r#"SELECT begin_audit_era($1) AS "era!""#, now).fetch_one(db).await
}
