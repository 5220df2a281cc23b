//! The table `details_opened`: who opened the details of requests that must be read. Rows are never changed.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        effects::Changed,
        ids::{ApprovalId, UserId},
        must_read::DetailsOpened,
    },
    storage::{PgConnection, effects::Unwritten},
};

/// Whether a person has opened the details of a request.
pub async fn has_opened(db: &mut PgConnection, approval: ApprovalId, user: &UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM details_opened WHERE approval_id = $1 AND user_id = $2) AS "opened!""#,
        approval.uuid(),
        user.as_str()
    )
    .fetch_one(db)
    .await
}

/// Saves that a person has opened the details, the first time. Only the statement itself can tell whether it is the first,
/// so the change is recorded afterwards.
pub async fn save(
    db: &mut PgConnection,
    unwritten: &mut Unwritten,
    opened: Changed<DetailsOpened>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let DetailsOpened { approval, user } = opened.state();
    let done = sqlx::query!(
        "INSERT INTO details_opened (approval_id, user_id, opened_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        approval.uuid(),
        user.as_str(),
        now
    )
    .execute(db)
    .await?;
    if done.rows_affected() == 1 {
        unwritten.record(opened);
    }
    Ok(())
}
