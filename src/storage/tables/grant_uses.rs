//! The tables `grant_uses` and `grant_use_totals`: how often each grant was used. The view `used_grants` adds them up.
//! Asking writes the first, in [`crate::storage::statements::create_approval::save`].

use crate::storage::PgConnection;

/// Adds up to `limit` rows of uses to the totals, and deletes them. Returns how many these were. Two at once add
/// different rows.
pub async fn add_up(db: &mut PgConnection, limit: i64) -> sqlx::Result<u64> {
    let rows = sqlx::query_scalar!(
        r#"-- chosen: some rows. Their place in the table finds them, because they are never updated.
           -- taken: these, deleted.
           -- added: the totals, in one order, so that two of these don't wait for each other in a circle.
           WITH chosen AS MATERIALIZED (
               SELECT ctid FROM grant_uses LIMIT $1 FOR UPDATE SKIP LOCKED),
           taken AS MATERIALIZED (
               DELETE FROM grant_uses WHERE ctid = ANY(ARRAY(SELECT ctid FROM chosen)) RETURNING grant_id, uses, used_at),
           added AS (
               INSERT INTO grant_use_totals AS t (grant_id, uses, used_at)
               SELECT grant_id, sum(uses)::bigint, max(used_at) FROM taken GROUP BY grant_id ORDER BY grant_id
               ON CONFLICT (grant_id) DO UPDATE
                   SET uses = t.uses + excluded.uses, used_at = greatest(t.used_at, excluded.used_at))
           SELECT count(*) AS "taken!" FROM taken"#,
        limit
    )
    .fetch_one(db)
    .await?;
    Ok(u64::try_from(rows).unwrap_or(0))
}
