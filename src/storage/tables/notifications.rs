//! The table `notifications`: what users chose, and where their digests stand.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        digests::Window,
        ids::{UserId, WorkspaceId},
        local_time::Zone,
        notifications::{Hour, Preferences, QuietHours},
    },
    storage::{
        PgConnection,
        stored::{CorruptRow, readable},
    },
};

/// A user's choices as stored. Slack's name of a time zone may be newer than this program's list of them, and counts as
/// none: what it decides is only the hour of a message.
struct Choices {
    reminders: bool,
    digest: bool,
    quiet_from: Option<i16>,
    quiet_until: Option<i16>,
    time_zone: Option<String>,
}

impl Choices {
    fn read(self, key: &impl ToString) -> Result<Preferences, CorruptRow> {
        let hour = |hour: i16| u8::try_from(hour).ok().and_then(Hour::new);
        let quiet = match self.quiet_from.zip(self.quiet_until) {
            None => None,
            Some((from, until)) => {
                let quiet =
                    hour(from).zip(hour(until)).and_then(|(from, until)| QuietHours::new(from, until));
                Some(quiet.ok_or_else(|| CorruptRow::new("notifications", "quiet_from", key))?)
            }
        };
        let zone = self.time_zone.as_deref().and_then(Zone::parse);
        Ok(Preferences { reminders: self.reminders, digest: self.digest, quiet, zone })
    }
}

/// A user's choices.
pub async fn find(db: &mut PgConnection, workspace: WorkspaceId, user: &UserId) -> sqlx::Result<Preferences> {
    let choices = sqlx::query_as!(
        Choices,
        r#"SELECT coalesce(n.reminders, true) AS "reminders!", coalesce(n.digest, true) AS "digest!",
                  n.quiet_from AS "quiet_from?", n.quiet_until AS "quiet_until?",
                  coalesce(p.time_zone, n.time_zone) AS time_zone
           FROM workspaces w
           LEFT JOIN notifications n ON n.workspace_id = w.id AND n.user_id = $2
           LEFT JOIN profiles p ON p.workspace = w.slack_id AND p.user_id = $2
           WHERE w.id = $1"#,
        workspace.uuid(),
        user.as_str()
    )
    .fetch_optional(db)
    .await?;
    let Some(choices) = choices else { return Ok(Preferences::default()) };
    Ok(choices.read(user)?)
}

