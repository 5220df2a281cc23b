//! The table `profiles`: users as Slack described them last, for all instances.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        ids::UserId,
        local_time::Zone,
        people::{PersonKind, Profile},
    },
    storage::{PgConnection, stored::CorruptRow},
};

/// A profile, and when Slack was asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownProfile {
    /// What it said.
    pub profile: Profile,
    /// When it was asked.
    pub read_at: DateTime<Utc>,
}

/// What is known of this user in the installation with this Slack id, however old.
pub async fn find(
    db: &mut PgConnection,
    workspace: &str,
    user: &UserId,
) -> sqlx::Result<Option<KnownProfile>> {
    let row = sqlx::query!(
        "SELECT kind, is_admin, read_at FROM profiles WHERE workspace = $1 AND user_id = $2",
        workspace,
        user.as_str()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = || CorruptRow::new("profiles", "kind", &format!("{workspace} {user}"));
    let kind = PersonKind::from_stored(&row.kind).ok_or_else(corrupt)?;
    let profile = Profile { kind, is_admin: row.is_admin };
    Ok(Some(KnownProfile { profile, read_at: row.read_at }))
}

/// Notes what Slack said, and the user's time zone if it said one, unless what it said later is known. What an instance noted whose clock is ahead does not stay
/// for that: no look-up takes a minute.
pub async fn save(
    db: &mut PgConnection,
    workspace: &str,
    user: &UserId,
    known: KnownProfile,
    zone: Option<Zone>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO profiles (workspace, user_id, kind, is_admin, read_at, time_zone) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (workspace, user_id) DO UPDATE
             SET kind = excluded.kind, is_admin = excluded.is_admin, read_at = excluded.read_at,
                 time_zone = coalesce(excluded.time_zone, profiles.time_zone)
             WHERE profiles.read_at <= excluded.read_at OR profiles.read_at > excluded.read_at + interval '1 minute'",
        workspace,
        user.as_str(),
        known.profile.kind.as_str(),
        known.profile.is_admin,
        known.read_at,
        zone.map(Zone::name)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a user's profile if it differs from this one.
pub async fn forget_unless(
    db: &mut PgConnection,
    workspace: &str,
    user: &UserId,
    profile: Profile,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM profiles WHERE workspace = $1 AND user_id = $2 AND (kind <> $3 OR is_admin <> $4)",
        workspace,
        user.as_str(),
        profile.kind.as_str(),
        profile.is_admin
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets what was read before `before`, at most 1,000 people.
pub async fn prune(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM profiles WHERE (workspace, user_id) IN
             (SELECT workspace, user_id FROM profiles WHERE read_at < $1 LIMIT 1000)",
        before
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
