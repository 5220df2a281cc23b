//! The table `policies`, and the version in force in `workspaces`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        ids::{UserId, WorkspaceId},
        people::PersonKind,
        policy::{NewPolicy, PolicyReason, PolicyVersion},
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow, tables::turns},
};

/// A version of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// The version.
    pub version: PolicyVersion,
    /// YAML, as the admin wrote it.
    pub text: String,
    /// A Slack user id, or `operator`.
    pub made_by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub made_at: DateTime<Utc>,
}

/// Locks a workspace for a change of its policy: no request is being judged until it ends. Returns the version in force. `None`
/// inside: there is no policy.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
) -> sqlx::Result<Option<Option<PolicyVersion>>> {
    turns::at_workspace_with_id(&mut *db, workspace.uuid()).await?;
    let version = sqlx::query_scalar!(
        "SELECT policy_version FROM workspaces WHERE id = $1 FOR UPDATE",
        workspace.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(version.map(PolicyVersion::from_stored))
}

/// Saves a new version and puts it in force.
pub async fn save(
    db: &mut PgConnection,
    change: &Recorded<NewPolicy>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let NewPolicy { workspace, version, text, made_by, reason } = &**change;
    sqlx::query!(
        "-- kept: the version, for the history.
         -- The workspace names it. One statement, because neither part is right without the other.
         WITH kept AS (
             INSERT INTO policies (workspace_id, version, text, made_by, reason, made_at)
             VALUES ($1, $2, $3, $4, $5, $6))
         UPDATE workspaces SET policy_version = $2 WHERE id = $1",
        workspace.uuid(),
        version.get(),
        text,
        made_by,
        reason.as_ref().map(PolicyReason::as_str),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The version in force.
pub async fn version(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Option<PolicyVersion>> {
    let version =
        sqlx::query_scalar!("SELECT policy_version FROM workspaces WHERE id = $1", workspace.uuid())
            .fetch_optional(db)
            .await?;
    Ok(version.and_then(PolicyVersion::from_stored))
}

/// One version.
pub async fn find(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    version: PolicyVersion,
) -> sqlx::Result<Option<StoredPolicy>> {
    let row = sqlx::query!(
        "SELECT text, made_by, reason, made_at FROM policies WHERE workspace_id = $1 AND version = $2",
        workspace.uuid(),
        version.get()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| StoredPolicy {
        version,
        text: row.text,
        made_by: row.made_by,
        reason: row.reason,
        made_at: row.made_at,
    }))
}

/// The versions, newest first, at most `limit`.
pub async fn history(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    limit: i64,
) -> sqlx::Result<Vec<StoredPolicy>> {
    let rows = sqlx::query!(
        "SELECT version, text, made_by, reason, made_at FROM policies WHERE workspace_id = $1
         ORDER BY version DESC LIMIT $2",
        workspace.uuid(),
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let corrupt = || CorruptRow::new("policies", "version", &workspace);
            let version = PolicyVersion::from_stored(row.version).ok_or_else(corrupt)?;
            Ok(StoredPolicy {
                version,
                text: row.text,
                made_by: row.made_by,
                reason: row.reason,
                made_at: row.made_at,
            })
        })
        .collect()
}

/// Which of these users are known to be full members: Slack said so after `since`, and they have not left since then.
pub async fn full_members(
    db: &mut PgConnection,
    users: &[(WorkspaceId, UserId)],
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<(WorkspaceId, UserId)>> {
    let workspaces: Vec<Uuid> = users.iter().map(|(workspace, _)| workspace.uuid()).collect();
    let ids: Vec<String> = users.iter().map(|(_, user)| user.to_string()).collect();
    let rows = sqlx::query!(
        r#"-- LATERAL with LIMIT, so that each lookup takes an index, whatever the statistics say.
           SELECT u.workspace_id AS "workspace_id!", u.user_id AS "user_id!"
           FROM unnest($1::uuid[], $2::text[]) AS u (workspace_id, user_id)
           CROSS JOIN LATERAL (SELECT w.slack_id FROM workspaces w WHERE w.id = u.workspace_id LIMIT 1) w
           CROSS JOIN LATERAL (
               SELECT p.kind, p.read_at FROM profiles p
               WHERE p.workspace = w.slack_id AND p.user_id = u.user_id LIMIT 1) p
           LEFT JOIN LATERAL (
               SELECT m.left_at FROM members m
               WHERE m.workspace_id = u.workspace_id AND m.user_id = u.user_id LIMIT 1) m ON true
           WHERE p.kind = $3 AND p.read_at > $4 AND (m.left_at IS NULL OR m.left_at < p.read_at)"#,
        &workspaces,
        &ids,
        PersonKind::Member.as_str(),
        since
    )
    .fetch_all(db)
    .await?;
    let members =
        rows.into_iter().map(|row| (WorkspaceId::new(row.workspace_id), UserId::from_stored(row.user_id)));
    Ok(members.collect())
}
