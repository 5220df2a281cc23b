//! What is set up in a workspace.

use crate::{
    domain::{ids::WorkspaceId, setup::Setup},
    storage::PgConnection,
};

/// Which steps are done. Each looks for one row, so that it costs the same in a large workspace.
pub async fn setup(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Setup> {
    sqlx::query_as!(
        Setup,
        r#"SELECT EXISTS (SELECT FROM backends b WHERE b.workspace_id = $1 AND b.disabled_at IS NULL) AS "backend!",
                  EXISTS (SELECT FROM integrations i WHERE i.workspace_id = $1 AND i.ownership <> 'unclaimed')
                      AS "described!",
                  EXISTS (SELECT FROM integrations i JOIN actions a ON a.integration_id = i.id
                          WHERE i.workspace_id = $1 AND a.unlocked_at IS NOT NULL) AS "unlocked!",
                  EXISTS (SELECT FROM backends b WHERE b.workspace_id = $1 AND b.disabled_at IS NULL
                          AND (b.webhook_url = '' OR
                               -- The comparisons say that it is this backend's, so that outbox_webhooks has the order.
                               (SELECT o.id FROM outbox o WHERE o.backend_id >= b.id AND o.backend_id <= b.id
                                AND o.kind = 'webhook' AND o.done_at IS NOT NULL
                                ORDER BY o.backend_id DESC, o.id DESC LIMIT 1) IS NOT NULL)) AS "reached!""#,
        workspace.uuid()
    )
    .fetch_one(db)
    .await
}
