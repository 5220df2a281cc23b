//! Slack profiles of users, as last read. All instances share them, so that together they ask Slack once.

use super::{Service, ServiceError};
pub use crate::storage::tables::profiles::KnownProfile;
use crate::{
    domain::{ids::UserId, people::Profile},
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

/// Saves a profile from Slack, unless a newer one is stored.
pub async fn save(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    known: KnownProfile,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(profiles::save(&mut db, slack_id, user, known).await?)
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
