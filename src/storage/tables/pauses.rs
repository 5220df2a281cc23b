//! The live pauses of a workspace: the column `pauses` of `workspaces`. Migration 0054 says why they stand there.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    domain::{
        admin_key_ref::AdminKeyRef,
        audit::{Actor, ActorKind},
        ids::{BackendId, PauseId, UserId, WorkspaceId},
        pauses::{Pause, PauseTarget, PausedRequests, Pauses},
        text::Text,
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow, tables::turns},
};

/// A pause in the column's JSON. Migration 0054's trigger reads `backend` and `agent`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPause {
    id: Uuid,
    backend: Option<Uuid>,
    agent: Option<String>,
    requests: String,
    reason: String,
    by: StoredActor,
    at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredActor {
    kind: String,
    id: Option<String>,
    /// Which program has it, of an admin key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl StoredActor {
    fn new(actor: &Actor) -> Self {
        let (id, name) = match actor {
            Actor::AdminKey(key) => (Some(key.id.to_string()), Some(key.name.as_str().to_owned())),
            other => (other.id(), None),
        };
        Self { kind: actor.kind().to_owned(), id, name }
    }

    /// `None`: this program does not know what it means.
    fn read(self) -> Option<Actor> {
        match (ActorKind::from_stored(&self.kind)?, self.id, self.name) {
            (ActorKind::User, Some(user), None) => Some(Actor::User(UserId::from_stored(user))),
            (ActorKind::Operator, None, None) => Some(Actor::Operator),
            (ActorKind::Operator, Some(id), Some(name)) => {
                Some(Actor::AdminKey(AdminKeyRef { id: id.parse().ok()?, name: Text::from_stored(name) }))
            }
            _ => None,
        }
    }
}

impl StoredPause {
    fn new(pause: &Pause) -> Self {
        Self {
            id: pause.id.uuid(),
            backend: pause.target.backend().map(BackendId::uuid),
            agent: pause.target.agent().map(|agent| agent.as_str().to_owned()),
            requests: pause.requests.as_str().to_owned(),
            reason: pause.reason.as_str().to_owned(),
            by: StoredActor::new(&pause.by),
            at: pause.at,
        }
    }

    /// `None`: this program does not know what it means.
    fn read(self) -> Option<Pause> {
        let backend = self.backend.map(BackendId::new);
        let target = match (backend, self.agent) {
            (backend, Some(agent)) => PauseTarget::Agent { backend, agent: Text::from_stored(agent) },
            (Some(backend), None) => PauseTarget::Backend(backend),
            (None, None) => return None,
        };
        Some(Pause {
            id: PauseId::new(self.id),
            target,
            requests: PausedRequests::from_stored(&self.requests)?,
            reason: Text::from_stored(self.reason),
            by: self.by.read()?,
            at: self.at,
        })
    }
}

/// Reads the column. `None`: nothing is paused.
pub(in crate::storage) fn read(workspace: WorkspaceId, stored: Option<&str>) -> Result<Pauses, CorruptRow> {
    let Some(stored) = stored else { return Ok(Pauses::default()) };
    let read = serde_json::from_str::<Vec<StoredPause>>(stored)
        .ok()
        .and_then(|pauses| pauses.into_iter().map(StoredPause::read).collect::<Option<Vec<_>>>());
    let pauses = read.ok_or_else(|| CorruptRow::new("workspaces", "pauses", &workspace))?;
    Ok(Pauses::from_stored(pauses))
}

/// The live pauses of a workspace, without a lock.
pub async fn list(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Pauses> {
    let stored = sqlx::query_scalar!(
        r#"SELECT pauses::text AS "pauses?" FROM workspaces WHERE id = $1"#,
        workspace.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(read(workspace, stored.flatten().as_deref())?)
}

/// The workspaces in which something is paused, at most `limit`.
pub async fn paused_workspaces(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<WorkspaceId>> {
    let ids =
        sqlx::query_scalar!("SELECT id FROM workspaces WHERE pauses IS NOT NULL ORDER BY id LIMIT $1", limit)
            .fetch_all(db)
            .await?;
    Ok(ids.into_iter().map(WorkspaceId::new).collect())
}

/// Locks a workspace against every request and click that could be approved in it, before other locks are taken.
pub async fn lock(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Pauses> {
    turns::at_workspace_with_id(&mut *db, workspace.uuid()).await?;
    let stored = sqlx::query_scalar!(
        r#"SELECT pauses::text AS "pauses?" FROM workspaces WHERE id = $1 FOR UPDATE"#,
        workspace.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(read(workspace, stored.flatten().as_deref())?)
}

/// Saves the pauses of a workspace that [`lock`] locked.
pub async fn save(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    pauses: &Recorded<Pauses>,
) -> sqlx::Result<()> {
    let stored: Vec<_> = pauses.all().iter().map(StoredPause::new).collect();
    let stored = (!stored.is_empty()).then_some(sqlx::types::Json(stored));
    sqlx::query!("UPDATE workspaces SET pauses = $2 WHERE id = $1", workspace.uuid(), stored as _)
        .execute(db)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ApiKeyId;

    const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(9));

    fn written(pauses: &[Pause]) -> String {
        serde_json::to_string(&pauses.iter().map(StoredPause::new).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_stored_pause_reads_as_it_was() {
        let agent = Text::from_stored("atlas".to_owned());
        let backend = BackendId::new(Uuid::from_u128(1));
        let targets = [
            PauseTarget::Backend(backend),
            PauseTarget::Agent { backend: Some(backend), agent: agent.clone() },
            PauseTarget::Agent { backend: None, agent },
        ];
        let key = AdminKeyRef {
            id: ApiKeyId::new(Uuid::from_u128(3)),
            name: Text::from_stored("Terraform".to_owned()),
        };
        let actors = [Actor::Operator, Actor::User(UserId::parse("U0ADA").unwrap()), Actor::AdminKey(key)];
        let pauses = targets.into_iter().zip([0, 1, 2]).map(|(target, requests)| Pause {
            id: PauseId::new(Uuid::from_u128(2)),
            target,
            requests: PausedRequests::ALL[requests % 2],
            reason: Text::from_stored("Sends \"too\" much".to_owned()),
            by: actors[requests].clone(),
            at: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        });
        let pauses: Vec<_> = pauses.collect();
        assert_eq!(read(WORKSPACE, Some(&written(&pauses))).unwrap().all(), pauses);
        assert_eq!(read(WORKSPACE, None), Ok(Pauses::default()));
    }

    #[test]
    fn an_unknown_pause_is_an_error() {
        let known = r#"[{"id":"00000000-0000-0000-0000-000000000002","backend":null,"agent":"atlas",
            "requests":"held","reason":"x","by":{"kind":"operator","id":null},"at":"2026-09-21T10:00:00Z"}]"#;
        assert!(read(WORKSPACE, Some(known)).is_ok());
        for (was, becomes) in [
            ("\"held\"", "\"dropped\""),
            ("\"operator\"", "\"robot\""),
            ("\"atlas\"", "null"),
            ("\"id\":null", "\"id\":null,\"until\":1"),
        ] {
            let error = read(WORKSPACE, Some(&known.replacen(was, becomes, 1))).unwrap_err();
            assert_eq!((error.table, error.column), ("workspaces", "pauses"), "{becomes}");
        }
    }
}
