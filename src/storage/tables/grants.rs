//! The table `grants`. A click writes it, in [`crate::storage::statements::decide::save`]. Asking counts down what is left
//! of a number of uses, in [`crate::storage::statements::create_approval::save`]. [`super::grant_uses`] counts the uses.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        approvals::Agent,
        grants::StandingScope,
        ids::{ActionId, BackendId, GrantId, IntegrationId, UserId, WorkspaceId},
        limits::Uses,
        narrowing::{Fixed, FixedValues, Narrowing, UsesLeft},
        own_keys::ConversationKey,
        revocation::{Revocable, Revoked},
        text::Text,
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow},
};

/// Encrypts the values that a grant holds fixed, for its row.
pub type Seal<'a> = &'a (dyn Fn(GrantId, &FixedValues) -> Vec<u8> + Send + Sync);
/// Decrypts and reads them. `None`: they can't be read.
pub type Open<'a> = &'a (dyn Fn(GrantId, &[u8]) -> Option<FixedValues> + Send + Sync);

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

/// Whether this workspace has or had the grant.
pub async fn exists(db: &mut PgConnection, workspace: WorkspaceId, id: GrantId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM grants WHERE id = $1 AND workspace_id = $2) AS "exists!""#,
        id.uuid(),
        workspace.uuid()
    )
    .fetch_one(db)
    .await
}

