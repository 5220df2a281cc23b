//! The tables `unlock_requests`, `unlock_askers` and `unlock_messages`.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        audit::ActorKind,
        ids::{ActionId, ActionVersionId, BackendId, UnlockRequestId, UserId, WorkspaceId},
        overview::{Asker, UnlockLine},
        unlock_answer::{Resolution, Resolved},
        unlocking::{Asking, OpenRequest, Resolutions},
    },
    storage::{
        PgConnection,
        effects::Recorded,
        stored::CorruptRow,
        tables::{actions::unlocked_for, prompts::Prompt, versions},
    },
};

/// How far back it is counted what an asker decided.
const LOOKING_BACK: TimeDelta = TimeDelta::days(30);
/// How many askers are read; the others are counted.
const ASKERS: i64 = 10;

/// The open requests for these actions, and who asked. The actions' rows are locked by the caller, which orders all who
/// ask and answer.
pub async fn open_of(db: &mut PgConnection, actions: &[ActionId]) -> sqlx::Result<Vec<OpenRequest>> {
    let actions: Vec<Uuid> = actions.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT r.id, array_agg(k.user_id ORDER BY k.asked_at, k.user_id) AS "askers!"
           FROM unlock_requests r JOIN unlock_askers k ON k.request_id = r.id
           WHERE r.action_id = ANY($1) AND r.answered_at IS NULL GROUP BY r.id ORDER BY r.id"#,
        &actions
    )
    .fetch_all(db)
    .await?;
    let open = rows.into_iter().map(|row| OpenRequest {
        id: UnlockRequestId::new(row.id),
        askers: row.askers.into_iter().map(UserId::from_stored).collect(),
    });
    Ok(open.collect())
}

