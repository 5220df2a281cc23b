//! The table `prompt_messages`: which message shows an approval. Rows are never changed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{approvals::Request, ids::ApprovalId, sharing::PromptMessage},
    storage::{PgConnection, tables::turns},
};

/// The message of an approval, and whether it shows others too. `None`: none was assigned yet.
pub async fn find(
    db: &mut PgConnection,
    approval: ApprovalId,
) -> sqlx::Result<Option<(PromptMessage, bool)>> {
    let row = sqlx::query!(
        r#"SELECT m.first_id, m.is_shared, m.began_at,
                  m.is_shared AND (SELECT count(*) FROM (SELECT FROM prompt_messages o WHERE o.first_id = m.first_id
                      AND o.approval_id >= id_before(m.first_id) LIMIT 2) members) > 1 AS "shows_others!"
           FROM prompt_messages m WHERE m.approval_id = $1"#,
        approval.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let first = ApprovalId::new(row.first_id);
        let message = PromptMessage { first, is_shared: row.is_shared, began_at: row.began_at };
        (message, row.shows_others)
    }))
}

/// Adds the messages of approvals.
pub async fn save(db: &mut PgConnection, assigned: &[(ApprovalId, PromptMessage)]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = assigned.iter().map(|(id, _)| id.uuid()).collect();
    let first: Vec<Uuid> = assigned.iter().map(|(_, message)| message.first.uuid()).collect();
    let shared: Vec<bool> = assigned.iter().map(|(_, message)| message.is_shared).collect();
    let began: Vec<DateTime<Utc>> = assigned.iter().map(|(_, message)| message.began_at).collect();
    sqlx::query!(
        "INSERT INTO prompt_messages (approval_id, first_id, is_shared, began_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::timestamptz[]) ON CONFLICT DO NOTHING",
        &ids,
        &first,
        &shared,
        &began
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Waits for other transactions that assign messages to a user's requests of a conversation.
pub async fn take_turn(db: &mut PgConnection, request: &Request) -> sqlx::Result<()> {
    turns::at_messages(db, request).await
}