/// Locks live grants of a workspace, to end them. Requests that are using one are waited for, later ones wait behind this
/// (see [`super::turns`]). One whose scope can't be read is ended like the others, and logged: an error would leave all
/// of them live.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    filter: &GrantFilter<'_>,
) -> sqlx::Result<Vec<Revocable>> {
    let actions: Option<Vec<Uuid>> = filter.actions.map(|ids| ids.iter().map(|id| id.uuid()).collect());
    let rows = sqlx::query!(
        r#"-- found: the grants. taken: turns at them.
           -- Locked in the order in which requests lock them: first the ones without a number of uses.
           WITH found AS MATERIALIZED (
               SELECT g.id, g.workspace_id, g.max_uses IS NOT NULL AS is_limited FROM grants g
               WHERE g.workspace_id = $1 AND g.revoked_at IS NULL
                 AND ($2::uuid IS NULL OR g.id = $2)
                 AND ($3::text IS NULL OR g.user_id = $3)
                 AND ($4::uuid[] IS NULL OR g.action_id = ANY($4))
                 AND ($5::uuid IS NULL OR g.action_id IN (SELECT a.id FROM actions a WHERE a.integration_id = $5))
                 AND ($6::uuid IS NULL OR (g.backend_id = $6 AND g.conversation_id = $7))
                 AND (NOT $8 OR NOT EXISTS (SELECT 1 FROM connections c
                     WHERE c.integration_id = $5 AND c.user_id = g.user_id))
                 AND (NOT $9 OR g.scope NOT IN ('conversation', 'narrowed_conversation'))),
           taken AS MATERIALIZED (
               SELECT pg_advisory_xact_lock(t.turn) FROM (
                   SELECT DISTINCT grant_turn(f.workspace_id, f.id) AS turn FROM found f ORDER BY 1) t)
           SELECT g.id, g.user_id, g.action_id, g.scope FROM (
               SELECT f.id FROM found f WHERE (SELECT count(*) FROM taken) >= 0 ORDER BY f.is_limited, f.id) f
           CROSS JOIN LATERAL (
               SELECT g.id, g.user_id, g.action_id, g.scope FROM grants g
               WHERE g.id = f.id AND g.revoked_at IS NULL FOR UPDATE) g"#,
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
        is_narrowed: StandingScope::from_stored(&row.scope).is_some_and(|(_, is_narrowed)| is_narrowed),
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

/// Grants that are to be ended: why, and those of each workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The grant.
    pub id: GrantId,
    /// Whether its time is over. Otherwise its uses are used up.
    pub is_expired: bool,
}

/// Locks the workspaces of up to `limit` live grants whose time is over or whose uses are used up, and finds these grants.
pub async fn lock_over(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<Over>> {
    let rows = sqlx::query!(
        r#"SELECT g.id, g.workspace_id, coalesce(g.expires_at <= $1, false) AS "is_expired!" FROM (
               (SELECT id FROM grants WHERE expires_at <= $1 AND expires_at IS NOT NULL AND revoked_at IS NULL
                ORDER BY expires_at LIMIT $2)
               UNION
               (SELECT id FROM grants WHERE uses_left = 0 AND revoked_at IS NULL ORDER BY id LIMIT $2)) o
           JOIN grants g ON g.id = o.id JOIN workspaces w ON w.id = g.workspace_id
           -- As lock takes turns at them.
           ORDER BY g.workspace_id, grant_turn(g.workspace_id, g.id), g.id LIMIT $2
           FOR KEY SHARE OF w SKIP LOCKED"#,
        now,
        limit
    )
    .fetch_all(db)
    .await?;
    let over = rows.into_iter().map(|row| Over {
        workspace: WorkspaceId::new(row.workspace_id),
        id: GrantId::new(row.id),
        is_expired: row.is_expired,
    });
    Ok(over.collect())
}

/// Deletes the fixed values of up to 1000 grants that ended before `before`. Returns how many these were.
pub async fn delete_fixed_values(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE grants SET fixed_values = '' WHERE id IN (
             SELECT id FROM grants WHERE revoked_at < $1 AND revoked_at IS NOT NULL AND fixed_values <> ''
             ORDER BY revoked_at LIMIT 1000)",
        before
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Reads the column `scope` of a grant.
pub(in crate::storage) fn standing_scope(grant: Uuid, stored: &str) -> Result<StandingScope, CorruptRow> {
    let scope = StandingScope::from_stored(stored);
    scope.map(|(scope, _)| scope).ok_or_else(|| CorruptRow::new("grants", "scope", &GrantId::new(grant)))
}

/// The columns that say what a grant is narrowed to.
#[derive(Debug, Default)]
pub(in crate::storage) struct NarrowingRow {
    pub(in crate::storage) backend_id: Option<Uuid>,
    pub(in crate::storage) agent_id: Option<String>,
    pub(in crate::storage) agent_name: Option<String>,
    pub(in crate::storage) expires_at: Option<DateTime<Utc>>,
    pub(in crate::storage) max_uses: Option<i32>,
    pub(in crate::storage) uses_left: Option<i32>,
    pub(in crate::storage) fixed_values: Option<Vec<u8>>,
}

impl NarrowingRow {
    /// Reads the columns of a grant of this stored scope. `None`: it is not narrowed. Values that can't be opened are no
    /// error of the row: the grant covers nothing, and can be shown and turned off.
    pub(in crate::storage) fn read(
        self,
        grant: Uuid,
        stored_scope: &str,
        open: Open<'_>,
    ) -> Result<Option<Narrowing>, CorruptRow> {
        let grant = GrantId::new(grant);
        let corrupt = |column| CorruptRow::new("grants", column, &grant);
        let (_, is_narrowed) = StandingScope::from_stored(stored_scope).ok_or_else(|| corrupt("scope"))?;
        if !is_narrowed {
            return Ok(None);
        }
        let number = |stored: i32, column| u16::try_from(stored).map_err(|_| corrupt(column));
        let uses = match (self.max_uses, self.uses_left) {
            (None, None) => None,
            (Some(max), Some(left)) => Some(UsesLeft {
                max: Uses::new(number(max, "max_uses")?).ok_or_else(|| corrupt("max_uses"))?,
                left: number(left, "uses_left")?,
            }),
            (Some(_), None) | (None, Some(_)) => return Err(corrupt("uses_left")),
        };
        let agent = match (self.backend_id, self.agent_id) {
            (_, None) => None,
            (Some(backend), Some(id)) => Some((
                BackendId::new(backend),
                Agent { id: Text::from_stored(id), name: self.agent_name.map(Text::from_stored) },
            )),
            (None, Some(_)) => return Err(corrupt("agent_id")),
        };
        let fixed = match self.fixed_values {
            None => Fixed::Nothing,
            Some(sealed) => open(grant, &sealed).map_or(Fixed::Unreadable, Fixed::Values),
        };
        let narrowing = Narrowing { fixed, agent, until: self.expires_at, uses };
        // A narrowed grant without a limit would cover everything.
        if narrowing.limits().is_none() && narrowing.fixed != Fixed::Unreadable {
            return Err(corrupt("scope"));
        }
        Ok(Some(narrowing))
    }
}
