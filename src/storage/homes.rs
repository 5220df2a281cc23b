//! The table `homes`: who has opened the Home tab, and where on it they are. Only theirs is drawn again.

use super::PgConnection;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{outbox::BREATHER, stored::CorruptRow};
use crate::domain::{
    ids::{UserId, WorkspaceId},
    overview::Place,
};

/// Whoever opened their Home tab this long ago may still be looking at it. Opening it again draws it anew in any case.
const LOOKING: TimeDelta = TimeDelta::days(7);

/// Whose Home tabs have to follow a change, of those that were opened within [`LOOKING`] or are the user's own.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// These users'.
    Users(&'a [UserId]),
    /// Those that were last drawn for an admin.
    Admins,
    /// The same, drawn together with other such changes: those that are about to be drawn anyway are left out.
    AdminsSoon,
    /// All of the workspace.
    Everybody,
}

/// Notes that somebody opened their Home tab; they begin at its first pages.
pub async fn open(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO homes (workspace_id, user_id, opened_at) VALUES ($1, $2, $3)
         ON CONFLICT (workspace_id, user_id) DO UPDATE SET opened_at = excluded.opened_at, place = '{}'",
        workspace.uuid(),
        user.as_str(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where somebody is on their Home tab, and whether it was last drawn for an admin. `None`: they never opened it.
pub async fn place(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
) -> sqlx::Result<Option<(Place, bool)>> {
    let row = sqlx::query!(
        "SELECT place, admin FROM homes WHERE workspace_id = $1 AND user_id = $2",
        workspace.uuid(),
        user.as_str()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((read(workspace, user, row.place)?, row.admin)))
}

/// Where somebody is on their Home tab, locked: two quick clicks turn one page after the other.
pub async fn lock_place(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
) -> sqlx::Result<Option<Place>> {
    let place = sqlx::query_scalar!(
        "SELECT place FROM homes WHERE workspace_id = $1 AND user_id = $2 FOR UPDATE",
        workspace.uuid(),
        user.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(place.map(|place| read(workspace, user, place)).transpose()?)
}

/// Reads the column `place`.
fn read(workspace: WorkspaceId, user: &UserId, place: serde_json::Value) -> Result<Place, CorruptRow> {
    let corrupt = |_| CorruptRow::new("homes", "place", &format!("{workspace} {user}"));
    serde_json::from_value(place).map_err(corrupt)
}

/// Notes where somebody is now.
pub async fn move_to(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    place: Place,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE homes SET place = $3 WHERE workspace_id = $1 AND user_id = $2",
        workspace.uuid(),
        user.as_str(),
        Json(place) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes whether a Home tab was drawn for an admin.
pub async fn note_admin(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    admin: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE homes SET admin = $3 WHERE workspace_id = $1 AND user_id = $2 AND admin <> $3",
        workspace.uuid(),
        user.as_str(),
        admin
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those whose Home tab was last drawn for an admin.
pub async fn admins(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Vec<UserId>> {
    let users = sqlx::query_scalar!(
        "SELECT user_id FROM homes WHERE workspace_id = $1 AND admin ORDER BY user_id",
        workspace.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(users.into_iter().map(UserId::from_stored).collect())
}

/// Has Home tabs drawn again. The last statement of its transaction: whoever draws then sees all of it.
pub async fn refresh(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    whose: Whose<'_>,
    now: DateTime<Utc>,
    mut fresh: impl FnMut() -> Uuid,
) -> sqlx::Result<()> {
    let soon = matches!(whose, Whose::AdminsSoon);
    let (users, admins): (Option<Vec<String>>, bool) = match whose {
        Whose::Users([]) => return Ok(()),
        Whose::Users(users) => (Some(users.iter().map(ToString::to_string).collect()), false),
        Whose::Admins | Whose::AdminsSoon => (None, true),
        Whose::Everybody => (None, false),
    };
    let due = if soon { now + BREATHER } else { now };
    let open = sqlx::query_scalar!(
        "SELECT h.user_id FROM homes h WHERE h.workspace_id = $1
           AND (h.user_id = ANY($2) OR ($2 IS NULL AND h.opened_at > $6)) AND (NOT $3 OR h.admin)
           AND (NOT $4 OR NOT EXISTS (SELECT 1 FROM outbox o
               WHERE o.queue = 'home:' || $1::uuid || ':' || h.user_id AND o.done_at IS NULL AND o.dead_at IS NULL
                 AND o.lease IS NULL AND o.due_at > $5))",
        workspace.uuid(),
        users.as_deref(),
        admins,
        soon,
        now,
        now - LOOKING
    )
    .fetch_all(&mut *db)
    .await?;
    if open.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = open.iter().map(|_| fresh()).collect();
    sqlx::query!(
        r#"WITH queued AS (
               INSERT INTO outbox (id, workspace_id, kind, queue, user_id, created_at, due_at)
               SELECT h.id, $1, 'home', 'home:' || $1::uuid || ':' || h.user_id, h.user_id, $2, $5
               FROM unnest($3::uuid[], $4::text[]) AS h (id, user_id) RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told FROM queued LIMIT 1"#,
        workspace.uuid(),
        now,
        &ids,
        &open,
        due
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}
