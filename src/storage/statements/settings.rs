//! The settings of a user: what a toggle is judged by, and the grant that results.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        action_ref::ActionRef,
        catalog::{Eligibility, Lock},
        field_hints::Presentation,
        grants::Grant,
        ids::{ActionId, ActionVersionId, GrantId, IntegrationId, UserId, WorkspaceId},
        limits::Bounds,
        risk::Impact,
        text::{ActionKey, IntegrationKey},
    },
    storage::{PgConnection, effects::Recorded, tables::actions::unlocked_for},
};

/// What turning auto-approval on is judged by.
#[derive(Debug)]
pub struct ToggleContext {
    /// The action.
    pub action: ActionRef,
    /// Whether the action may be auto-approved, outside of any conversation.
    pub eligibility: Eligibility,
    /// The user's live *always* grant.
    pub existing: Option<GrantId>,
}

/// Reads and locks what a toggle is judged by. The locks are those of [`crate::storage::statements::decide::context`],
/// except that [`crate::storage::tables::workspaces::enter`] locks the user's row. `None` if the workspace has no such
/// action.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    action: ActionId,
    user: &UserId,
) -> sqlx::Result<Option<ToggleContext>> {
    let row = sqlx::query!(
        r#"SELECT i.id AS "integration_id!", i.key AS "integration!", i.name AS "integration_name!",
                  a.key AS "action!", a.version_id AS "version_id!", a.name AS "action_name!",
                  a.description AS "action_description?", a.destructive AS "destructive!",
                  a.unlocked_for,
                  coalesce(a.confirmed_version_id = a.version_id, false) AS "confirmed!",
                  (c.user_id IS NOT NULL OR NOT i.requires_connection) AS "connected!", g.id AS "grant_id?"
           -- The subqueries lock what they read, each after those whose columns it names: first the integration, then
           -- the action and the connection, then the grant.
           FROM (SELECT * FROM integrations WHERE workspace_id = $1
                     AND id = (SELECT integration_id FROM actions WHERE id = $2) FOR SHARE) i
           JOIN LATERAL (SELECT * FROM actions WHERE id = $2 AND integration_id = i.id AND retired_at IS NULL
                FOR SHARE) a ON true
           LEFT JOIN LATERAL (SELECT user_id FROM connections WHERE integration_id = i.id AND user_id = $3 FOR SHARE) c
                ON true
           LEFT JOIN LATERAL (SELECT id FROM grants WHERE workspace_id = $1 AND user_id = $3 AND action_id = a.id
                AND revoked_at IS NULL AND scope = 'always' FOR UPDATE) g ON true"#,
        workspace.uuid(),
        action.uuid(),
        user.as_str()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let unlocked = unlocked_for(action, row.unlocked_for.as_deref())?;
    Ok(Some(ToggleContext {
        action: ActionRef {
            id: action,
            integration_id: IntegrationId::new(row.integration_id),
            integration: IntegrationKey::from_stored(row.integration),
            action: ActionKey::from_stored(row.action),
            version: ActionVersionId::new(row.version_id),
            integration_name: row.integration_name,
            action_name: row.action_name,
            description: row.action_description,
            impact: if row.destructive { Impact::DESTRUCTIVE } else { Impact::Undeclared },
            presentation: Presentation::default(),
            has_input_schema: false,
            must_read: false,
        },
        eligibility: Eligibility {
            lock: Lock::new(unlocked, false, row.confirmed),
            outdated: false,
            connected: row.connected,
            conversation_closed: true,
            bounds: Bounds::default(),
        },
        existing: row.grant_id.map(GrantId::new),
    }))
}

/// Saves an *always* grant. Fails with a unique violation if the user already has one.
pub async fn give(db: &mut PgConnection, grant: &Recorded<Grant>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO grants (id, workspace_id, user_id, action_id, scope, created_at)
         VALUES ($1, $2, $3, $4, 'always', $5)",
        grant.id.uuid(),
        grant.workspace.uuid(),
        grant.user.as_str(),
        grant.action.uuid(),
        grant.created_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records a click on a toggle. `false` if a later click of the same user on it was recorded before.
pub async fn take_turn(
    db: &mut PgConnection,
    action: ActionId,
    user: &UserId,
    clicked_at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO toggles (action_id, user_id, clicked_at) VALUES ($1, $2, $3)
         ON CONFLICT (action_id, user_id) DO UPDATE SET clicked_at = excluded.clicked_at
             WHERE toggles.clicked_at <= excluded.clicked_at",
        action.uuid(),
        user.as_str(),
        clicked_at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An action of the workspace, found by its keys. Retired actions are not found.
pub async fn find_action(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    integration: &str,
    action: &str,
) -> sqlx::Result<Option<ActionId>> {
    let id = sqlx::query_scalar!(
        "SELECT a.id FROM actions a JOIN integrations i ON i.id = a.integration_id
         WHERE i.workspace_id = $1 AND i.key = $2 AND a.key = $3 AND a.retired_at IS NULL",
        workspace.uuid(),
        integration,
        action
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(ActionId::new))
}

/// The paths of at most `limit` actions of a workspace, for suggesting the one that a user meant.
pub async fn paths(db: &mut PgConnection, workspace: WorkspaceId, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT i.key || '.' || a.key AS "path!" FROM actions a JOIN integrations i ON i.id = a.integration_id
           WHERE i.workspace_id = $1 AND a.retired_at IS NULL ORDER BY 1 LIMIT $2"#,
        workspace.uuid(),
        limit
    )
    .fetch_all(db)
    .await
}
