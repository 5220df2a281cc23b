//! What a user sees of their own.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        approvals::Approval,
        grants::SILENCE,
        ids::{ActionId, ActionVersionId, GrantId, IntegrationId, UserId, WorkspaceId},
        overview::{ActionLine, DecisionLine, GrantLine, IntegrationLine, Page, Section, SettingLine},
    },
    storage::{
        PgConnection,
        read_models::overview::window::{number, window},
        stored,
        stored::CorruptRow,
        tables::{
            actions::unlocked_for,
            approvals::{ApprovalRow, select_approvals},
            conversations::shown_id,
            grants::{NarrowingRow, Open, standing_scope},
            prompts, versions,
        },
    },
};

/// How many of the user's latest approvals are searched for those of one action.
const SEARCHED: i64 = 5_000;

/// The most actions of an integration, and grants under them, that are read to cut a page out of.
const MOST: i64 = 1_000;

/// The user's approvals that ended, newest ending first: all, or those of one action among the latest [`SEARCHED`]. More
/// than `depth` are neither counted nor paged.
///
/// Approvals by a grant ended as they were asked, so their ids order them. Of the few others the index
/// `approvals_decided_later` knows when they ended. An index that knew it of all would cost every ask a write.
pub async fn decisions(
    db: &mut PgConnection,
    (workspace, user): (WorkspaceId, &UserId),
    action: Option<ActionId>,
    (wanted, per_page): (usize, usize),
    depth: usize,
) -> sqlx::Result<Page<DecisionLine>> {
    let action = action.map(ActionId::uuid);
    let total = sqlx::query_scalar!(
        // The inner limit bounds what a filter reads. Without one, the outer limit ends it long before.
        r#"SELECT count(*) AS "count!" FROM (
               SELECT 1 FROM (SELECT action_id FROM approvals
                   WHERE workspace_id = $1 AND user_id >= $2 AND user_id <= $2 AND decided_at IS NOT NULL
                   ORDER BY user_id DESC, id DESC LIMIT $5) AS latest
               WHERE $4::uuid IS NULL OR action_id = $4 LIMIT $3) AS recent"#,
        workspace.uuid(),
        user.as_str(),
        i64::try_from(depth).unwrap_or(i64::MAX),
        action,
        SEARCHED
    )
    .fetch_one(&mut *db)
    .await?;
    let (page, first) = Page::<()>::locate(wanted, number(total), per_page);
    let (first, size) =
        (i64::try_from(first).unwrap_or(i64::MAX), i64::try_from(per_page).unwrap_or(i64::MAX));
    let rows = select_approvals!(
        // asked: those asked last, as many as are wanted. An approval by a grant that is not among them has as many
        //        after it that ended later, because whatever was asked later ended later.
        // later: those that ended last of the ones that did not end as they were asked.
        @ "WITH asked AS (
               SELECT id FROM (SELECT user_id, id, action_id FROM approvals
                   WHERE workspace_id = $1 AND user_id >= $2 AND user_id <= $2 AND decided_at IS NOT NULL
                   ORDER BY user_id DESC, id DESC LIMIT $6) AS latest
               WHERE $5::uuid IS NULL OR action_id = $5
               ORDER BY user_id DESC, id DESC LIMIT $3::bigint + $4::bigint),
           later AS (
               SELECT id FROM (SELECT id, decided_at, action_id FROM approvals
                   WHERE workspace_id = $1 AND user_id = $2 AND decided_at IS NOT NULL
                     AND (decided_by <> 'auto' OR status <> 'approved')
                   ORDER BY decided_at DESC LIMIT $6) AS latest
               WHERE $5::uuid IS NULL OR action_id = $5
               ORDER BY decided_at DESC LIMIT $3::bigint + $4::bigint),
           found AS MATERIALIZED (SELECT id FROM asked UNION SELECT id FROM later)
           ";
        // An array, so that each is looked up by its id, whatever Postgres thinks that a limit lets through. The bounds
        // leave out the partitions in which none of them can be.
        "WHERE p.id = ANY(ARRAY(SELECT id FROM found))
           AND p.id >= (SELECT id FROM found ORDER BY id LIMIT 1)
           AND p.id <= (SELECT id FROM found ORDER BY id DESC LIMIT 1)
         ORDER BY p.decided_at DESC, p.id DESC LIMIT $3 OFFSET $4",
        workspace.uuid(),
        user.as_str(),
        size,
        first,
        action,
        SEARCHED
    )
    .fetch_all(&mut *db)
    .await?;
    let approvals = rows.into_iter().map(ApprovalRow::read).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = approvals.iter().map(Approval::id).collect();
    let mut messages = prompts::first(db, &ids).await?;
    let lines = approvals.into_iter().map(|approval| {
        let message = messages.remove(&approval.id());
        DecisionLine { approval, message }
    });
    Ok(Page::new(lines.collect(), page, number(total), per_page))
}

