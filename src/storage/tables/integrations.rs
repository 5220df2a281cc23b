//! The table `integrations`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        catalog::MOST_INTEGRATIONS,
        descriptions::Described,
        ids::{BackendId, IntegrationId, WorkspaceId},
        ownership::{OwnerChange, Ownership},
        text::IntegrationKey,
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow, tables::turns},
};

/// An integration as it is stored.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Our id.
    pub id: Uuid,
    /// Its key.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Whether a user must have connected it.
    pub requires_connection: bool,
    /// The address where users connect it.
    pub connect_url: Option<String>,
    /// The integration's owner.
    pub ownership: Ownership,
}

/// A row of integrations.
struct IntegrationRow {
    id: Uuid,
    key: String,
    name: String,
    description: Option<String>,
    requires_connection: bool,
    connect_url: Option<String>,
    ownership: String,
    owner_id: Option<Uuid>,
}

impl IntegrationRow {
    fn read(self) -> Result<Integration, CorruptRow> {
        let corrupt = |column| CorruptRow::new("integrations", column, &IntegrationId::new(self.id));
        let ownership = match (self.ownership.as_str(), self.owner_id) {
            ("unclaimed", None) => Ownership::Unclaimed,
            ("backend", Some(owner)) => Ownership::Backend(BackendId::new(owner)),
            ("operator", None) => Ownership::Operator,
            ("shared", None) => Ownership::Shared,
            ("unclaimed" | "backend" | "operator" | "shared", _) => return Err(corrupt("owner_id")),
            _ => return Err(corrupt("ownership")),
        };
        Ok(Integration {
            id: self.id,
            key: self.key,
            name: self.name,
            description: self.description,
            requires_connection: self.requires_connection,
            connect_url: self.connect_url,
            ownership,
        })
    }
}

/// An ownership, as the table's two columns say it.
const fn columns(ownership: Ownership) -> (&'static str, Option<Uuid>) {
    match ownership {
        Ownership::Unclaimed => ("unclaimed", None),
        Ownership::Backend(owner) => ("backend", Some(owner.uuid())),
        Ownership::Operator => ("operator", None),
        Ownership::Shared => ("shared", None),
    }
}

/// Selects integrations; the tail says which.
macro_rules! select_integrations {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            IntegrationRow,
            "SELECT id, key, name, description, requires_connection, connect_url, ownership, owner_id
             FROM integrations WHERE workspace_id = $1 " + $tail
            $(, $arg)*
        )
    };
}

/// The integration with this key, locked against change.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    key: &IntegrationKey,
) -> sqlx::Result<Option<Integration>> {
    turns::at_integration(db, workspace.uuid(), key.as_str()).await?;
    let row = select_integrations!("AND key = $2 FOR UPDATE", workspace.uuid(), key.as_str())
        .fetch_optional(db)
        .await?;
    Ok(row.map(IntegrationRow::read).transpose()?)
}

/// The integration with this key, locked against changes of its description and its owner.
pub async fn lock_shared(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    key: &IntegrationKey,
) -> sqlx::Result<Option<Integration>> {
    let row = select_integrations!("AND key = $2 FOR SHARE", workspace.uuid(), key.as_str())
        .fetch_optional(db)
        .await?;
    Ok(row.map(IntegrationRow::read).transpose()?)
}

/// The integration with this key.
pub async fn find(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    key: &IntegrationKey,
) -> sqlx::Result<Option<Integration>> {
    let row = select_integrations!("AND key = $2", workspace.uuid(), key.as_str()).fetch_optional(db).await?;
    Ok(row.map(IntegrationRow::read).transpose()?)
}

/// The workspace's integrations in the order of their keys, after `after`, at most `limit`. With a prefix, only that
/// integration and those whose keys begin with it and a dot.
pub async fn list(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    prefix: Option<&IntegrationKey>,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Integration>> {
    let rows = select_integrations!(
        "AND ($2::text IS NULL OR key > $2) AND ($4::text IS NULL OR key = $4 OR starts_with(key, $4 || '.'))
         ORDER BY key LIMIT $3",
        workspace.uuid(),
        after,
        limit,
        prefix.map(IntegrationKey::as_str)
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(IntegrationRow::read).collect::<Result<_, _>>()?)
}

/// Registers an integration that a request named, if it is unknown and the workspace has room for it. It requires a
/// connection until a backend says otherwise. An existing row is not touched, because the caller and others may hold a
/// shared lock on it.
pub async fn register(
    db: &mut PgConnection,
    fresh: IntegrationId,
    workspace: WorkspaceId,
    key: &IntegrationKey,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO integrations (id, workspace_id, key, name, created_at)
         SELECT $1::uuid, $2::uuid, $3::text, $3::text, $4::timestamptz
         WHERE (SELECT count(*) FROM integrations i WHERE i.workspace_id = $2) < $5
         ON CONFLICT (workspace_id, key) DO NOTHING",
        fresh.uuid(),
        workspace.uuid(),
        key.as_str(),
        now,
        i64::from(MOST_INTEGRATIONS)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Saves an integration's new description and owner.
pub async fn update(db: &mut PgConnection, described: &Recorded<Described>) -> sqlx::Result<()> {
    let (ownership, owner) = columns(described.ownership);
    sqlx::query!(
        "UPDATE integrations SET name = $2, description = $3, requires_connection = $4, connect_url = $5,
             ownership = $6, owner_id = $7
         WHERE id = $1",
        described.id.uuid(),
        described.name,
        described.description,
        described.requires_connection,
        described.connect_url,
        ownership,
        owner
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Changes an integration's owner. The caller has locked the integration.
pub async fn set_ownership(db: &mut PgConnection, change: &Recorded<OwnerChange>) -> sqlx::Result<()> {
    let (ownership, owner) = columns(change.ownership);
    sqlx::query!(
        "UPDATE integrations SET ownership = $2, owner_id = $3 WHERE id = $1",
        change.integration.uuid(),
        ownership,
        owner
    )
    .execute(db)
    .await?;
    Ok(())
}