/// Notes that a user asks, and makes the request if they are the first.
pub async fn ask(db: &mut PgConnection, asking: &Recorded<Asking>, now: DateTime<Utc>) -> sqlx::Result<()> {
    if asking.is_new {
        sqlx::query!(
            "INSERT INTO unlock_requests (id, workspace_id, action_id, created_at) VALUES ($1, $2, $3, $4)",
            asking.request.uuid(),
            asking.workspace.uuid(),
            asking.action.uuid(),
            now
        )
        .execute(&mut *db)
        .await?;
    }
    sqlx::query!(
        "INSERT INTO unlock_askers (request_id, user_id, asked_at) VALUES ($1, $2, $3)",
        asking.request.uuid(),
        asking.user.as_str(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The action of a request of this workspace.
pub async fn action_of(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    request: UnlockRequestId,
) -> sqlx::Result<Option<ActionId>> {
    let id = sqlx::query_scalar!(
        "SELECT action_id FROM unlock_requests WHERE id = $1 AND workspace_id = $2",
        request.uuid(),
        workspace.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(ActionId::new))
}

/// How a request was answered, if it was. Its action's row is locked by the caller.
pub async fn answer_of(db: &mut PgConnection, request: UnlockRequestId) -> sqlx::Result<Option<Resolved>> {
    let row = sqlx::query!(
        "SELECT answer, answered_by, answered_at FROM unlock_requests WHERE id = $1",
        request.uuid()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(answered(request, row.answer.as_deref(), row.answered_by.as_deref(), row.answered_at)?)
}

/// Reads the columns that are set when a request is answered. `None`: it is open.
fn answered(
    request: UnlockRequestId,
    answer: Option<&str>,
    by: Option<&str>,
    at: Option<DateTime<Utc>>,
) -> Result<Option<Resolved>, CorruptRow> {
    let corrupt = |column| CorruptRow::new("unlock_requests", column, &request);
    let Some(answer) = answer else {
        return if at.is_none() { Ok(None) } else { Err(corrupt("answer")) };
    };
    let answer = Resolution::from_stored(answer).ok_or_else(|| corrupt("answer"))?;
    let at = at.ok_or_else(|| corrupt("answered_at"))?;
    // A Slack user, or the kind of an actor that is none.
    let by = by.ok_or_else(|| corrupt("answered_by"))?;
    let user = UserId::parse(by);
    if user.is_none() && ActorKind::from_stored(by).is_none() && by.parse::<BackendId>().is_err() {
        return Err(corrupt("answered_by"));
    }
    Ok(Some(Resolved { answer, by: user, at }))
}

/// Answers requests.
pub async fn answer<T: AsRef<Resolutions>>(
    db: &mut PgConnection,
    change: &Recorded<T>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let Resolutions { requests, answer, by } = change.as_ref();
    if requests.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = requests.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "UPDATE unlock_requests SET answered_at = $4, answered_by = $3, answer = $2 WHERE id = ANY($1)",
        &ids,
        answer.as_str(),
        by,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A request as admins see it.
pub async fn line(
    db: &mut PgConnection,
    request: UnlockRequestId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<UnlockLine>> {
    let row = sqlx::query!(
        r#"SELECT r.action_id, r.workspace_id, r.answer, r.answered_by, r.answered_at, i.key AS integration,
                  a.key AS action, v.id AS version, v.integration_name, v.name AS action_name, v.description,
                  v.read_only, v.destructive, v.risk, a.unlocked_for,
                  (SELECT count(*) FROM unlock_askers k WHERE k.request_id = r.id) AS "asked!"
           FROM unlock_requests r JOIN actions a ON a.id = r.action_id JOIN integrations i ON i.id = a.integration_id
           JOIN action_versions v ON v.id = a.version_id
           WHERE r.id = $1"#,
        request.uuid()
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let askers = sqlx::query!(
        r#"SELECT k.user_id, k.asked_at, count(*) FILTER (WHERE p.status = 'approved') AS "approved!",
                  count(*) FILTER (WHERE p.status = 'denied') AS "denied!"
           FROM unlock_askers k
           LEFT JOIN approvals p ON p.workspace_id = $2 AND p.user_id = k.user_id AND p.action_id = $3
                AND p.decided_by = 'user' AND p.decided_at > $4
                -- Says nothing more, except to the planner: that approvals_decided_later has them.
                AND (p.decided_by <> 'auto' OR p.status <> 'approved')
           WHERE k.request_id = $1 GROUP BY k.user_id, k.asked_at ORDER BY k.asked_at, k.user_id LIMIT $5"#,
        request.uuid(),
        row.workspace_id,
        row.action_id,
        now - LOOKING_BACK,
        ASKERS
    )
    .fetch_all(db)
    .await?;
    let askers = askers.into_iter().map(|row| Asker {
        user: UserId::from_stored(row.user_id),
        asked_at: row.asked_at,
        approved: row.approved.unsigned_abs(),
        denied: row.denied.unsigned_abs(),
    });
    Ok(Some(UnlockLine {
        id: request,
        action: ActionId::new(row.action_id),
        path: format!("{}.{}", row.integration, row.action),
        version: ActionVersionId::new(row.version),
        integration_name: row.integration_name,
        action_name: row.action_name,
        description: row.description,
        impact: versions::impact(
            ActionVersionId::new(row.version),
            row.read_only,
            row.destructive,
            row.risk.as_deref(),
        )?,
        askers: askers.collect(),
        asked: usize::try_from(row.asked).unwrap_or_default(),
        answered: answered(request, row.answer.as_deref(), row.answered_by.as_deref(), row.answered_at)?,
        unlocked: unlocked_for(ActionId::new(row.action_id), row.unlocked_for.as_deref())?,
    }))
}

/// The open requests of a workspace, oldest first.
pub async fn open(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Vec<UnlockRequestId>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM unlock_requests WHERE workspace_id = $1 AND answered_at IS NULL ORDER BY id",
        workspace.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(UnlockRequestId::new).collect())
}

/// An admin's message about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Who got it.
    pub user: UserId,
    /// Where it is.
    pub channel: String,
    /// Its `ts`.
    pub ts: String,
}

/// The messages about a request, those included that were found later.
pub async fn messages(db: &mut PgConnection, request: UnlockRequestId) -> sqlx::Result<Vec<Posted>> {
    let rows = sqlx::query!(
        r#"SELECT user_id AS "user_id!", channel AS "channel!", ts AS "ts!" FROM unlock_messages WHERE request_id = $1
           UNION SELECT user_id, channel, ts FROM unlock_messages_found WHERE request_id = $1 ORDER BY 1, 3"#,
        request.uuid()
    )
    .fetch_all(db)
    .await?;
    let posted = rows.into_iter().map(|row| Posted {
        user: UserId::from_stored(row.user_id),
        channel: row.channel,
        ts: row.ts,
    });
    Ok(posted.collect())
}

/// Records a message that the service did not know, if its request belongs to this workspace, and returns the
/// workspace. `None` if the message is known already.
pub async fn adopt(
    db: &mut PgConnection,
    slack_id: &str,
    request: UnlockRequestId,
    admin: &UserId,
    place: &Prompt,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<WorkspaceId>> {
    let adopted = sqlx::query_scalar!(
        "WITH found AS (
             INSERT INTO unlock_messages_found (request_id, user_id, channel, ts, found_at)
             SELECT r.id, $3, $4, $5, $6 FROM unlock_requests r JOIN workspaces w ON w.id = r.workspace_id
             WHERE r.id = $1 AND w.slack_id = $2 AND NOT EXISTS (
                 SELECT 1 FROM unlock_messages m WHERE m.request_id = r.id AND m.channel = $4 AND m.ts = $5)
             ON CONFLICT DO NOTHING RETURNING request_id)
         SELECT r.workspace_id FROM unlock_requests r JOIN found f ON f.request_id = r.id",
        request.uuid(),
        slack_id,
        admin.as_str(),
        place.channel,
        place.ts,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(adopted.map(WorkspaceId::new))
}

/// Remembers a message.
pub async fn remember(
    db: &mut PgConnection,
    request: UnlockRequestId,
    posted: &Posted,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO unlock_messages (request_id, user_id, channel, ts, posted_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (request_id, user_id) DO NOTHING",
        request.uuid(),
        posted.user.as_str(),
        posted.channel,
        posted.ts,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