/// A row of grants beside what they are for.
struct GrantRow {
    id: uuid::Uuid,
    action_id: uuid::Uuid,
    integration: String,
    action: String,
    integration_name: String,
    action_name: String,
    scope: String,
    conversation_title: Option<String>,
    conversation_id: Option<String>,
    is_title_shared: bool,
    paused: bool,
    created_at: DateTime<Utc>,
    use_count: i64,
    last_used_at: Option<DateTime<Utc>>,
    backend_id: Option<uuid::Uuid>,
    agent_id: Option<String>,
    agent_name: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    max_uses: Option<i32>,
    uses_left: Option<i32>,
    fixed_values: Option<Vec<u8>>,
}

impl GrantRow {
    fn read(self, open: Open<'_>) -> Result<GrantLine, CorruptRow> {
        let id = GrantId::new(self.id);
        let narrowing = NarrowingRow {
            backend_id: self.backend_id,
            agent_id: self.agent_id,
            agent_name: self.agent_name,
            expires_at: self.expires_at,
            max_uses: self.max_uses,
            uses_left: self.uses_left,
            fixed_values: self.fixed_values,
        };
        let conversation_id = self.conversation_id.as_deref().map(shown_id);
        Ok(GrantLine {
            id,
            action: ActionId::new(self.action_id),
            path: format!("{}.{}", self.integration, self.action),
            integration_name: self.integration_name,
            action_name: self.action_name,
            scope: standing_scope(self.id, &self.scope)?,
            narrowing: narrowing.read(self.id, &self.scope, open)?,
            conversation: self.conversation_title.or_else(|| conversation_id.clone()),
            conversation_id: conversation_id.filter(|_| self.is_title_shared),
            paused: self.paused,
            created_at: self.created_at,
            use_count: stored::count(self.use_count, || CorruptRow::new("grants", "use_count", &id))?,
            last_used_at: self.last_used_at,
        })
    }
}

/// Selects live grants of a user, newest first: those that a request would be approved by. One whose scope is unknown is
/// among them, so that it is an error and isn't left out.
macro_rules! select_grants {
    ($db:expr, $workspace:expr, $user:expr, $now:expr, $integration:expr, $without:expr, $limit:expr, $offset:expr) => {
        sqlx::query_as!(
            GrantRow,
            r#"SELECT g.id, g.action_id, i.key AS integration, a.key AS action, d.integration_name,
                      d.name AS action_name, g.scope, v.title AS "conversation_title?", v.id AS "conversation_id?",
                      -- Whether the user's grants are for several conversations of this title.
                      coalesce(min(v.id) OVER titled <> max(v.id) OVER titled, false) AS "is_title_shared!",
                      (a.confirmed_version_id IS DISTINCT FROM a.version_id) AS "paused!", g.created_at,
                      u.use_count AS "use_count!", u.last_used_at, g.backend_id, g.agent_id, g.agent_name,
                      g.expires_at, g.max_uses, g.uses_left, g.fixed_values
               FROM grants g JOIN used_grants u ON u.id = g.id
               JOIN actions a ON a.id = g.action_id JOIN integrations i ON i.id = a.integration_id
               JOIN action_versions d ON d.id = a.version_id
               LEFT JOIN conversations v ON v.backend_id = g.backend_id AND v.id = g.conversation_id
               WHERE g.workspace_id = $1 AND g.user_id = $2 AND g.revoked_at IS NULL
                 AND (g.expires_at IS NULL OR g.expires_at > $8) AND (g.uses_left IS NULL OR g.uses_left > 0)
                 AND (g.conversation_id IS NULL OR (v.closed_at IS NULL AND v.last_asked_at > $3))
                 AND ($4::uuid IS NULL OR a.integration_id = $4) AND ($5::text IS NULL OR g.scope <> $5)
               WINDOW titled AS (PARTITION BY v.title)
               ORDER BY g.id DESC LIMIT $6 OFFSET $7"#,
            $workspace.uuid(),
            $user.as_str(),
            $now - SILENCE,
            $integration,
            $without,
            $limit,
            $offset,
            $now
        )
        .fetch_all($db)
    };
}

