//! Turns at rows that are almost always locked for reading.
//!
//! Requests for approvals lock their workspace, integration, action, connection and grant in a mode that admits each other.
//! While some of them always hold a row, Postgres lets later ones pass a transaction that waits to change it
//! (`FOR SHARE` doesn't queue behind a waiting `FOR UPDATE`), and that transaction could wait for ever. Locks of the
//! lock manager do queue. So requests take one in shared mode just before the row, and whatever changes the row takes
//! it in exclusive mode: later requests then wait behind it.
//! <https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS>
//!
//! A lock's number is a hash of what identifies the row. Two rows with the same hash only wait for each other.

use uuid::Uuid;

use crate::{domain::approvals::Request, storage::PgConnection};

/// Waits for a turn at an integration.
pub(in crate::storage) async fn at_integration(
    db: &mut PgConnection,
    workspace: Uuid,
    key: &str,
) -> sqlx::Result<()> {
    take(db, format!("{workspace}/{key}")).await
}

/// Waits for a turn at a connection.
pub(in crate::storage) async fn at_connection(
    db: &mut PgConnection,
    integration: Uuid,
    user: &str,
) -> sqlx::Result<()> {
    take(db, format!("{integration}/{user}")).await
}

/// Waits for a turn at the messages that show one user's requests of a conversation.
pub(in crate::storage) async fn at_messages(db: &mut PgConnection, request: &Request) -> sqlx::Result<()> {
    let (backend, user) = (request.backend.uuid(), request.user.as_str());
    take(db, format!("{backend}/{user}/{}", request.conversation_key().stored_id())).await
}

async fn take(db: &mut PgConnection, row: String) -> sqlx::Result<()> {
    sqlx::query!(r#"SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) AS "turn!: ()""#, row)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Waits for a turn at a workspace.
pub(in crate::storage) async fn at_workspace(db: &mut PgConnection, slack_id: &str) -> sqlx::Result<()> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended(id::text, 0)) AS "turn!: ()" FROM workspaces WHERE slack_id = $1"#,
        slack_id
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Waits for a turn at the workspace with this id of ours.
pub(in crate::storage) async fn at_workspace_with_id(
    db: &mut PgConnection,
    workspace: Uuid,
) -> sqlx::Result<()> {
    take(db, workspace.to_string()).await
}

/// Waits for a turn at an action.
pub(in crate::storage) async fn at_action(db: &mut PgConnection, action: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended(integration_id::text || '/' || key, 0)) AS "turn!: ()"
           FROM actions WHERE id = $1"#,
        action
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Waits for a turn at a grant.
pub(in crate::storage) async fn at_grant(db: &mut PgConnection, grant: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(grant_turn(workspace_id, id)) AS "turn!: ()" FROM grants WHERE id = $1"#,
        grant
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Waits for a turn at each of an integration's actions, in the order of their keys.
pub(in crate::storage) async fn at_actions(db: &mut PgConnection, integration: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended(a.integration_id::text || '/' || a.key, 0)) AS "turn!: ()"
           FROM (SELECT integration_id, key FROM actions WHERE integration_id = $1 ORDER BY key) a"#,
        integration
    )
    .fetch_all(db)
    .await?;
    Ok(())
}
