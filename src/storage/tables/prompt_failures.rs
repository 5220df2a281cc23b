//! The table `prompt_failures`: why Slack did not take prompts.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::{ids::WorkspaceId, overview::PromptFailureLine},
    storage::{PgConnection, stored, stored::CorruptRow},
};

/// How long a failure is shown, and counted together with the next one.
const SHOWN: TimeDelta = TimeDelta::hours(24);
/// How many codes are shown.
const LINES: i64 = 5;

/// Counts one.
pub async fn note(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    code: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO prompt_failures AS f (workspace_id, code, count, last_at) VALUES ($1, $2, 1, $3)
         ON CONFLICT (workspace_id, code) DO UPDATE SET last_at = greatest(f.last_at, $3),
             count = CASE WHEN f.last_at < $4 THEN 1 ELSE f.count + 1 END",
        workspace.uuid(),
        code,
        now,
        now - SHOWN
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those of the last day, newest first.
pub async fn recent(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<PromptFailureLine>> {
    let rows = sqlx::query!(
        "SELECT code, count, last_at FROM prompt_failures WHERE workspace_id = $1 AND last_at >= $2
         ORDER BY last_at DESC, code LIMIT $3",
        workspace.uuid(),
        now - SHOWN,
        LINES
    )
    .fetch_all(db)
    .await?;
    let lines = rows.into_iter().map(|row| {
        let corrupt = || CorruptRow::new("prompt_failures", "count", &format!("{workspace} {}", row.code));
        Ok(PromptFailureLine {
            count: stored::count(row.count, corrupt)?,
            code: row.code,
            last_at: row.last_at,
        })
    });
    lines.collect()
}
