//! The tables `listeners` and `listening_instances`: at which instances callers listen to approvals that are cancelled
//! without one.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::storage::PgConnection;

/// Notes at which approvals callers of an instance have begun to listen (`None`) or left (when), and that the instance is
/// alive, if `holds` or if any of these approvals is cancelled without a listener. Returns the ids of those that are; the
/// others leave no trace.
pub async fn note(
    db: &mut PgConnection,
    instance: Uuid,
    changed: &[(Uuid, Option<DateTime<Utc>>)],
    holds: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    let (ids, left): (Vec<Uuid>, Vec<Option<DateTime<Utc>>>) = changed.iter().copied().unzip();
    sqlx::query_scalar!(
        r#"-- known: those of the approvals that are cancelled without a listener, locked against being deleted.
           -- noted: who listens, and who left.
           -- renewed: the instance is alive.
           -- One statement, so that a caller that listens counts from the same moment as its instance.
           WITH known AS MATERIALIZED (
               SELECT c.approval_id, c.left_at FROM unnest($2::uuid[], $3::timestamptz[]) AS c (approval_id, left_at)
               CROSS JOIN LATERAL (
                   SELECT FROM abandonments b WHERE b.approval_id = c.approval_id LIMIT 1 FOR KEY SHARE) b),
           noted AS (
               INSERT INTO listeners (approval_id, instance_id, left_at)
               SELECT k.approval_id, $1, k.left_at FROM known k
               ON CONFLICT (approval_id, instance_id) DO UPDATE SET left_at = excluded.left_at),
           renewed AS (
               INSERT INTO listening_instances (id, alive_at) SELECT $1, $5 WHERE $4 OR EXISTS (SELECT FROM known)
               ON CONFLICT (id) DO UPDATE SET alive_at = excluded.alive_at)
           SELECT k.approval_id AS "approval_id!" FROM known k"#,
        instance,
        &ids,
        &left as _,
        holds,
        now
    )
    .fetch_all(db)
    .await
}

/// Deletes up to 1,000 instances that were last alive before `before`.
pub async fn prune_instances(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "DELETE FROM listening_instances WHERE id IN (
             SELECT id FROM listening_instances WHERE alive_at < $1 LIMIT 1000)",
        before
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}
