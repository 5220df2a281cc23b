//! The table `homes`: the users who have opened the Home tab, and the pages that they are on. Only their tabs are
//! updated.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;

use crate::{
    domain::{
        homes::{HomeAudience, Urgency},
        ids::{UserId, WorkspaceId, id_bound},
        overview::Place,
    },
    storage::{PgConnection, stored::CorruptRow},
};

/// How long after its last opening a Home tab is kept up to date. Opening it again renders it in any case.
const LOOKING: TimeDelta = TimeDelta::days(7);

/// Records that a user opened their Home tab, at its first pages.
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

/// The pages that a user's Home tab is on, and whether it was last rendered for an admin. `None` if they never opened
/// it.
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

/// The pages that a user's Home tab is on, locked, so that two quick clicks are applied one after another.
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

/// Stores the pages that a user's Home tab is on.
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

/// Records whether a Home tab was rendered for an admin.
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

/// Users whose Home tab was last rendered for an admin.
pub async fn admins(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Vec<UserId>> {
    let users = sqlx::query_scalar!(
        "SELECT user_id FROM homes WHERE workspace_id = $1 AND admin ORDER BY user_id",
        workspace.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(users.into_iter().map(UserId::from_stored).collect())
}

/// The Home tabs that a transaction updates in one workspace.
#[derive(Debug, Default)]
pub(in crate::storage) struct Homes {
    all_users: bool,
    admins: bool,
    admins_soon: bool,
    users: Vec<String>,
    users_soon: Vec<String>,
}

impl Homes {
    pub(in crate::storage) fn add(&mut self, audience: HomeAudience) {
        match audience {
            HomeAudience::Nobody => {}
            HomeAudience::Users(users, Urgency::Now) => {
                self.users.extend(users.iter().map(ToString::to_string));
            }
            HomeAudience::Users(users, Urgency::Soon) => {
                self.users_soon.extend(users.iter().map(ToString::to_string));
            }
            HomeAudience::Admins(Urgency::Now) => self.admins = true,
            HomeAudience::Admins(Urgency::Soon) => self.admins_soon = true,
            HomeAudience::UsersAndAdmins(users) => {
                self.admins = true;
                self.users.extend(users.iter().map(ToString::to_string));
            }
            HomeAudience::AllUsers => self.all_users = true,
        }
    }

    /// The users among them who have opened their Home tab, and how soon each is updated. A tab that is about to be
    /// updated anyway gets no second, less urgent update.
    pub(in crate::storage) async fn opened(
        self,
        db: &mut PgConnection,
        workspace: WorkspaceId,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Vec<(String, Urgency)>> {
        let Self { all_users, admins, admins_soon, users, users_soon } = self;
        if !(all_users || admins || admins_soon) && users.is_empty() && users_soon.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query!(
            r#"SELECT h.user_id, h.at_once AS "at_once!" FROM (
                   SELECT h.user_id,
                          h.user_id = ANY($3) OR (h.opened_at > $8 AND ($5 OR ($6 AND h.admin))) AS at_once,
                          h.user_id = ANY($4) OR (h.opened_at > $8 AND $7 AND h.admin) AS soon
                   FROM homes h WHERE h.workspace_id = $1) h
               WHERE h.at_once OR (h.soon AND NOT EXISTS (SELECT 1 FROM outbox o
                   WHERE o.queue = 'home:' || $1::uuid || ':' || h.user_id AND o.done_at IS NULL AND o.dead_at IS NULL
                     AND o.lease IS NULL AND o.due_at > $2 AND o.id >= $9))
               ORDER BY h.user_id"#,
            workspace.uuid(),
            now,
            &users,
            &users_soon,
            all_users,
            admins,
            admins_soon,
            now - LOOKING,
            id_bound(now - TimeDelta::days(1))
        )
        .fetch_all(db)
        .await?;
        let urgency = |at_once| if at_once { Urgency::Now } else { Urgency::Soon };
        Ok(rows.into_iter().map(|row| (row.user_id, urgency(row.at_once))).collect())
    }
}
