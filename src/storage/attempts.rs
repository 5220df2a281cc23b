//! The table `attempts`, as it is read: it is written by [`super::outbox::finish`].

use super::PgConnection;
use chrono::{DateTime, Utc};

use crate::domain::ids::DeliveryId;

/// One attempt, as it was noted.
#[derive(Debug, Clone)]
pub struct Noted {
    /// Counted from 1.
    pub number: i32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// `done`, `later` or `dead`.
    pub outcome: String,
    /// The HTTP status that came back.
    pub http_status: Option<i32>,
    /// What went wrong, or the beginning of the answer.
    pub detail: Option<String>,
}

/// The attempts at a delivery, oldest first.
pub async fn of(db: &mut PgConnection, delivery: DeliveryId) -> sqlx::Result<Vec<Noted>> {
    sqlx::query_as!(
        Noted,
        "SELECT number, started_at, took_ms, outcome, http_status, detail FROM attempts
         WHERE outbox_id = $1 ORDER BY number",
        delivery.uuid()
    )
    .fetch_all(db)
    .await
}
