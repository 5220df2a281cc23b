//! The table `conversations`. Asking writes it, in [`crate::storage::statements::create_approval::save`].

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        conversations::Closed,
        ids::{BackendId, WorkspaceId},
        own_keys::ConversationKey,
    },
    storage::{PgConnection, effects::Recorded},
};

/// The id of a conversation's row as people are shown it: without the user whose own the conversation is.
pub(in crate::storage) fn shown_id(stored: &str) -> String {
    ConversationKey::from_stored(BackendId::new(Uuid::nil()), stored).id().as_str().to_owned()
}

/// Locks a conversation, and says whether it is closed. `None`: no request was made in it.
pub async fn lock(db: &mut PgConnection, conversation: &ConversationKey) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"SELECT closed_at IS NOT NULL AS "closed!" FROM conversations WHERE backend_id = $1 AND id = $2
           FOR NO KEY UPDATE"#,
        conversation.backend().uuid(),
        conversation.stored_id()
    )
    .fetch_optional(db)
    .await
}

/// Closes a conversation.
pub async fn close(db: &mut PgConnection, closed: &Recorded<Closed>, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE conversations SET closed_at = $3 WHERE backend_id = $1 AND id = $2",
        closed.conversation.backend().uuid(),
        closed.conversation.stored_id(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A conversation with live grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// Where it belongs.
    pub workspace: WorkspaceId,
    /// What identifies it.
    pub conversation: ConversationKey,
}

/// Locks up to `limit` conversations with live grants that have had no request since `since`. Skips those that another
/// transaction has locked.
pub async fn lock_silent(
    db: &mut PgConnection,
    since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Silent>> {
    let rows = sqlx::query!(
        "SELECT b.workspace_id, v.backend_id, v.id FROM conversations v JOIN backends b ON b.id = v.backend_id
         JOIN workspaces w ON w.id = b.workspace_id
         WHERE v.last_asked_at <= $1 AND (EXISTS (SELECT 1 FROM grants g
                 WHERE g.backend_id = v.backend_id AND g.conversation_id = v.id AND g.scope = 'conversation'
                   AND g.revoked_at IS NULL)
             OR EXISTS (SELECT 1 FROM grants g
                 WHERE g.backend_id = v.backend_id AND g.conversation_id = v.id AND g.scope = 'narrowed_conversation'
                   AND g.revoked_at IS NULL))
         ORDER BY v.backend_id, v.id LIMIT $2
         FOR KEY SHARE OF w SKIP LOCKED FOR NO KEY UPDATE OF v SKIP LOCKED",
        since,
        limit
    )
    .fetch_all(db)
    .await?;
    let silent = rows.into_iter().map(|row| Silent {
        workspace: WorkspaceId::new(row.workspace_id),
        conversation: ConversationKey::from_stored(BackendId::new(row.backend_id), &row.id),
    });
    Ok(silent.collect())
}
