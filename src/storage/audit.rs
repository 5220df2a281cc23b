//! The table `audit`, append-only.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{
    audit::Entry,
    effects::Effect,
    ids::{ApprovalId, GrantId, WorkspaceId},
};

/// Entries as columns, so that one statement writes any number of them.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) actor_kinds: Vec<String>,
    pub(super) actors: Vec<Option<String>>,
    pub(super) whats: Vec<String>,
    pub(super) approvals: Vec<Option<Uuid>>,
    pub(super) grants: Vec<Option<Uuid>>,
    pub(super) subjects: Vec<Option<String>>,
    pub(super) befores: Vec<Option<Value>>,
    pub(super) afters: Vec<Option<Value>>,
}

impl Columns {
    /// The entries among the effects.
    pub(super) fn of(effects: &[Effect]) -> Self {
        Self::from_entries(super::ask::entries(effects))
    }

    fn from_entries<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut columns = Self::default();
        for entry in entries {
            columns.actor_kinds.push(entry.actor.kind().to_owned());
            columns.actors.push(entry.actor.id());
            columns.whats.push(entry.what.as_str().to_owned());
            columns.approvals.push(entry.approval.map(ApprovalId::uuid));
            columns.grants.push(entry.grant.map(GrantId::uuid));
            columns.subjects.push(entry.subject.clone());
            columns.befores.push(entry.before.clone());
            columns.afters.push(entry.after.clone());
        }
        columns
    }
}

/// Writes entries down.
pub async fn record(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    at: DateTime<Utc>,
    entries: &[Entry],
) -> sqlx::Result<()> {
    let columns = Columns::from_entries(entries.iter());
    sqlx::query!(
        "INSERT INTO audit (workspace_id, at, actor_kind, actor, what, approval_id, grant_id, subject, before, after)
         SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::text[],
             $9::jsonb[], $10::jsonb[])",
        workspace.uuid(),
        at,
        &columns.actor_kinds,
        &columns.actors as &[Option<String>],
        &columns.whats,
        &columns.approvals as &[Option<Uuid>],
        &columns.grants as &[Option<Uuid>],
        &columns.subjects as &[Option<String>],
        &columns.befores as &[Option<Value>],
        &columns.afters as &[Option<Value>],
    )
    .execute(db)
    .await?;
    Ok(())
}
