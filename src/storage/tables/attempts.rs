//! The table `attempts`, as it is read: it is written by [`crate::storage::statements::finish`].

use chrono::{DateTime, Utc};

use crate::{
    domain::ids::DeliveryId,
    storage::{PgConnection, stored::CorruptRow},
};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint took it.
    Done,
    /// It is tried again.
    Later,
    /// It was the last try.
    Dead,
}

impl Outcome {
    /// Reads what [`crate::storage::statements::finish`] wrote.
    fn from_stored(text: &str) -> Option<Self> {
        match text {
            "done" => Some(Self::Done),
            "later" => Some(Self::Later),
            "dead" => Some(Self::Dead),
            _ => None,
        }
    }
}

/// One attempt, as it was noted.
#[derive(Debug, Clone)]
pub struct Noted {
    /// Counted from 1.
    pub number: i32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status that came back.
    pub http_status: Option<i32>,
    /// What went wrong, or the start of the response.
    pub detail: Option<String>,
}

/// The attempts at a delivery, oldest first.
pub async fn for_delivery(db: &mut PgConnection, delivery: DeliveryId) -> sqlx::Result<Vec<Noted>> {
    let rows = sqlx::query!(
        "SELECT number, started_at, took_ms, outcome, http_status, detail FROM attempts
         WHERE outbox_id = $1 ORDER BY number",
        delivery.uuid()
    )
    .fetch_all(db)
    .await?;
    let attempts = rows.into_iter().map(|row| {
        let corrupt = || CorruptRow::new("attempts", "outcome", &format!("{} of {delivery}", row.number));
        Ok(Noted {
            outcome: Outcome::from_stored(&row.outcome).ok_or_else(corrupt)?,
            number: row.number,
            started_at: row.started_at,
            took_ms: row.took_ms,
            http_status: row.http_status,
            detail: row.detail,
        })
    });
    attempts.collect()
}
