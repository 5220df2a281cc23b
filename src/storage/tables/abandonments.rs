//! The table `abandonments`: pending approvals that are cancelled if no caller listens.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{abandonment::Listened, ids::ApprovalId},
    storage::PgConnection,
};

/// Adds approvals that were just asked.
pub async fn insert(db: &mut PgConnection, asked: &[Listened]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = asked.iter().map(|one| one.approval.uuid()).collect();
    let seconds: Vec<i32> =
        asked.iter().map(|one| i32::try_from(one.abandon_after.num_seconds()).unwrap_or(i32::MAX)).collect();
    let times: Vec<DateTime<Utc>> = asked.iter().map(|one| one.asked_at).collect();
    let checks: Vec<DateTime<Utc>> = asked.iter().map(|one| one.abandoned_at(None)).collect();
    sqlx::query!(
        "INSERT INTO abandonments (approval_id, abandon_after, asked_at, check_at)
         SELECT * FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::timestamptz[])",
        &ids,
        &seconds,
        &times,
        &checks
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks up to `limit` rows that are to be looked at, and reads when a caller last listened. Skips those that another
/// instance looks at.
pub async fn lock_due(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<Listened>> {
    let rows = sqlx::query!(
        r#"-- due: the rows, locked. Reports about them go on.
           -- h: a caller that listens was heard when its instance last reported, one that left when it left.
           WITH due AS MATERIALIZED (
               SELECT b.approval_id, b.abandon_after, b.asked_at FROM abandonments b
               WHERE b.check_at <= $1 ORDER BY b.check_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
           SELECT d.approval_id, d.abandon_after, d.asked_at, h.heard_at
           FROM due d CROSS JOIN LATERAL (
               SELECT max(coalesce(l.left_at, i.alive_at)) AS heard_at
               FROM listeners l LEFT JOIN listening_instances i ON i.id = l.instance_id
               WHERE l.approval_id = d.approval_id) h
           ORDER BY d.approval_id"#,
        now,
        limit
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| Listened {
        approval: ApprovalId::new(row.approval_id),
        abandon_after: TimeDelta::seconds(row.abandon_after.into()),
        asked_at: row.asked_at,
        heard_at: row.heard_at,
    });
    Ok(rows.collect())
}

/// Sets when to look at rows again.
pub async fn postpone(db: &mut PgConnection, until: &[(ApprovalId, DateTime<Utc>)]) -> sqlx::Result<()> {
    let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) =
        until.iter().map(|(id, until)| (id.uuid(), *until)).unzip();
    sqlx::query!(
        "UPDATE abandonments b SET check_at = u.check_at
         FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, check_at) WHERE b.approval_id = u.id",
        &ids,
        &times
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the rows of those approvals that have ended. Returns how many.
pub async fn delete_ended(db: &mut PgConnection, approvals: &[ApprovalId]) -> sqlx::Result<u64> {
    let ids: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    let deleted = sqlx::query!(
        "DELETE FROM abandonments b WHERE b.approval_id = ANY($1)
           AND NOT EXISTS (SELECT FROM approvals p WHERE p.id = b.approval_id AND p.status = 'pending')",
        &ids
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}
