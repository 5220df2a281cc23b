//! The table `connections`: which user has connected which integration, as the backend reported.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        connections::{ConnectionChange, Report},
        ids::{IntegrationId, UserId},
    },
    storage::{PgConnection, effects::Recorded, tables::turns},
};

/// Locks a connection, and says whether there is one. Those who are giving or using a grant on the strength of it are
/// waited for. The caller has locked the user ([`crate::storage::tables::members::lock`]), so that none is added.
pub async fn lock(db: &mut PgConnection, integration: IntegrationId, user: &UserId) -> sqlx::Result<bool> {
    turns::at_connection(db, integration.uuid(), user.as_str()).await?;
    let row = sqlx::query!(
        "SELECT user_id FROM connections WHERE integration_id = $1 AND user_id = $2 FOR UPDATE",
        integration.uuid(),
        user.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Adds or removes a connection.
pub async fn save(
    db: &mut PgConnection,
    change: &Recorded<ConnectionChange>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (integration, user) = (change.integration.uuid(), change.user.as_str());
    match change.report {
        Report::Connected => {
            sqlx::query!(
                "INSERT INTO connections (integration_id, user_id, connected_at) VALUES ($1, $2, $3)",
                integration,
                user,
                now
            )
            .execute(db)
            .await?;
        }
        Report::Disconnected => {
            sqlx::query!(
                "DELETE FROM connections WHERE integration_id = $1 AND user_id = $2",
                integration,
                user
            )
            .execute(db)
            .await?;
        }
    }
    Ok(())
}
