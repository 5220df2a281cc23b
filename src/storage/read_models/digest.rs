//! What ran without asking a user, for their digest.
//!
//! Each statement reads the user's own approvals between two ids, through the index `approvals_user`, and at most so many
//! of them. A grant decides an approval at the moment of the ask, so the id says when the call ran.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        digest::{Digest, LiveGrant, Ran, Sample, Unusual},
        digests::{FAMILIAR, Window},
        grants::SILENCE,
        ids::{ActionId, ApprovalId, GrantId, UserId, WorkspaceId, id_bound},
        templates::Template,
    },
    storage::{
        PgConnection, stored,
        stored::CorruptRow,
        tables::{
            approvals,
            conversations::shown_id,
            grants::{NarrowingRow, Open},
        },
    },
};

/// The most calls of a window that are counted.
const COUNTED: i64 = 10_000;
/// The most earlier approvals that a call is compared with.
const COMPARED: i64 = 5_000;
/// The most calls of a window whose targets are compared.
const TARGETS: i64 = 2_000;
/// The most agents and actions that are returned.
const GROUPS: i64 = 100;

/// Which of these users had calls in their windows that ran without asking, in the order of the users.
pub async fn ran(
    db: &mut PgConnection,
    windows: &[(WorkspaceId, UserId, Window)],
) -> sqlx::Result<Vec<bool>> {
    let workspaces: Vec<Uuid> = windows.iter().map(|(workspace, ..)| workspace.uuid()).collect();
    let users: Vec<String> = windows.iter().map(|(_, user, _)| user.to_string()).collect();
    let from: Vec<Uuid> = windows.iter().map(|(.., window)| id_bound(window.from)).collect();
    let until: Vec<Uuid> = windows.iter().map(|(.., window)| id_bound(window.until)).collect();
    sqlx::query_scalar!(
        r#"SELECT coalesce((
               SELECT true FROM approvals p
               WHERE p.workspace_id = u.workspace_id AND p.user_id >= u.user_id AND p.user_id <= u.user_id
                 AND p.id >= u.start AND p.id < u.finish AND p.decided_by = 'auto' AND p.status = 'approved'
               ORDER BY p.user_id, p.id LIMIT 1), false) AS "ran!"
           FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) WITH ORDINALITY
               AS u (workspace_id, user_id, start, finish, number)
           ORDER BY u.number"#,
        &workspaces,
        &users,
        &from,
        &until
    )
    .fetch_all(db)
    .await
}

/// A row of calls by agent and action.
struct Group {
    agent_id: String,
    agent_name: Option<String>,
    action_id: Uuid,
    calls: i64,
    failed: i64,
    is_first_use: bool,
    newest: Uuid,
    newest_failed: Option<Uuid>,
    newest_grant: Option<Uuid>,
    grants: i64,
    all_groups: i64,
    all_calls: i64,
}

/// What ran in a window.
pub async fn digest(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    window: &Window,
    open: Open<'_>,
) -> sqlx::Result<Digest> {
    let groups = groups(db, workspace, user, window).await?;
    let number = |count: i64, column| stored::count(count, || CorruptRow::new("approvals", column, user));
    let calls = groups.first().map_or(0, |first| first.all_calls);
    let mut digest = Digest {
        from: window.from,
        until: window.until,
        ran: Vec::new(),
        groups: number(groups.first().map_or(0, |first| first.all_groups), "action_id")?,
        calls: number(calls, "id")?,
        more: calls >= COUNTED,
    };
    let actions: Vec<Uuid> = groups.iter().map(|group| group.action_id).collect();
    let names = names(db, &actions).await?;
    let targets = new_targets(db, workspace, user, window, &names).await?;
    let grants: Vec<Uuid> = groups.iter().filter_map(|group| group.newest_grant).collect();
    let live = live(db, workspace, user, &grants, window.until, open).await?;
    let samples: Vec<(usize, Unusual, ApprovalId)> = groups
        .iter()
        .enumerate()
        .flat_map(|(at, group)| {
            let failed = group.newest_failed.map(|id| (at, Unusual::Failed, ApprovalId::new(id)));
            let first = group.is_first_use.then(|| (at, Unusual::FirstUse, ApprovalId::new(group.newest)));
            let new = targets.get(&(group.agent_id.clone(), group.action_id)).filter(|_| first.is_none());
            let new = new.map(|(_, id)| (at, Unusual::NewTarget, ApprovalId::new(*id)));
            // The failed call stands for both.
            let other = first.or(new).filter(|(.., id)| failed.is_none_or(|(.., failed)| failed != *id));
            failed.into_iter().chain(other)
        })
        .collect();
    let ids: Vec<ApprovalId> = samples.iter().map(|(.., id)| *id).collect();
    let found = approvals::find_all(db, &ids).await?;
    for (at, group) in groups.into_iter().enumerate() {
        let Some(action) = names.get(&group.action_id) else { continue };
        let new = targets.get(&(group.agent_id.clone(), group.action_id)).filter(|_| !group.is_first_use);
        let own = samples.iter().filter(|(of, ..)| *of == at);
        let samples = own.filter_map(|(_, unusual, id)| {
            let approval = found.get(id)?.as_ref().inspect_err(|row| row.log()).ok()?.clone();
            Some(Sample { unusual: *unusual, approval })
        });
        digest.ran.push(Ran {
            agent: group.agent_name.unwrap_or(group.agent_id),
            integration: action.integration.clone(),
            action: action.action.clone(),
            calls: number(group.calls, "id")?,
            failed: number(group.failed, "id")?,
            is_first_use: group.is_first_use,
            new_targets: new.map_or(Ok(0), |(count, _)| number(*count, "arguments"))?,
            samples: samples.collect(),
            grant: group.newest_grant.and_then(|id| live.get(&id).cloned()),
            other_grants: number(group.grants, "decision_grant")?.saturating_sub(1),
        });
    }
    // The targets become known only here.
    digest.ran.sort_by_key(|ran| (!ran.is_unusual(), ran.failed == 0, std::cmp::Reverse(ran.calls)));
    Ok(digest)
}

