//! The table `grants`. A click writes it, in [`super::decide::save`]; asking counts its uses, in [`super::ask::save`].

use super::{PgConnection, stored::CorruptRow};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::{
    grants::{Revocation, Scope},
    ids::{ActionId, BackendId, GrantId, IntegrationId, UserId, WorkspaceId},
    text::ForeignId,
};

/// A grant that was live until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Its id.
    pub id: GrantId,
    /// Whose it was.
    pub user: UserId,
    /// What it permitted.
    pub action: ActionId,
    /// Its scope. A grant whose scope can't be read has ended all the same: what can't be read permits nothing.
    pub scope: Result<Scope, CorruptRow>,
}

impl Revoked {
    /// The scope's name, for the audit. `None`: it can't be read.
    #[must_use]
    pub fn scope_name(&self) -> Option<&'static str> {
        self.scope.as_ref().ok().map(|scope| scope.as_str())
    }

    /// Whether it covered one conversation, and nothing beyond.
    #[must_use]
    pub fn is_for_one_conversation(&self) -> bool {
        self.scope == Ok(Scope::Conversation)
    }
}

/// Which live grants to end.
#[derive(Debug, Clone, Default)]
pub struct Which<'a> {
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
    /// Only those in this conversation of this backend.
    pub conversation: Option<(BackendId, &'a ForeignId)>,
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

/// Ends live grants of a workspace and says which. Requests that are using one are waited for. One whose scope can't be
/// read is ended like the others, and logged: an error would leave all of them live.
pub async fn revoke(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    which: &Which<'_>,
    by: Option<&str>,
    why: Revocation,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Revoked>> {
    let actions: Option<Vec<Uuid>> = which.actions.map(|ids| ids.iter().map(|id| id.uuid()).collect());
    let rows = sqlx::query!(
        r#"UPDATE grants SET revoked_at = $2, revoked_by = $3, revoked_why = $4
           WHERE id IN (
               SELECT id FROM grants WHERE workspace_id = $1 AND revoked_at IS NULL
                 AND ($5::uuid IS NULL OR id = $5)
                 AND ($6::text IS NULL OR user_id = $6)
                 AND ($7::uuid[] IS NULL OR action_id = ANY($7))
                 AND ($8::uuid IS NULL OR action_id IN (SELECT a.id FROM actions a WHERE a.integration_id = $8))
                 AND ($9::uuid IS NULL OR (backend_id = $9 AND conversation_id = $10))
                 AND (NOT $11 OR NOT EXISTS (SELECT 1 FROM connections c
                     WHERE c.integration_id = $8 AND c.user_id = grants.user_id))
               ORDER BY id FOR UPDATE)
           RETURNING id, user_id, action_id, scope"#,
        workspace.uuid(),
        now,
        by,
        why.as_str(),
        which.id.map(GrantId::uuid),
        which.user.map(UserId::as_str),
        actions.as_deref(),
        which.integration.map(IntegrationId::uuid),
        which.conversation.map(|(backend, _)| backend.uuid()),
        which.conversation.map(|(_, id)| id.as_str()),
        which.unconnected,
    )
    .fetch_all(db)
    .await?;
    let revoked = rows.into_iter().map(|row| Revoked {
        id: GrantId::new(row.id),
        user: UserId::from_stored(row.user_id),
        action: ActionId::new(row.action_id),
        scope: standing_scope(row.id, &row.scope).inspect_err(CorruptRow::log),
    });
    Ok(revoked.collect())
}

/// Reads the column `scope` of a grant. None is for one call only.
pub(super) fn standing_scope(grant: Uuid, stored: &str) -> Result<Scope, CorruptRow> {
    let scope = Scope::from_stored(stored).filter(|scope| *scope != Scope::Once);
    scope.ok_or_else(|| CorruptRow::new("grants", "scope", &GrantId::new(grant)))
}
