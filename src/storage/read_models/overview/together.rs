//! A user's pending approvals that one click can decide together.

use uuid::Uuid;

use crate::{
    domain::{
        alike::Alike,
        approvals::Approval,
        ids::{ApprovalId, UserId, WorkspaceId},
        overview::Group,
    },
    storage::{
        PgConnection,
        tables::approvals::{ApprovalRow, select_approvals},
    },
};

/// The maximum number of groups.
const GROUPS: i64 = 10;
/// The maximum number of approvals that are counted.
const MOST: i64 = 1_000;

/// The user's pending approvals by agent and action, where there are several that can be decided together. Those with
/// the oldest request come first.
pub async fn groups(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
) -> sqlx::Result<Vec<Group>> {
    let rows = sqlx::query!(
        r#"SELECT (array_agg(p.id ORDER BY p.id))[1] AS "first!", count(*) AS "count!"
           FROM approvals p JOIN action_versions d ON d.id = coalesce(p.action_version_id, p.action_id)
           JOIN actions a ON a.id = p.action_id
           WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.status = 'pending'
             AND NOT d.destructive AND a.must_read_at IS NULL AND p.approvers IS NULL
           GROUP BY p.backend_id, p.agent_id, p.action_id HAVING count(*) > 1 ORDER BY 1 LIMIT $3"#,
        workspace.uuid(),
        user.as_str(),
        GROUPS
    )
    .fetch_all(&mut *db)
    .await?;
    let first: Vec<Uuid> = rows.iter().map(|row| row.first).collect();
    let found = select_approvals!("WHERE p.id = ANY($1) ORDER BY p.id", &first).fetch_all(db).await?;
    // One may have been deleted in between.
    let mut groups = Vec::new();
    for row in found {
        let Some(group) = rows.iter().find(|group| group.first == row.id) else { continue };
        let count = usize::try_from(group.count).unwrap_or_default();
        groups.push(Group { first: row.read()?, count });
    }
    Ok(groups)
}

/// The user's pending approvals that are like one of them, oldest first.
pub async fn alike(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    like: ApprovalId,
    alike: Alike,
) -> sqlx::Result<Vec<Approval>> {
    let rows = select_approvals!(
        "JOIN approvals l ON l.id = $3 AND l.workspace_id = p.workspace_id AND l.user_id = p.user_id
             AND (l.action_id = p.action_id OR $4 = 'message')
         WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.status = 'pending'
           AND p.approvers IS NULL
           AND CASE $4 WHEN 'agent' THEN p.backend_id = l.backend_id AND p.agent_id = l.agent_id
                   WHEN 'conversation' THEN p.backend_id = l.backend_id AND p.conversation_id = l.conversation_id
                       AND p.own_conversation = l.own_conversation
                   WHEN 'action' THEN true
                   WHEN 'message' THEN p.backend_id = l.backend_id AND p.conversation_id = l.conversation_id
                       AND p.own_conversation = l.own_conversation
                       AND p.slack_channel IS NOT DISTINCT FROM l.slack_channel
                       AND p.slack_thread_ts IS NOT DISTINCT FROM l.slack_thread_ts END
         ORDER BY p.user_id, p.id LIMIT $5",
        workspace.uuid(),
        user.as_str(),
        like.uuid(),
        alike.as_str(),
        MOST
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(ApprovalRow::read).collect::<Result<_, _>>()?)
}