async fn groups(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    window: &Window,
) -> sqlx::Result<Vec<Group>> {
    sqlx::query_as!(
        Group,
        r#"-- ran: the calls of the window, the newest first.
           -- before: the actions of the approvals before it.
           -- The results are looked up by their keys: LATERAL with LIMIT, whatever the statistics say.
           WITH ran AS MATERIALIZED (
               SELECT p.id, p.agent_id, p.agent_name, p.action_id, p.decision_grant FROM approvals p
               WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.id >= $3 AND p.id < $4
                 AND p.decided_by = 'auto' AND p.status = 'approved'
               ORDER BY p.user_id DESC, p.id DESC LIMIT $6),
           before AS MATERIALIZED (
               SELECT DISTINCT latest.action_id FROM (
                   SELECT p.action_id, p.status FROM approvals p
                   WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.id >= $5 AND p.id < $3
                   ORDER BY p.user_id DESC, p.id DESC LIMIT $7) latest
               WHERE latest.status = 'approved')
           SELECT r.agent_id, max(r.agent_name) AS agent_name, r.action_id, count(*) AS "calls!",
                  count(*) FILTER (WHERE o.status = 'failed') AS "failed!",
                  r.action_id NOT IN (SELECT b.action_id FROM before b) AS "is_first_use!",
                  (array_agg(r.id ORDER BY r.id DESC))[1] AS "newest!",
                  (array_agg(r.id ORDER BY r.id DESC) FILTER (WHERE o.status = 'failed'))[1] AS newest_failed,
                  (array_agg(r.decision_grant ORDER BY r.id DESC))[1] AS newest_grant,
                  count(DISTINCT r.decision_grant) AS "grants!", count(*) OVER () AS "all_groups!",
                  (sum(count(*)) OVER ())::bigint AS "all_calls!"
           FROM ran r LEFT JOIN LATERAL (
               SELECT o.status FROM approval_results o WHERE o.approval_id = r.id LIMIT 1) o ON true
           GROUP BY r.agent_id, r.action_id
           ORDER BY count(*) FILTER (WHERE o.status = 'failed') > 0 DESC,
                    r.action_id NOT IN (SELECT b.action_id FROM before b) DESC, count(*) DESC, r.agent_id, r.action_id
           LIMIT $8"#,
        workspace.uuid(),
        user.as_str(),
        id_bound(window.from),
        id_bound(window.until),
        id_bound(window.from - FAMILIAR),
        COUNTED,
        COMPARED,
        GROUPS
    )
    .fetch_all(db)
    .await
}

/// An action's names, and the arguments that its title names.
struct Named {
    integration: String,
    action: String,
    places: Vec<String>,
}

async fn names(db: &mut PgConnection, actions: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Named>> {
    let rows = sqlx::query!(
        "SELECT a.id, d.integration_name, d.name, d.title
         FROM actions a JOIN action_versions d ON d.id = a.version_id WHERE a.id = ANY($1)",
        actions
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let corrupt = || CorruptRow::new("action_versions", "title", &ActionId::new(row.id));
        let title = row.title.map(|title| Template::new(title).map_err(|_| corrupt())).transpose()?;
        let places = title.iter().flat_map(Template::places).map(str::to_owned).collect();
        Ok((row.id, Named { integration: row.integration_name, action: row.name, places }))
    });
    Ok(rows.collect::<Result<_, CorruptRow>>()?)
}

/// By agent and action, how many targets are new, and the oldest call with one.
type NewTargets = HashMap<(String, Uuid), (i64, Uuid)>;

