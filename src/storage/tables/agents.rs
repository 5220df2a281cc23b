//! The table `agents`: those that asked in the last 30 days, where admins see them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        ids::{AgentId, BackendId, WorkspaceId},
        overview::AgentLine,
        pauses::SeenAgent,
        text::Text,
    },
    storage::PgConnection,
};

/// Notes that agents asked, each once. One that is new gets the id that stands at its place in `ids`.
pub async fn note(db: &mut PgConnection, seen: &[SeenAgent], ids: &[Uuid]) -> sqlx::Result<()> {
    let workspaces: Vec<Uuid> = seen.iter().map(|agent| agent.workspace.uuid()).collect();
    let backends: Vec<Uuid> = seen.iter().map(|agent| agent.backend.uuid()).collect();
    let agents: Vec<&str> = seen.iter().map(|agent| agent.agent.as_str()).collect();
    let names: Vec<Option<&str>> = seen.iter().map(|agent| agent.name.as_ref().map(Text::as_str)).collect();
    let times: Vec<DateTime<Utc>> = seen.iter().map(|agent| agent.asked_at).collect();
    sqlx::query!(
        "INSERT INTO agents (id, workspace_id, backend_id, agent_id, name, last_asked_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[])
             AS a (id, workspace_id, backend_id, agent_id, name, last_asked_at)
         -- Two instances that do this at once lock the rows in one order.
         ORDER BY backend_id, agent_id
         ON CONFLICT (backend_id, agent_id) DO UPDATE SET name = coalesce(excluded.name, agents.name),
             last_asked_at = greatest(agents.last_asked_at, excluded.last_asked_at)",
        ids,
        &workspaces,
        &backends,
        &agents as _,
        &names as _,
        &times
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes those of a backend that asked last before its `most` latest: a backend may name an agent for each run.
pub async fn trim(db: &mut PgConnection, backend: BackendId, most: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM agents WHERE id IN (
             SELECT id FROM agents WHERE backend_id = $1 ORDER BY last_asked_at DESC, id OFFSET $2)",
        backend.uuid(),
        most
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes up to 1000 agents that asked last before this time.
pub async fn prune(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM agents WHERE id IN (SELECT id FROM agents WHERE last_asked_at < $1 LIMIT 1000)",
        before
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// The agents of a workspace, those that asked last first.
pub async fn list(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    since: DateTime<Utc>,
    (skip, limit): (i64, i64),
) -> sqlx::Result<Vec<AgentLine>> {
    let rows = sqlx::query!(
        "SELECT a.id, a.backend_id, b.name AS backend_name, a.agent_id, a.name, a.last_asked_at
         FROM agents a JOIN backends b ON b.id = a.backend_id
         WHERE a.workspace_id = $1 AND a.last_asked_at >= $2
         ORDER BY a.last_asked_at DESC, a.id LIMIT $3 OFFSET $4",
        workspace.uuid(),
        since,
        limit,
        skip
    )
    .fetch_all(db)
    .await?;
    let lines = rows.into_iter().map(|row| AgentLine {
        id: AgentId::new(row.id),
        backend: BackendId::new(row.backend_id),
        backend_name: row.backend_name,
        agent: Text::from_stored(row.agent_id),
        name: row.name,
        last_asked_at: row.last_asked_at,
    });
    Ok(lines.collect())
}

/// The agent that an admin clicked.
pub async fn find(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: AgentId,
) -> sqlx::Result<Option<AgentLine>> {
    let row = sqlx::query!(
        "SELECT a.backend_id, b.name AS backend_name, a.agent_id, a.name, a.last_asked_at
         FROM agents a JOIN backends b ON b.id = a.backend_id
         WHERE a.workspace_id = $1 AND a.id = $2",
        workspace.uuid(),
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| AgentLine {
        id,
        backend: BackendId::new(row.backend_id),
        backend_name: row.backend_name,
        agent: Text::from_stored(row.agent_id),
        name: row.name,
        last_asked_at: row.last_asked_at,
    }))
}
