//! An action, as an admin changes what people may do with its requests.

use crate::{
    domain::{
        ids::{ActionId, ActionVersionId, WorkspaceId},
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
                   WHERE g.action_id = a.id AND g.revoked_at IS NULL AND g.scope <> 'conversation') AS "always!"
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
