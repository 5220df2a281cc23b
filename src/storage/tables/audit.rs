//! The table `audit`, append-only: reading. It is written by [`crate::storage::effects`].

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use crate::domain::sealing::Position;
use crate::{
    domain::{
        audit::ActorKind,
        ids::{ApprovalId, GrantId, WorkspaceId},
    },
    storage::{PgConnection, stored::CorruptRow},
};

/// An entry as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Where it stands.
    pub position: Position,
    /// When the change was made.
    pub at: DateTime<Utc>,
    /// Who made it: a kind, and its id if it has one.
    pub actor_kind: ActorKind,
    /// The id.
    pub actor: Option<String>,
    /// What.
    pub what: String,
    /// To which approval.
    pub approval: Option<ApprovalId>,
    /// To which grant.
    pub grant: Option<GrantId>,
    /// What else was affected.
    pub subject: Option<String>,
    /// How it was.
    pub before: Option<Value>,
    /// How it is now.
    pub after: Option<Value>,
}

/// Entries of a workspace after `after`, at most `limit`, in an order that later commits only add to.
///
/// Transactions number themselves when they first write and commit in any order, so an entry is given only once every
/// transaction with a smaller number has ended: whatever commits later stands behind what was given. `horizon` is the
/// smallest number that may still be under way, read before ([`crate::storage::read_models::audit_horizon`]). Nothing is written into eras
/// that are over ([`crate::storage::tables::audit_eras`]), so all of theirs is given.
pub async fn export(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    after: Option<&Position>,
    horizon: u64,
    limit: i64,
) -> sqlx::Result<Vec<Stored>> {
    let rows = sqlx::query!(
        r#"SELECT id, era, txid::text AS "txid!", at, actor_kind, actor, what, approval_id, grant_id, subject, before,
                  after
           FROM audit
           WHERE workspace_id = $1 AND (era, txid, id) > ($2, $3::text::xid8, $4)
             AND (txid < $5::text::xid8 OR era < (SELECT max(e.era) FROM audit_eras e))
           ORDER BY era, audit.txid, audit.id LIMIT $6"#,
        workspace.uuid(),
        after.map_or(0, |position| position.era),
        after.map_or_else(|| "0".to_owned(), |position| position.txid.to_string()),
        after.map_or(0, |position| position.id),
        horizon.to_string(),
        limit
    )
    .fetch_all(db)
    .await?;
    let entries = rows.into_iter().map(|row| {
        let corrupt = |column| CorruptRow::new("audit", column, &row.id);
        // Postgres writes an xid8 as the unsigned number that it is.
        let txid = row.txid.parse().map_err(|_| corrupt("txid"))?;
        Ok(Stored {
            position: Position { era: row.era, txid, id: row.id },
            at: row.at,
            actor_kind: ActorKind::from_stored(&row.actor_kind).ok_or_else(|| corrupt("actor_kind"))?,
            actor: row.actor,
            what: row.what,
            approval: row.approval_id.map(ApprovalId::new),
            grant: row.grant_id.map(GrantId::new),
            subject: row.subject,
            before: row.before,
            after: row.after,
        })
    });
    entries.collect()
}

/// When the oldest entry was written that is withheld because of `horizon`, in any workspace.
pub async fn oldest_withheld(db: &mut PgConnection, horizon: u64) -> sqlx::Result<Option<DateTime<Utc>>> {
    // A step through the index a workspace: its first entry at or beyond the horizon is its oldest.
    sqlx::query_scalar!(
        r#"SELECT min(first.at)
           FROM workspaces w CROSS JOIN LATERAL (
               SELECT a.at FROM audit a
               WHERE a.workspace_id = w.id AND a.era = (SELECT max(e.era) FROM audit_eras e)
                 AND a.txid >= $1::text::xid8
               ORDER BY a.txid, a.id LIMIT 1) first"#,
        horizon.to_string()
    )
    .fetch_one(db)
    .await
}
