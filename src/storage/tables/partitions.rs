//! The partitions of `approvals`, `approval_results`, `details_opened`, `permits`, `permit_refusals`, `prompts`,
//! `prompt_messages`, `approver_messages`, `approver_answers`, `asked_approvers`, `outbox`, `attempts` and `audit`.
//! Functions of the database make and drop them, with the rights of the tables' owner
//! (`migrations/0022_partitions.sql`).

use chrono::{DateTime, Utc};

use crate::{domain::ids::time_of_id, storage::PgConnection};

/// A table with a partition a month, in the order in which their old partitions are dropped: what refers to another
/// table's rows goes first.
pub const MONTHLY: [&str; 12] = [
    "attempts",
    "outbox",
    "prompts",
    "prompt_messages",
    "approver_messages",
    "approver_answers",
    "asked_approvers",
    "details_opened",
    "permit_refusals",
    "permits",
    "approval_results",
    "approvals",
];

/// Makes the partitions that will be needed from now on, and returns their names. Does nothing while another instance
/// does it.
pub async fn make(db: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(r#"SELECT make_partitions($1) AS "name!""#, now).fetch_all(db).await
}

/// Begins the next block of the audit if the present one began in an earlier month. Whether it did.
pub async fn begin_audit_block(db: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT begin_audit_block($1) AS "begun!""#, now).fetch_one(db).await
}

/// The tables that have no partition for a row that is written at `now`.
pub async fn missing(db: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(r#"SELECT missing_partitions($1) AS "table!""#, now).fetch_all(db).await
}

/// How much room is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Where the last monthly partition of some table ends. `None` if a table has none.
    pub until: Option<DateTime<Utc>>,
    /// How many more audit entries have a partition.
    pub audit_entries: i64,
}

/// How much room the partitions have for new rows.
pub async fn room(db: &mut PgConnection) -> sqlx::Result<Room> {
    let row = sqlx::query!(r#"SELECT until, audit_entries AS "audit_entries!" FROM partition_room()"#)
        .fetch_one(db)
        .await?;
    Ok(Room { until: row.until.and_then(time_of_id), audit_entries: row.audit_entries })
}

/// Drops the oldest partition of a monthly table if all of its rows are older than `before` and none of them is needed
/// by a pending approval or a waiting delivery. Returns its name.
pub async fn drop_oldest(
    db: &mut PgConnection,
    table: &str,
    before: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT drop_oldest_partition($1, $2)", table, before).fetch_one(db).await
}

/// Drops the oldest block of the audit if all of its entries are older than `before`. Returns its name.
pub async fn drop_oldest_audit_block(
    db: &mut PgConnection,
    before: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT drop_oldest_audit_block($1)", before).fetch_one(db).await
}

/// Grants a role what `serve` needs, and revokes the rest. Creates it if there is none, and returns whether it did.
pub async fn grant_service(db: &mut PgConnection, role: &str, drops_audit: bool) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT grant_service($1, $2) AS "created!""#, role, drops_audit)
        .fetch_one(db)
        .await
}
