//! The table `revocations`: notices to users about grants that an admin or the operator revoked.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        ids::{GrantId, RevocationId, UserId, WorkspaceId},
        revocation::{RevocationReason, RevokedForOthers},
    },
    storage::{PgConnection, effects::Recorded},
};

/// Saves what the users are told. The grants are ended by [`crate::storage::tables::grants::revoke`].
pub async fn save(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    change: &Recorded<RevokedForOthers>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let RevokedForOthers { admin, reason, notices, .. } = &**change;
    let ids: Vec<Uuid> = notices.iter().map(|notice| notice.id.uuid()).collect();
    let users: Vec<String> = notices.iter().map(|notice| notice.user.to_string()).collect();
    let named = notices.iter().flat_map(|notice| notice.grants.iter().map(|grant| (notice.id, *grant)));
    let (of, grants): (Vec<Uuid>, Vec<Uuid>) =
        named.map(|(notice, grant): (RevocationId, GrantId)| (notice.uuid(), grant.uuid())).unzip();
    sqlx::query!(
        "-- noted: one row for each user.
         -- The grants name it. One statement, because neither part is right without the other.
         WITH noted AS (
             INSERT INTO revocations (id, workspace_id, user_id, revoked_by, reason, revoked_at)
             SELECT n.id, $3, n.user_id, $4, $5, $6 FROM unnest($1::uuid[], $2::text[]) AS n (id, user_id))
         UPDATE grants g SET revocation_id = n.id FROM unnest($7::uuid[], $8::uuid[]) AS n (id, grant_id)
         WHERE g.id = n.grant_id",
        &ids,
        &users,
        workspace.uuid(),
        admin.as_ref().map(UserId::as_str),
        reason.as_ref().map(RevocationReason::as_str),
        now,
        &of,
        &grants
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a user has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// The notice.
    pub id: RevocationId,
    /// The admin. `None`: the operator.
    pub admin: Option<UserId>,
    /// Why, in the admin's words.
    pub reason: Option<String>,
    /// When.
    pub revoked_at: DateTime<Utc>,
}

/// The oldest revocation that the user was not notified of.
pub async fn untold(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
) -> sqlx::Result<Option<Untold>> {
    let row = sqlx::query!(
        "SELECT id, revoked_by, reason, revoked_at FROM revocations
         WHERE workspace_id = $1 AND user_id = $2 AND told_at IS NULL ORDER BY id LIMIT 1",
        workspace.uuid(),
        user.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Untold {
        id: RevocationId::new(row.id),
        admin: row.revoked_by.map(UserId::from_stored),
        reason: row.reason,
        revoked_at: row.revoked_at,
    }))
}

/// Notes that the user is being told. Of several attempts it returns `true` for one.
pub async fn take(db: &mut PgConnection, id: RevocationId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("UPDATE revocations SET told_at = $2 WHERE id = $1 AND told_at IS NULL", id.uuid(), now)
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the user was not told after all, and may be told again.
pub async fn give_back(db: &mut PgConnection, id: RevocationId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE revocations SET told_at = NULL WHERE id = $1", id.uuid()).execute(db).await?;
    Ok(())
}