async fn new_targets(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    window: &Window,
    names: &HashMap<Uuid, Named>,
) -> sqlx::Result<NewTargets> {
    let places =
        names.iter().flat_map(|(action, named)| named.places.iter().map(|place| (*action, place.clone())));
    let (actions, places): (Vec<Uuid>, Vec<String>) = places.unzip();
    if actions.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"-- places: the arguments that each action's title names, in its order.
           -- ran, before: the calls of the window and the approvals before it, without what their arguments were deleted
           --              from.
           -- targets: a digest of these arguments of each. The cast to text reads arguments that Postgres can't take
           --          apart, those with \u0000, as they are.
           WITH places AS MATERIALIZED (
               SELECT t.action_id, t.place, t.number FROM unnest($6::uuid[], $7::text[]) WITH ORDINALITY
                   AS t (action_id, place, number)),
           ran AS MATERIALIZED (
               SELECT p.id, p.agent_id, p.action_id, p.arguments FROM approvals p
               WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.id >= $3 AND p.id < $4
                 AND p.decided_by = 'auto' AND p.status = 'approved' AND p.contents_deleted_at IS NULL
               ORDER BY p.user_id DESC, p.id DESC LIMIT $8),
           before AS MATERIALIZED (
               SELECT p.id, p.action_id, coalesce(p.edited_arguments, p.arguments) AS arguments, p.status FROM approvals p
               WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.id >= $5 AND p.id < $3
                 AND p.contents_deleted_at IS NULL
               ORDER BY p.user_id DESC, p.id DESC LIMIT $9),
           targets AS MATERIALIZED (
               SELECT c.id, c.agent_id, c.action_id, sha256(convert_to(
                   CASE WHEN strpos(c.arguments::text, '\u0000') > 0 THEN c.arguments::text ELSE (
                       SELECT string_agg(coalesce((c.arguments -> l.place)::text, ''), E'\n' ORDER BY l.number)
                       FROM places l WHERE l.action_id = c.action_id) END, 'UTF8')) AS target
               FROM (SELECT id, agent_id, action_id, arguments FROM ran
                     UNION ALL
                     SELECT id, NULL, action_id, arguments FROM before WHERE status = 'approved') c
               WHERE c.action_id IN (SELECT l.action_id FROM places l))
           SELECT t.agent_id AS "agent_id!", t.action_id AS "action_id!", count(DISTINCT t.target) AS "count!",
                  (array_agg(t.id ORDER BY t.id))[1] AS "oldest!"
           FROM targets t
           WHERE t.agent_id IS NOT NULL AND NOT EXISTS (SELECT FROM targets b
               WHERE b.agent_id IS NULL AND b.action_id = t.action_id AND b.target = t.target)
           GROUP BY t.agent_id, t.action_id"#,
        workspace.uuid(),
        user.as_str(),
        id_bound(window.from),
        id_bound(window.until),
        id_bound(window.from - FAMILIAR),
        &actions,
        &places,
        TARGETS,
        COMPARED
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.agent_id, row.action_id), (row.count, row.oldest))).collect())
}

/// Those of these grants that are the user's and live.
async fn live(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    ids: &[Uuid],
    now: DateTime<Utc>,
    open: Open<'_>,
) -> sqlx::Result<HashMap<Uuid, LiveGrant>> {
    let rows = sqlx::query!(
        r#"SELECT g.id, g.scope, v.title AS "title?", v.id AS "conversation_id?", g.backend_id, g.agent_id,
                  g.agent_name, g.expires_at, g.max_uses, g.uses_left, g.fixed_values
           FROM grants g LEFT JOIN conversations v ON v.backend_id = g.backend_id AND v.id = g.conversation_id
           WHERE g.id = ANY($1) AND g.workspace_id = $2 AND g.user_id = $3 AND g.revoked_at IS NULL
             AND (g.expires_at IS NULL OR g.expires_at > $5) AND (g.uses_left IS NULL OR g.uses_left > 0)
             AND (g.conversation_id IS NULL OR (v.closed_at IS NULL AND v.last_asked_at > $4))"#,
        ids,
        workspace.uuid(),
        user.as_str(),
        now - SILENCE,
        now
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let narrowing = NarrowingRow {
            backend_id: row.backend_id,
            agent_id: row.agent_id,
            agent_name: row.agent_name,
            expires_at: row.expires_at,
            max_uses: row.max_uses,
            uses_left: row.uses_left,
            fixed_values: row.fixed_values,
        };
        let narrowing = narrowing.read(row.id, &row.scope, open)?;
        let conversation = row.title.or_else(|| row.conversation_id.as_deref().map(shown_id));
        Ok((row.id, LiveGrant { id: GrantId::new(row.id), conversation, narrowing }))
    });
    Ok(rows.collect::<Result<_, CorruptRow>>()?)
}