/// The user's live grants, newest first.
pub async fn grants(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    wanted: usize,
    now: DateTime<Utc>,
    open: Open<'_>,
) -> sqlx::Result<Page<GrantLine>> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM grants g
           LEFT JOIN conversations v ON v.backend_id = g.backend_id AND v.id = g.conversation_id
           WHERE g.workspace_id = $1 AND g.user_id = $2 AND g.revoked_at IS NULL
             AND (g.expires_at IS NULL OR g.expires_at > $4) AND (g.uses_left IS NULL OR g.uses_left > 0)
             AND (g.conversation_id IS NULL OR (v.closed_at IS NULL AND v.last_asked_at > $3))"#,
        workspace.uuid(),
        user.as_str(),
        now - SILENCE,
        now
    )
    .fetch_one(&mut *db)
    .await?;
    let (page, first, size) = window(Section::Grants, wanted, total);
    let (integration, without) = (None::<uuid::Uuid>, None::<&str>);
    let rows = select_grants!(db, workspace, user, now, integration, without, size, first).await?;
    let lines = rows.into_iter().map(|row| row.read(open)).collect::<Result<_, _>>()?;
    Ok(Page::new(lines, page, number(total), Section::Grants.size()))
}

/// Selects integrations as a user sees them; the tail says which.
macro_rules! select_integrations {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            IntegrationRow,
            r#"SELECT i.id, i.key, i.name, i.requires_connection, i.connect_url,
                      EXISTS (SELECT 1 FROM connections c WHERE c.integration_id = i.id AND c.user_id = $2)
                          AS "connected!",
                      (SELECT count(*) FROM actions a WHERE a.integration_id = i.id AND a.retired_at IS NULL)
                          AS "actions!",
                      (SELECT count(*) FROM actions a WHERE a.integration_id = i.id AND a.unlocked_at IS NOT NULL
                         AND a.confirmed_version_id = a.version_id) AS "unlocked!",
                      (SELECT count(*) FROM grants g JOIN actions a ON a.id = g.action_id
                       WHERE a.integration_id = i.id AND g.workspace_id = $1 AND g.user_id = $2
                         AND g.revoked_at IS NULL AND g.scope = 'always') AS "always!"
               FROM integrations i WHERE i.workspace_id = $1 "# + $tail
            $(, $arg)*
        )
    };
}

/// A row of integrations as a user sees them.
struct IntegrationRow {
    id: uuid::Uuid,
    key: String,
    name: String,
    requires_connection: bool,
    connect_url: Option<String>,
    connected: bool,
    actions: i64,
    unlocked: i64,
    always: i64,
}

impl From<IntegrationRow> for IntegrationLine {
    fn from(row: IntegrationRow) -> Self {
        Self {
            id: IntegrationId::new(row.id),
            key: row.key,
            name: row.name,
            requires_connection: row.requires_connection,
            connected: row.connected,
            connect_url: row.connect_url,
            actions: number(row.actions),
            unlocked: number(row.unlocked),
            always: number(row.always),
        }
    }
}

