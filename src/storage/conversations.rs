//! The table `conversations`. Asking writes it, in [`super::ask::save`].

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::{ids::BackendId, text::ForeignId};

/// Closes a conversation. `false`: the backend never asked in it.
pub async fn close(
    db: &mut PgConnection,
    backend: BackendId,
    id: &ForeignId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE conversations SET closed_at = coalesce(closed_at, $3) WHERE backend_id = $1 AND id = $2",
        backend.uuid(),
        id.as_str(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
