//! Slack profiles of users, as last read. All instances share them, so that together they ask Slack once.

use super::{Service, ServiceError};
pub use crate::storage::tables::profiles::KnownProfile;
use crate::{
    domain::{ids::UserId, local_time::Zone, people::Profile},
    storage::tables::profiles,
};

/// The stored profile of a user in the installation with this Slack id, however old.
pub async fn find(
    service: &Service,
    slack_id: &str,
    user: &UserId,
) -> Result<Option<KnownProfile>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(profiles::find(&mut db, slack_id, user).await?)
}

/// Saves a profile from Slack, and the time zone if Slack said one, unless a newer profile is stored.
pub async fn save(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    known: KnownProfile,
    zone: Option<Zone>,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(profiles::save(&mut db, slack_id, user, known, zone).await?)
}

/// Deletes the stored profile of a user, unless it agrees with what an event reported.
pub async fn forget_unless(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    profile: Profile,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(profiles::forget_unless(&mut db, slack_id, user, profile).await?)
}
