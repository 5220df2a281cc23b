//! An action, as an admin changes what people may do with its requests.

use crate::{
    domain::{
        bulk_unlock::{self, ReadOnlyLine},
        catalog::Lock,
        ids::{ActionId, ActionVersionId, IntegrationId, WorkspaceId},
        overview::OptionsLine,
    },
    storage::{
        PgConnection,
        tables::{actions::unlocked_for, versions},
    },
};

/// The action, if the workspace has it. A retired one is not found.
pub async fn line(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    action: ActionId,
) -> sqlx::Result<Option<OptionsLine>> {
    let row = sqlx::query!(
        r#"SELECT i.key AS integration, a.key AS action, v.id AS version, v.integration_name, v.name, v.description,
                  v.read_only, v.destructive, v.risk, a.unlocked_for, (a.must_read_at IS NOT NULL) AS "must_read!",
                  (SELECT count(*) FROM grants g
                   WHERE g.action_id = a.id AND g.revoked_at IS NULL 
                     AND g.scope NOT IN ('conversation', 'narrowed_conversation')) AS "always!"
           FROM actions a JOIN integrations i ON i.id = a.integration_id JOIN action_versions v ON v.id = a.version_id
           WHERE i.workspace_id = $1 AND a.id = $2 AND a.retired_at IS NULL"#,
        workspace.uuid(),
        action.uuid()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let version = ActionVersionId::new(row.version);
    Ok(Some(OptionsLine {
        action,
        version,
        path: format!("{}.{}", row.integration, row.action),
        integration_name: row.integration_name,
        action_name: row.name,
        description: row.description,
        impact: versions::impact(version, row.read_only, row.destructive, row.risk.as_deref())?,
        unlocked: unlocked_for(action, row.unlocked_for.as_deref())?,
        must_read: row.must_read,
        always: usize::try_from(row.always).unwrap_or_default(),
    }))
}

/// Locked actions of an integration that their backend declares as read-only, by name, at most `limit`, and the
/// integration's name. `None`: the workspace has no such integration.
pub async fn read_only(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    integration: IntegrationId,
    limit: i64,
) -> sqlx::Result<Option<(String, Vec<ReadOnlyLine>)>> {
    let found = sqlx::query!(
        "SELECT key, name FROM integrations WHERE workspace_id = $1 AND id = $2",
        workspace.uuid(),
        integration.uuid()
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let rows = sqlx::query!(
        "SELECT a.id, a.key, v.id AS version, v.name, v.read_only, v.destructive, v.risk
         FROM actions a JOIN action_versions v ON v.id = a.version_id
         WHERE a.integration_id = $1 AND a.retired_at IS NULL AND a.unlocked_at IS NULL AND v.read_only
           AND NOT v.destructive
         ORDER BY lower(v.name), a.key LIMIT $2",
        integration.uuid(),
        limit
    )
    .fetch_all(db)
    .await?;
    let mut lines = Vec::new();
    for row in rows {
        let version = ActionVersionId::new(row.version);
        let impact = versions::impact(version, row.read_only, row.destructive, row.risk.as_deref())?;
        if bulk_unlock::is_harmless(Lock::Locked, impact, &format!("{}.{}", found.key, row.key)) {
            lines.push(ReadOnlyLine { action: ActionId::new(row.id), version, key: row.key, name: row.name });
        }
    }
    Ok(Some((found.name, lines)))
}
