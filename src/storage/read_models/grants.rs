//! The grants of a workspace, of any users.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        grants::SILENCE,
        ids::{ActionId, GrantId, RevocationId, UserId, WorkspaceId},
        overview::{RevokedLine, UserGrantLine},
    },
    storage::{
        PgConnection, stored,
        stored::CorruptRow,
        tables::{
            conversations::shown_id,
            grants::{NarrowingRow, Open, standing_scope},
        },
    },
};

/// Which live grants to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this one.
    pub grant: Option<GrantId>,
    /// Only those of this user.
    pub user: Option<UserId>,
    /// Only those for this action.
    pub action: Option<ActionId>,
    /// Only those that are narrowed to the agent with this id.
    pub agent: Option<String>,
    /// Only those for the conversation that a backend knows by this id, or a user by an id of their own.
    pub conversation: Option<String>,
}

/// Live grants of a workspace, newest first, at most `limit` of those given before `before`, without the first `skip`.
pub async fn list(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    filter: &Filter,
    before: Option<GrantId>,
    now: DateTime<Utc>,
    (skip, limit): (i64, i64),
    open: Open<'_>,
) -> sqlx::Result<Vec<UserGrantLine>> {
    let rows = sqlx::query!(
        r#"SELECT g.id, g.user_id, i.key AS integration, a.key AS action, d.integration_name,
                  d.name AS action_name, g.scope, b.name AS "backend?", v.title AS "title?", v.id AS "conversation_id?",
                  (a.confirmed_version_id IS DISTINCT FROM a.version_id) AS "paused!", g.created_at,
                  u.use_count AS "use_count!", u.last_used_at, g.backend_id, g.agent_id, g.agent_name, g.expires_at,
                  g.max_uses, g.uses_left, g.fixed_values
           FROM grants g JOIN used_grants u ON u.id = g.id
           JOIN actions a ON a.id = g.action_id JOIN integrations i ON i.id = a.integration_id
           JOIN action_versions d ON d.id = a.version_id
           LEFT JOIN conversations v ON v.backend_id = g.backend_id AND v.id = g.conversation_id
           LEFT JOIN backends b ON b.id = g.backend_id
           WHERE g.workspace_id = $1 AND g.revoked_at IS NULL
             AND (g.expires_at IS NULL OR g.expires_at > $9) AND (g.uses_left IS NULL OR g.uses_left > 0)
             AND (g.conversation_id IS NULL OR (v.closed_at IS NULL AND v.last_asked_at > $2))
             AND ($3::text IS NULL OR g.user_id = $3) AND ($4::uuid IS NULL OR g.action_id = $4)
             AND ($5::uuid IS NULL OR g.id < $5) AND ($8::uuid IS NULL OR g.id = $8)
             AND ($10::text IS NULL OR g.agent_id = $10)
             AND ($11::text IS NULL OR g.conversation_id IN ($11, g.user_id || chr(31) || $11))
           ORDER BY g.id DESC LIMIT $6 OFFSET $7"#,
        workspace.uuid(),
        now - SILENCE,
        filter.user.as_ref().map(UserId::as_str),
        filter.action.map(ActionId::uuid),
        before.map(GrantId::uuid),
        limit,
        skip,
        filter.grant.map(GrantId::uuid),
        now,
        filter.agent.as_deref(),
        filter.conversation.as_deref()
    )
    .fetch_all(db)
    .await?;
    let lines = rows.into_iter().map(|row| {
        let id = GrantId::new(row.id);
        let narrowing = NarrowingRow {
            backend_id: row.backend_id,
            agent_id: row.agent_id,
            agent_name: row.agent_name,
            expires_at: row.expires_at,
            max_uses: row.max_uses,
            uses_left: row.uses_left,
            fixed_values: row.fixed_values,
        };
        Ok(UserGrantLine {
            id,
            user: UserId::from_stored(row.user_id),
            path: format!("{}.{}", row.integration, row.action),
            integration_name: row.integration_name,
            action_name: row.action_name,
            scope: standing_scope(row.id, &row.scope)?,
            narrowing: narrowing.read(row.id, &row.scope, open)?,
            backend: row.backend,
            conversation_id: row.conversation_id.as_deref().map(shown_id),
            conversation: named(row.title, row.conversation_id.as_deref()),
            paused: row.paused,
            created_at: row.created_at,
            use_count: stored::count(row.use_count, || CorruptRow::new("grants", "use_count", &id))?,
            last_used_at: row.last_used_at,
        })
    });
    Ok(lines.collect::<Result<_, CorruptRow>>()?)
}

/// A conversation's title, or the caller's id for it. `None` for an *always* grant.
fn named(title: Option<String>, stored_id: Option<&str>) -> Option<String> {
    title.or_else(|| stored_id.map(shown_id))
}

/// A live grant of the workspace.
pub async fn find(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: GrantId,
    now: DateTime<Utc>,
    open: Open<'_>,
) -> sqlx::Result<Option<UserGrantLine>> {
    let filter = Filter { grant: Some(id), ..Filter::default() };
    Ok(list(db, workspace, &filter, None, now, (0, 1), open).await?.pop())
}

/// The grants that a notice names, at most `limit`, and how many there are.
pub async fn of_revocation(
    db: &mut PgConnection,
    id: RevocationId,
    limit: i64,
    open: Open<'_>,
) -> sqlx::Result<(Vec<RevokedLine>, u64)> {
    let rows = sqlx::query!(
        r#"SELECT d.integration_name, d.name AS action_name, v.title AS "title?", v.id AS "conversation_id?",
                  g.scope, g.backend_id, g.agent_id, g.agent_name, g.expires_at, g.max_uses, g.uses_left, g.fixed_values,
                  g.id, count(*) OVER () AS "total!"
           FROM grants g JOIN actions a ON a.id = g.action_id JOIN action_versions d ON d.id = a.version_id
           LEFT JOIN conversations v ON v.backend_id = g.backend_id AND v.id = g.conversation_id
           WHERE g.revocation_id = $1 ORDER BY lower(d.integration_name), lower(d.name), g.id LIMIT $2"#,
        id.uuid(),
        limit
    )
    .fetch_all(db)
    .await?;
    let total = rows.first().map_or(0, |row| row.total.unsigned_abs());
    let lines = rows.into_iter().map(|row| {
        let narrowing = NarrowingRow {
            backend_id: row.backend_id,
            agent_id: row.agent_id,
            agent_name: row.agent_name,
            expires_at: row.expires_at,
            max_uses: row.max_uses,
            uses_left: row.uses_left,
            fixed_values: row.fixed_values,
        };
        Ok(RevokedLine {
            integration_name: row.integration_name,
            action_name: row.action_name,
            conversation: named(row.title, row.conversation_id.as_deref()),
            narrowing: narrowing.read(row.id, &row.scope, open)?,
        })
    });
    Ok((lines.collect::<Result<_, CorruptRow>>()?, total))
}
