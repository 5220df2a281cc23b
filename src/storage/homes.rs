//! The table `homes`: who has opened the Home tab, and where on it they are. Only theirs is drawn again.

use super::PgConnection;
use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::stored::CorruptRow;
use crate::domain::{
    ids::{UserId, WorkspaceId},
    overview::Place,
};

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
