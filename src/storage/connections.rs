//! The table `connections`: which user has connected which integration, as the backend reported.

use super::PgConnection;
use chrono::{DateTime, Utc};

use crate::domain::ids::{IntegrationId, UserId};

/// Notes that the user connected the integration. `false`: it was so already.
pub async fn insert(
    db: &mut PgConnection,
    integration: IntegrationId,
    user: &UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO connections (integration_id, user_id, connected_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        integration.uuid(),
        user.as_str(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the user disconnected the integration; waits for those who are giving or using a grant on the
/// strength of it. `false`: it was not connected.
pub async fn delete(db: &mut PgConnection, integration: IntegrationId, user: &UserId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM connections WHERE integration_id = $1 AND user_id = $2",
        integration.uuid(),
        user.as_str()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
