//! Users' profiles, as Slack gave them last. All instances share them, so that together they ask Slack once.

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

/// Notes what Slack said, unless what it said later is known.
pub async fn save(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    known: KnownProfile,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(profiles::save(&mut db, slack_id, user, known).await?)
}

/// Deletes the stored profile of a user whose membership changed.
pub async fn forget_unless(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    profile: Profile,
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(profiles::forget_unless(&mut db, slack_id, user, profile).await?)
}
