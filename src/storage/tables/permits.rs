//! The table `permits`: the approvals that were used. Rows are never changed.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        arguments::Digest,
        ids::{ApiKeyId, ApprovalId, GrantId, WorkspaceId},
        pauses::Pauses,
        permits::Permit,
        permitting::NATURAL_ENDS,
        text::Text,
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow, tables::pauses},
};

/// The permit of an approval, if it was taken, and what is paused in its workspace. The approval and the workspace are
/// locked; this is a statement of its own, because one that waits for a lock reads other rows as of its start.
pub async fn find(
    db: &mut PgConnection,
    (workspace, approval): (WorkspaceId, ApprovalId),
) -> sqlx::Result<(Option<Permit>, Pauses)> {
    let row = sqlx::query!(
        r#"SELECT w.pauses::text AS "pauses?", p.digest AS "digest?", p.key_id AS "key_id?",
                  p.idempotency_key AS "idempotency_key?", p.used_at AS "used_at?"
           FROM workspaces w LEFT JOIN permits p ON p.approval_id = $2 WHERE w.id = $1"#,
        workspace.uuid(),
        approval.uuid()
    )
    .fetch_one(db)
    .await?;
    let pauses = pauses::read(workspace, row.pauses.as_deref())?;
    let (Some(digest), Some(key), Some(used_at)) = (row.digest, row.key_id, row.used_at) else {
        return Ok((None, pauses));
    };
    let corrupt = || CorruptRow::new("permits", "digest", &approval);
    let permit = Permit {
        approval,
        digest: Digest::from_stored(&digest).ok_or_else(corrupt)?,
        key: ApiKeyId::new(key),
        idempotency_key: row.idempotency_key.map(Text::from_stored),
        used_at,
    };
    Ok((Some(permit), pauses))
}

/// Adds a permit. The approval is locked, so there is none yet.
pub async fn save(db: &mut PgConnection, permit: &Recorded<Permit>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO permits (approval_id, digest, key_id, idempotency_key, used_at) VALUES ($1, $2, $3, $4, $5)",
        permit.approval.uuid(),
        permit.digest.bytes(),
        permit.key.uuid(),
        permit.idempotency_key.as_ref().map(Text::as_str),
        permit.used_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks the grant that an approval rests on until the permit is taken, and returns whether someone ended it. A grant that
/// can't be found counts as ended.
///
/// Who ends a grant locks it `FOR UPDATE`, so one of the two waits for the other: a revocation that has committed is seen
/// here, and one that has not is confirmed only after this permit. Permits and requests share the lock; a turn at the
/// grant keeps later ones behind a revocation that waits (see [`super::turns`]).
pub async fn hold_grant(db: &mut PgConnection, grant: GrantId) -> sqlx::Result<bool> {
    let natural = NATURAL_ENDS.map(|why| why.as_str().to_owned());
    let withdrawn = sqlx::query_scalar!(
        r#"SELECT g.withdrawn AS "withdrawn!" FROM (SELECT id, workspace_id FROM grants WHERE id = $1) k
           CROSS JOIN LATERAL (
               SELECT k.id, pg_advisory_xact_lock_shared(grant_turn(k.workspace_id, k.id))) t
           CROSS JOIN LATERAL (
               SELECT revoked_at IS NOT NULL AND coalesce(revoked_why <> ALL($2), true) AS withdrawn FROM grants
               WHERE id = t.id FOR SHARE) g"#,
        grant.uuid(),
        &natural
    )
    .fetch_optional(db)
    .await?;
    Ok(withdrawn.unwrap_or(true))
}

/// When an approval was used, for showing.
pub async fn used_at(db: &mut PgConnection, approval: ApprovalId) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("SELECT used_at FROM permits WHERE approval_id = $1", approval.uuid())
        .fetch_optional(db)
        .await
}
