//! The table `grants`. A click writes it, in [`crate::storage::statements::decide::save`]; asking counts its uses, in [`crate::storage::statements::create_approval::save`].

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        grants::Scope,
        ids::{ActionId, GrantId, IntegrationId, UserId, WorkspaceId},
        own_keys::ConversationKey,
        revocation::{Revocable, Revoked},
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow},
};

/// Which live grants to end.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter<'a> {
    /// Only this one.
    pub id: Option<GrantId>,
    /// Only those of this user.
    pub user: Option<&'a UserId>,
    /// Only those for these actions.
    pub actions: Option<&'a [ActionId]>,
    /// Only those for actions of this integration.
    pub integration: Option<IntegrationId>,
    /// Only those of users who don't have it connected.
    pub unconnected: bool,
    /// Only those for more than one conversation, as far as their scope can be read.
    pub beyond_conversations: bool,
    /// Only those in this conversation.
    pub conversation: Option<&'a ConversationKey>,
}

/// Whose a grant of this workspace is, if it is live.
pub async fn owner(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: GrantId,
) -> sqlx::Result<Option<UserId>> {
    let user = sqlx::query_scalar!(
        "SELECT user_id FROM grants WHERE id = $1 AND workspace_id = $2 AND revoked_at IS NULL",
        id.uuid(),
        workspace.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(user.map(UserId::from_stored))
}

/// Locks live grants of a workspace, to end them. Requests that are using one are waited for. One whose scope can't be
/// read is ended like the others, and logged: an error would leave all of them live.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    filter: &GrantFilter<'_>,
) -> sqlx::Result<Vec<Revocable>> {
    let actions: Option<Vec<Uuid>> = filter.actions.map(|ids| ids.iter().map(|id| id.uuid()).collect());
    let rows = sqlx::query!(
        r#"SELECT id, user_id, action_id, scope FROM grants WHERE workspace_id = $1 AND revoked_at IS NULL
             AND ($2::uuid IS NULL OR id = $2)
             AND ($3::text IS NULL OR user_id = $3)
             AND ($4::uuid[] IS NULL OR action_id = ANY($4))
             AND ($5::uuid IS NULL OR action_id IN (SELECT a.id FROM actions a WHERE a.integration_id = $5))
             AND ($6::uuid IS NULL OR (backend_id = $6 AND conversation_id = $7))
             AND (NOT $8 OR NOT EXISTS (SELECT 1 FROM connections c
                 WHERE c.integration_id = $5 AND c.user_id = grants.user_id))
             AND (NOT $9 OR scope <> 'conversation')
           ORDER BY id FOR UPDATE"#,
        workspace.uuid(),
        filter.id.map(GrantId::uuid),
        filter.user.map(UserId::as_str),
        actions.as_deref(),
        filter.integration.map(IntegrationId::uuid),
        filter.conversation.map(|conversation| conversation.backend().uuid()),
        filter.conversation.map(ConversationKey::stored_id),
        filter.unconnected,
        filter.beyond_conversations,
    )
    .fetch_all(db)
    .await?;
    let live = rows.into_iter().map(|row| Revocable {
        id: GrantId::new(row.id),
        user: UserId::from_stored(row.user_id),
        action: ActionId::new(row.action_id),
        scope: standing_scope(row.id, &row.scope).inspect_err(CorruptRow::log).ok(),
    });
    Ok(live.collect())
}

/// Ends grants that [`lock`] locked.
pub async fn revoke<T: AsRef<Revoked>>(
    db: &mut PgConnection,
    change: &Recorded<T>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let Revoked { grants, by, why } = change.as_ref();
    let ids: Vec<Uuid> = grants.iter().map(|grant| grant.id.uuid()).collect();
    sqlx::query!(
        "UPDATE grants SET revoked_at = $2, revoked_by = $3, revoked_why = $4 WHERE id = ANY($1)",
        &ids,
        now,
        by,
        why.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Reads the column `scope` of a grant. None is for one call only.
pub(in crate::storage) fn standing_scope(grant: Uuid, stored: &str) -> Result<Scope, CorruptRow> {
    let scope = Scope::from_stored(stored).filter(|scope| *scope != Scope::Once);
    scope.ok_or_else(|| CorruptRow::new("grants", "scope", &GrantId::new(grant)))
}