/// The workspace's integrations for this user: those that they can use first, then by name.
pub async fn integrations(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    wanted: usize,
) -> sqlx::Result<Page<IntegrationLine>> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM integrations WHERE workspace_id = $1"#,
        workspace.uuid()
    )
    .fetch_one(&mut *db)
    .await?;
    let (page, first, size) = window(Section::Integrations, wanted, total);
    let rows = select_integrations!(
        "ORDER BY (i.requires_connection AND NOT EXISTS (SELECT 1 FROM connections c
             WHERE c.integration_id = i.id AND c.user_id = $2)), lower(i.name), i.key LIMIT $3 OFFSET $4",
        workspace.uuid(),
        user.as_str(),
        size,
        first
    )
    .fetch_all(db)
    .await?;
    let lines = rows.into_iter().map(IntegrationLine::from).collect();
    Ok(Page::new(lines, page, number(total), Section::Integrations.size()))
}

/// One integration of the workspace for this user.
pub async fn integration(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    id: IntegrationId,
) -> sqlx::Result<Option<IntegrationLine>> {
    let row = select_integrations!("AND i.id = $3", workspace.uuid(), user.as_str(), id.uuid())
        .fetch_optional(db)
        .await?;
    Ok(row.map(IntegrationLine::from))
}

/// What stands behind an integration's gear: its actions, unlocked ones first, each above its live grants
/// that are for a conversation or narrowed.
pub async fn settings(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    id: IntegrationId,
    now: DateTime<Utc>,
    open: Open<'_>,
) -> sqlx::Result<Vec<SettingLine>> {
    let actions = sqlx::query!(
        r#"SELECT a.id, a.key, v.id AS version, v.name, v.description, v.read_only, v.destructive,
                  v.risk, a.unlocked_for, (a.must_read_at IS NOT NULL) AS "must_read!",
                  coalesce(a.confirmed_version_id <> v.id, true) AS "unconfirmed!",
                  EXISTS (SELECT 1 FROM grants g WHERE g.workspace_id = $1 AND g.user_id = $2 AND g.action_id = a.id
                      AND g.revoked_at IS NULL AND g.scope = 'always') AS "always!",
                  EXISTS (SELECT 1 FROM unlock_requests r JOIN unlock_askers k ON k.request_id = r.id
                      WHERE r.action_id = a.id AND r.answered_at IS NULL AND k.user_id = $2) AS "requested!"
           FROM actions a JOIN integrations i ON i.id = a.integration_id JOIN action_versions v ON v.id = a.version_id
           WHERE i.workspace_id = $1 AND i.id = $3 AND a.retired_at IS NULL
           ORDER BY (a.unlocked_at IS NULL), lower(v.name), a.key LIMIT $4"#,
        workspace.uuid(),
        user.as_str(),
        id.uuid(),
        MOST
    )
    .fetch_all(&mut *db)
    .await?;
    // The toggle above them shows the *always* grant.
    let (integration, without) = (Some(id.uuid()), Some("always"));
    let grants = select_grants!(db, workspace, user, now, integration, without, MOST, 0).await?;
    let grants: Vec<GrantLine> = grants.into_iter().map(|row| row.read(open)).collect::<Result<_, _>>()?;
    let actions = actions.into_iter().map(|row| {
        let version = ActionVersionId::new(row.version);
        Ok(ActionLine {
            id: ActionId::new(row.id),
            version,
            key: row.key,
            name: row.name,
            description: row.description,
            impact: versions::impact(version, row.read_only, row.destructive, row.risk.as_deref())?,
            changed: row.unlocked_for.is_some() && row.unconfirmed,
            unlocked: unlocked_for(ActionId::new(row.id), row.unlocked_for.as_deref())?,
            must_read: row.must_read,
            always: row.always,
            requested: row.requested,
            grants: 0,
        })
    });
    let actions: Vec<ActionLine> = actions.collect::<Result<_, CorruptRow>>()?;
    let lines = actions.into_iter().flat_map(|action| {
        let own: Vec<SettingLine> = grants
            .iter()
            .filter(|grant| grant.action == action.id)
            .cloned()
            .map(SettingLine::Grant)
            .collect();
        std::iter::once(SettingLine::Action(action)).chain(own)
    });
    Ok(lines.collect())
}