/// Locks a user's choices. The row is written if there was none.
pub async fn lock(db: &mut PgConnection, workspace: WorkspaceId, user: &UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO notifications (workspace_id, user_id) VALUES ($1, $2)
         ON CONFLICT (workspace_id, user_id) DO UPDATE SET user_id = excluded.user_id",
        workspace.uuid(),
        user.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Saves a user's choices, which are locked.
pub async fn save(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    preferences: &Preferences,
) -> sqlx::Result<()> {
    let hour = |hour: Hour| i16::from(hour.number());
    sqlx::query!(
        "UPDATE notifications SET reminders = $3, digest = $4, quiet_from = $5, quiet_until = $6
         WHERE workspace_id = $1 AND user_id = $2",
        workspace.uuid(),
        user.as_str(),
        preferences.reminders,
        preferences.digest,
        preferences.quiet.map(|quiet| hour(quiet.from())),
        preferences.quiet.map(|quiet| hour(quiet.until()))
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds the users who gave a grant since an id was made, so that they get digests. Returns how many.
pub async fn discover(db: &mut PgConnection, since: Uuid, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "INSERT INTO notifications AS n (workspace_id, user_id, digest_due_at)
         SELECT DISTINCT g.workspace_id, g.user_id, $2::timestamptz FROM grants g
         WHERE g.id >= $1 AND NOT EXISTS (SELECT FROM notifications k WHERE k.workspace_id = g.workspace_id
             AND k.user_id = g.user_id AND k.digest_due_at IS NOT NULL)
         ORDER BY g.workspace_id, g.user_id
         ON CONFLICT (workspace_id, user_id) DO UPDATE SET digest_due_at = excluded.digest_due_at
             WHERE n.digest_due_at IS NULL",
        since,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// A user whose time zone is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unzoned {
    /// The user's workspace.
    pub workspace: WorkspaceId,
    /// Slack's id of the workspace.
    pub slack_id: String,
    /// The user's id.
    pub user: UserId,
}

/// Up to `limit` users whose digest is due and whose time zone has to be looked up.
pub async fn unzoned(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<Unzoned>> {
    let rows = sqlx::query!(
        "SELECT n.workspace_id, w.slack_id, n.user_id FROM notifications n
         JOIN workspaces w ON w.id = n.workspace_id AND w.removed_at IS NULL
         LEFT JOIN profiles p ON p.workspace = w.slack_id AND p.user_id = n.user_id
         WHERE n.digest_due_at <= $1 AND coalesce(p.time_zone, n.time_zone) IS NULL
         ORDER BY n.digest_due_at LIMIT $2",
        now,
        limit
    )
    .fetch_all(db)
    .await?;
    let read = |workspace, slack_id, user| Unzoned {
        workspace: WorkspaceId::new(workspace),
        slack_id,
        user: UserId::from_stored(user),
    };
    Ok(rows.into_iter().map(|row| read(row.workspace_id, row.slack_id, row.user_id)).collect())
}

/// Stores a user's time zone.
pub async fn set_zone(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    zone: Zone,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE notifications SET time_zone = $3 WHERE workspace_id = $1 AND user_id = $2",
        workspace.uuid(),
        user.as_str(),
        zone.name()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says when to look at a user's digest again. `None`: never.
pub async fn postpone(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    until: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE notifications SET digest_due_at = $3 WHERE workspace_id = $1 AND user_id = $2",
        workspace.uuid(),
        user.as_str(),
        until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A user whose digest is due.
#[derive(Debug)]
pub struct Due {
    /// The user's workspace.
    pub workspace: WorkspaceId,
    /// The user's id.
    pub user: UserId,
    /// Whether the app was removed from the workspace.
    pub removed: bool,
    /// What the user chose.
    pub preferences: Preferences,
    /// The last window that ended.
    pub last: Option<Window>,
}

/// Locks up to `limit` users whose digest is due and whose time zone is known. Skips those that another instance is
/// looking at. A row that can't be read is logged, and looked at again in an hour.
pub async fn due(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<Due>> {
    let rows = sqlx::query!(
        r#"SELECT n.workspace_id, n.user_id, n.reminders, n.digest, n.quiet_from, n.quiet_until, n.digest_day,
                  n.digest_from, n.digest_until, w.removed_at IS NOT NULL AS "removed!",
                  coalesce(p.time_zone, n.time_zone) AS time_zone
           FROM notifications n JOIN workspaces w ON w.id = n.workspace_id
           LEFT JOIN profiles p ON p.workspace = w.slack_id AND p.user_id = n.user_id
           WHERE n.digest_due_at <= $1
             AND (coalesce(p.time_zone, n.time_zone) IS NOT NULL OR w.removed_at IS NOT NULL)
           ORDER BY n.digest_due_at LIMIT $2 FOR UPDATE OF n SKIP LOCKED"#,
        now,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(readable(rows.into_iter().map(|row| {
        let choices = Choices {
            reminders: row.reminders,
            digest: row.digest,
            quiet_from: row.quiet_from,
            quiet_until: row.quiet_until,
            time_zone: row.time_zone,
        };
        let preferences = choices.read(&row.user_id)?;
        let window = row.digest_day.zip(row.digest_from.zip(row.digest_until));
        Ok(Due {
            workspace: WorkspaceId::new(row.workspace_id),
            user: UserId::from_stored(row.user_id),
            removed: row.removed,
            preferences,
            last: window.map(|(day, (from, until))| Window { day, from, until }),
        })
    })))
}

/// What was planned for a user.
#[derive(Debug)]
pub struct Planned {
    /// The user's workspace.
    pub workspace: WorkspaceId,
    /// The user's id.
    pub user: UserId,
    /// The time zone that it was planned in.
    pub zone: Zone,
    /// The window that ended, if one did.
    pub window: Option<Window>,
    /// When to look again.
    pub next: DateTime<Utc>,
}

/// Saves what was planned for users, whose rows are locked.
pub async fn save_plans(db: &mut PgConnection, plans: &[Planned]) -> sqlx::Result<()> {
    let workspaces: Vec<Uuid> = plans.iter().map(|plan| plan.workspace.uuid()).collect();
    let users: Vec<String> = plans.iter().map(|plan| plan.user.to_string()).collect();
    let zones: Vec<String> = plans.iter().map(|plan| plan.zone.name().to_owned()).collect();
    let next: Vec<DateTime<Utc>> = plans.iter().map(|plan| plan.next).collect();
    let days: Vec<Option<NaiveDate>> =
        plans.iter().map(|plan| plan.window.map(|window| window.day)).collect();
    let from: Vec<Option<DateTime<Utc>>> =
        plans.iter().map(|plan| plan.window.map(|window| window.from)).collect();
    let until: Vec<Option<DateTime<Utc>>> =
        plans.iter().map(|plan| plan.window.map(|window| window.until)).collect();
    sqlx::query!(
        "UPDATE notifications n SET time_zone = p.zone, digest_due_at = p.next,
             digest_day = coalesce(p.day, n.digest_day), digest_from = coalesce(p.start, n.digest_from),
             digest_until = coalesce(p.finish, n.digest_until)
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::date[], $6::timestamptz[],
             $7::timestamptz[]) AS p (workspace_id, user_id, zone, next, day, start, finish)
         WHERE n.workspace_id = p.workspace_id AND n.user_id = p.user_id",
        &workspaces,
        &users,
        &zones,
        &next,
        &days as _,
        &from as _,
        &until as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The window of a user's digest that was not sent. `None` if there is none, or if the user no longer wants one.
pub async fn unsent(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
) -> sqlx::Result<Option<Window>> {
    let row = sqlx::query!(
        r#"SELECT digest_day AS "day!", digest_from AS "start!", digest_until AS "finish!" FROM notifications
           WHERE workspace_id = $1 AND user_id = $2 AND digest AND digest_day IS NOT NULL
             AND digest_sent_day IS DISTINCT FROM digest_day"#,
        workspace.uuid(),
        user.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Window { day: row.day, from: row.start, until: row.finish }))
}

/// Notes that a user's digest of a day is being sent. Of several attempts it returns `true` for one.
pub async fn take(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    day: NaiveDate,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE notifications SET digest_sent_day = digest_day
         WHERE workspace_id = $1 AND user_id = $2 AND digest AND digest_day = $3
           AND digest_sent_day IS DISTINCT FROM digest_day",
        workspace.uuid(),
        user.as_str(),
        day
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a digest was not sent after all, and may be tried again.
pub async fn give_back(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    day: NaiveDate,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE notifications SET digest_sent_day = NULL
         WHERE workspace_id = $1 AND user_id = $2 AND digest_sent_day = $3",
        workspace.uuid(),
        user.as_str(),
        day
    )
    .execute(db)
    .await?;
    Ok(())
}
