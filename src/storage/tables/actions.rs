//! The table `actions`, and the versions of their descriptions in `action_versions`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        actions::{LockedAction, NamedAction},
        catalog::{Lock, MOST_ACTIONS, UnlockedFor},
        descriptions::{Described, DescribedAction},
        effects::Changed,
        field_hints::Presentation,
        ids::{ActionId, ActionVersionId, BackendId, IntegrationId, WorkspaceId},
        input_schema::InputSchema,
        must_read::MustReadChange,
        risk::Impact,
        templates::Template,
        text::{ActionKey, IntegrationKey},
        unlocking::{LockChange, Step},
    },
    storage::{
        PgConnection,
        effects::{Recorded, Unwritten},
        stored::CorruptRow,
        tables::{turns, versions},
    },
};

/// An action as it is stored, with its present description.
#[derive(Debug, Clone)]
pub struct Action {
    /// Our id.
    pub id: Uuid,
    /// Its integration's key.
    pub integration: String,
    /// Its key.
    pub key: String,
    /// The version of its description that the following is read from.
    pub version: Uuid,
    /// Counts the versions of its description, from 1.
    pub number: i32,
    /// The integration's name for people.
    pub integration_name: String,
    /// Its name for people.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// What it does to data, money and others.
    pub impact: Impact,
    /// How requests for it are shown.
    pub presentation: Presentation,
    /// What its arguments must look like.
    pub input_schema: Option<InputSchema>,
    /// Whether a user must have connected the integration.
    pub requires_connection: bool,
    /// What users may allow for it. `None`: it is locked.
    pub unlocked: Option<UnlockedFor>,
    /// Whether a person must open a request's details before they approve it.
    pub must_read: bool,
    /// Since when the integration no longer has it.
    pub retired_at: Option<DateTime<Utc>>,
    /// The description is the one that an admin unlocked or confirmed.
    pub confirmed: bool,
}

impl Action {
    /// Whether users may auto-approve it.
    #[must_use]
    pub const fn lock(&self) -> Lock {
        Lock::new(self.unlocked, self.retired_at.is_some(), self.confirmed)
    }
}

/// A row of `actions` beside its integration and its present version.
#[expect(clippy::struct_excessive_bools, reason = "each is another column")]
struct ActionRow {
    id: Uuid,
    integration: String,
    key: String,
    version: Uuid,
    number: i32,
    integration_name: String,
    name: String,
    description: Option<String>,
    read_only: bool,
    destructive: bool,
    risk: Option<Vec<String>>,
    title: Option<String>,
    fields: Option<String>,
    input_schema: Option<String>,
    requires_connection: bool,
    unlocked_for: Option<String>,
    must_read: bool,
    retired_at: Option<DateTime<Utc>>,
    confirmed: bool,
}

impl ActionRow {
    fn read(self) -> Result<Action, CorruptRow> {
        let version = ActionVersionId::new(self.version);
        let impact = versions::impact(version, self.read_only, self.destructive, self.risk.as_deref())?;
        Ok(Action {
            id: self.id,
            integration: self.integration,
            key: self.key,
            version: self.version,
            number: self.number,
            integration_name: self.integration_name,
            name: self.name,
            description: self.description,
            impact,
            presentation: versions::presentation(version, self.title, self.fields.as_deref())?,
            input_schema: versions::input_schema(version, self.input_schema.as_deref())?,
            requires_connection: self.requires_connection,
            unlocked: unlocked_for(ActionId::new(self.id), self.unlocked_for.as_deref())?,
            must_read: self.must_read,
            retired_at: self.retired_at,
            confirmed: self.confirmed,
        })
    }
}

/// Reads the column `unlocked_for`.
pub(in crate::storage) fn unlocked_for(
    action: ActionId,
    stored: Option<&str>,
) -> Result<Option<UnlockedFor>, CorruptRow> {
    let read = |text| {
        UnlockedFor::from_stored(text).ok_or_else(|| CorruptRow::new("actions", "unlocked_for", &action))
    };
    stored.map(read).transpose()
}

fn read(rows: Vec<ActionRow>) -> sqlx::Result<Vec<Action>> {
    Ok(rows.into_iter().map(ActionRow::read).collect::<Result<_, _>>()?)
}

/// Selects actions `a` of integrations `i`, with their current description `v`. The tail adds conditions. Don't use it
/// to lock an action whose integration is not locked: Postgres would read `v` as of the start of the statement.
macro_rules! select_actions {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            ActionRow,
            r#"SELECT a.id, i.key AS integration, a.key, v.id AS version, v.number, v.integration_name, v.name,
                      v.description, v.read_only, v.destructive, v.risk, v.title, v.fields::text AS fields,
                      v.input_schema::text AS input_schema, v.requires_connection, a.unlocked_for,
                      (a.must_read_at IS NOT NULL) AS "must_read!", a.retired_at,
                      coalesce(a.confirmed_version_id = v.id, false) AS "confirmed!"
               FROM actions a JOIN integrations i ON i.id = a.integration_id
               JOIN action_versions v ON v.id = a.version_id "# + $tail
            $(, $arg)*
        )
    };
}

/// An integration's actions, sorted by key, locked against changes. The caller has locked the integration, so that its
/// description can't change.
pub async fn lock_all(db: &mut PgConnection, integration: IntegrationId) -> sqlx::Result<Vec<Action>> {
    turns::at_actions(db, integration.uuid()).await?;
    let rows =
        select_actions!("WHERE a.integration_id = $1 ORDER BY a.key FOR UPDATE OF a", integration.uuid())
            .fetch_all(db)
            .await?;
    read(rows)
}

/// The actions of several integrations, retired ones left out, in the order of their keys.
pub async fn for_integrations(db: &mut PgConnection, integrations: &[Uuid]) -> sqlx::Result<Vec<Action>> {
    let rows = select_actions!(
        "WHERE a.integration_id = ANY($1) AND a.retired_at IS NULL ORDER BY i.key, a.key",
        integrations
    )
    .fetch_all(db)
    .await?;
    read(rows)
}

/// All actions of a workspace, in the order of their paths.
pub async fn list(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Vec<Action>> {
    let rows = select_actions!(
        "WHERE i.workspace_id = $1 AND a.retired_at IS NULL ORDER BY i.key, a.key",
        workspace.uuid()
    )
    .fetch_all(db)
    .await?;
    read(rows)
}

/// Which actions of a workspace to list.
#[derive(Debug, Clone, Default)]
pub struct PageFilter {
    /// Only those of this integration.
    pub integration: Option<IntegrationKey>,
    /// Only those that are unlocked, or only those that are not.
    pub unlocked: Option<bool>,
    /// Only those after this one.
    pub after: Option<(IntegrationKey, ActionKey)>,
}

/// Actions of a workspace, in the order of their paths, at most `limit`.
pub async fn page(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    filter: &PageFilter,
    limit: i64,
) -> sqlx::Result<Vec<Action>> {
    let after = filter.after.as_ref();
    let rows = select_actions!(
        "WHERE i.workspace_id = $1 AND a.retired_at IS NULL AND ($2::text IS NULL OR i.key = $2)
           AND ($3::bool IS NULL OR (a.unlocked_for IS NOT NULL) = $3)
           AND ($4::text IS NULL OR (i.key, a.key) > ($4, $5))
         ORDER BY i.key, a.key LIMIT $6",
        workspace.uuid(),
        filter.integration.as_ref().map(IntegrationKey::as_str),
        filter.unlocked,
        after.map(|(integration, _)| integration.as_str()),
        after.map(|(_, action)| action.as_str()),
        limit
    )
    .fetch_all(db)
    .await?;
    read(rows)
}

/// The action of a workspace with these keys, unless it is retired.
pub async fn find(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    integration: &IntegrationKey,
    action: &ActionKey,
) -> sqlx::Result<Option<Action>> {
    let row = select_actions!(
        "WHERE i.workspace_id = $1 AND i.key = $2 AND a.key = $3 AND a.retired_at IS NULL",
        workspace.uuid(),
        integration.as_str(),
        action.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(ActionRow::read).transpose()?)
}

/// A row of actions, as a lock reads it.
struct LockedRow {
    id: Uuid,
    integration: String,
    key: String,
    unlocked_for: Option<String>,
    must_read: bool,
    retired: bool,
    version: Uuid,
    confirmed: Option<Uuid>,
}

impl LockedRow {
    fn read(self) -> Result<LockedAction, CorruptRow> {
        let id = ActionId::new(self.id);
        let unlocked = unlocked_for(id, self.unlocked_for.as_deref())?;
        Ok(LockedAction {
            id,
            integration: self.integration,
            key: self.key,
            lock: Lock::new(unlocked, self.retired, self.confirmed == Some(self.version)),
            version: ActionVersionId::new(self.version),
            must_read: self.must_read,
            confirmed: self.confirmed.map(ActionVersionId::new),
        })
    }
}

/// The action with this path, locked. Waits for requests and clicks that depend on the action.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    integration: &IntegrationKey,
    action: &ActionKey,
) -> sqlx::Result<Option<LockedAction>> {
    let id = sqlx::query_scalar!(
        "SELECT a.id FROM actions a JOIN integrations i ON i.id = a.integration_id
         WHERE i.workspace_id = $1 AND i.key = $2 AND a.key = $3",
        workspace.uuid(),
        integration.as_str(),
        action.as_str()
    )
    .fetch_optional(&mut *db)
    .await?;
    match id {
        Some(id) => lock_by_id(db, workspace, ActionId::new(id)).await,
        None => Ok(None),
    }
}

/// An action of the workspace, locked in the same way.
pub async fn lock_by_id(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: ActionId,
) -> sqlx::Result<Option<LockedAction>> {
    turns::at_action(db, id.uuid()).await?;
    let row = sqlx::query_as!(
        LockedRow,
        r#"SELECT a.id, i.key AS integration, a.key, a.unlocked_for, (a.must_read_at IS NOT NULL) AS "must_read!",
                  (a.retired_at IS NOT NULL) AS "retired!", a.version_id AS "version!",
                  a.confirmed_version_id AS confirmed
           FROM actions a JOIN integrations i ON i.id = a.integration_id
           WHERE i.workspace_id = $1 AND a.id = $2 FOR UPDATE OF a"#,
        workspace.uuid(),
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(LockedRow::read).transpose()?)
}

/// Registers a locked action with its first version, if it is unknown and the integration has room for it. `false` if
/// nothing changed. Only the statement itself can tell, so the caller records the change afterwards.
pub async fn register(
    db: &mut PgConnection,
    unwritten: &mut Unwritten,
    registered: Changed<NamedAction>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let NamedAction { id, integration_id, action, .. } = registered.state();
    let done = sqlx::query!(
        "-- registered: the action, unless it is known or the integration is full. Its first version has its own id.
         -- The version is written only with it. One statement, because an action and its first version refer to each
         -- other.
         WITH registered AS (
             INSERT INTO actions (id, integration_id, key, name, created_at, version_id)
             SELECT $1::uuid, $2::uuid, $3::text, $3::text, $4::timestamptz, $1::uuid
             WHERE (SELECT count(*) FROM actions a WHERE a.integration_id = $2 AND a.retired_at IS NULL) < $5
             ON CONFLICT (integration_id, key) DO NOTHING RETURNING id)
         INSERT INTO action_versions (id, action_id, number, integration_name, name, read_only, destructive,
             requires_connection, created_at)
         SELECT r.id, r.id, 1, i.name, $3::text, false, false, i.requires_connection, $4::timestamptz
         FROM registered r JOIN integrations i ON i.id = $2",
        id.uuid(),
        integration_id.uuid(),
        action.as_str(),
        now,
        i64::from(MOST_ACTIONS)
    )
    .execute(db)
    .await?;
    let is_new = done.rows_affected() == 1;
    if is_new {
        unwritten.record(registered);
    }
    Ok(is_new)
}

/// The earliest version of each action that says the same as its present description will: a backend that goes back to an
/// earlier description is confirmed as that one was, and going back and forth makes no rows. The integration and its
/// actions are locked by the caller.
pub async fn earlier_versions(
    db: &mut PgConnection,
    integration_name: &str,
    requires_connection: bool,
    described: &[DescribedAction],
) -> sqlx::Result<HashMap<ActionId, ActionVersionId>> {
    let columns = Columns::new(described);
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (d.action_id) v.action_id, v.id
         FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::text[], $9::text[], $10::text[])
             AS d (action_id, name, description, read_only, risk, title, fields, input_schema)
         JOIN action_versions v ON v.action_id = d.action_id AND v.integration_name = $1
             AND v.requires_connection = $2 AND v.name = d.name AND v.description IS NOT DISTINCT FROM d.description
             AND v.read_only = d.read_only
             -- Versions that version 0.1.0 wrote have no risk, and mean the same.
             AND coalesce(v.risk, CASE WHEN v.destructive THEN '{destructive}'::text[] WHEN v.read_only THEN '{}' END)
                 IS NOT DISTINCT FROM string_to_array(d.risk, ',')
             AND v.title IS NOT DISTINCT FROM d.title AND v.fields::text IS NOT DISTINCT FROM d.fields
             AND v.input_schema::text IS NOT DISTINCT FROM d.input_schema
         ORDER BY d.action_id, v.number",
        integration_name,
        requires_connection,
        &columns.ids,
        &columns.names as &[&str],
        &columns.descriptions as &[Option<&str>],
        &columns.read_only,
        &columns.risks as &[Option<String>],
        &columns.titles as &[Option<&str>],
        &columns.fields as &[Option<String>],
        &columns.input_schemas as &[Option<String>],
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ActionId::new(row.action_id), ActionVersionId::new(row.id))).collect())
}

/// What is described of actions, as columns.
struct Columns<'a> {
    ids: Vec<Uuid>,
    names: Vec<&'a str>,
    descriptions: Vec<Option<&'a str>>,
    read_only: Vec<bool>,
    destructive: Vec<bool>,
    /// The names of the declared risks, separated by commas.
    risks: Vec<Option<String>>,
    titles: Vec<Option<&'a str>>,
    fields: Vec<Option<String>>,
    input_schemas: Vec<Option<String>>,
}

impl<'a> Columns<'a> {
    fn new(described: &'a [DescribedAction]) -> Self {
        Self {
            ids: described.iter().map(|action| action.id.uuid()).collect(),
            names: described.iter().map(|action| action.name.as_str()).collect(),
            descriptions: described.iter().map(|action| action.description.as_deref()).collect(),
            read_only: described.iter().map(|action| action.impact.is_read_only()).collect(),
            destructive: described.iter().map(|action| action.impact.is_destructive()).collect(),
            risks: described
                .iter()
                .map(|action| action.impact.declared().map(|risks| risks.names().join(",")))
                .collect(),
            titles: described
                .iter()
                .map(|action| action.presentation.title.as_ref().map(Template::as_str))
                .collect(),
            fields: described.iter().map(|action| action.presentation.fields_to_store()).collect(),
            input_schemas: described
                .iter()
                .map(|action| action.input_schema.as_ref().map(InputSchema::to_store))
                .collect(),
        }
    }
}

/// Writes what is described of actions, and makes it their present version. A new one is locked, a retired one comes back
/// locked; otherwise the lock stays as it is. The caller has locked the integration.
pub async fn put(
    db: &mut PgConnection,
    described: &Recorded<Described>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if described.actions.is_empty() {
        return Ok(());
    }
    let columns = Columns::new(&described.actions);
    let keys: Vec<&str> = described.actions.iter().map(|action| action.key.as_str()).collect();
    let versions: Vec<Uuid> = described.actions.iter().map(|action| action.version.uuid()).collect();
    let are_new: Vec<bool> = described.actions.iter().map(|action| action.is_new_version).collect();
    sqlx::query!(
        "-- described: what is described, a row an action.
         -- made: the versions that are new. They are numbered on from the action's last one.
         -- One statement, because an action and its first version refer to each other.
         WITH described AS (
             SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::bool[], $9::uuid[],
                 $10::bool[], $14::text[], $15::text[], $16::text[], $17::text[])
                 AS d (action_id, key, name, description, read_only, destructive, version_id, is_new, risk, title,
                     fields, input_schema)),
         made AS (
             INSERT INTO action_versions (id, action_id, number, integration_name, name, description, read_only,
                 destructive, requires_connection, described_by, created_at, risk, title, fields, input_schema)
             SELECT d.version_id, d.action_id,
                 (SELECT coalesce(max(v.number), 0) + 1 FROM action_versions v WHERE v.action_id = d.action_id),
                 $11::text, d.name, d.description, d.read_only, d.destructive, $12::bool, $13::uuid, $2,
                 string_to_array(d.risk, ','), d.title, d.fields::json, d.input_schema::json
             FROM described d WHERE d.is_new)
         INSERT INTO actions (integration_id, created_at, id, key, name, description, read_only, destructive, version_id)
         SELECT $1, $2, d.action_id, d.key, d.name, d.description, d.read_only, d.destructive, d.version_id
         FROM described d
         ON CONFLICT (integration_id, key) DO UPDATE SET name = excluded.name, description = excluded.description,
             read_only = excluded.read_only, destructive = excluded.destructive, version_id = excluded.version_id,
             retired_at = NULL",
        described.id.uuid(),
        now,
        &columns.ids,
        &keys as &[&str],
        &columns.names as &[&str],
        &columns.descriptions as &[Option<&str>],
        &columns.read_only,
        &columns.destructive,
        &versions,
        &are_new,
        described.name,
        described.requires_connection,
        described.described_by.map(BackendId::uuid),
        &columns.risks as &[Option<String>],
        &columns.titles as &[Option<&str>],
        &columns.fields as &[Option<String>],
        &columns.input_schemas as &[Option<String>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Retires actions, and locks them by that.
pub async fn retire(
    db: &mut PgConnection,
    described: &Recorded<Described>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if described.retired.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = described.retired.iter().map(|action| action.id.uuid()).collect();
    sqlx::query!(
        "UPDATE actions SET retired_at = $2, unlocked_at = NULL, unlocked_by = NULL WHERE id = ANY($1)",
        &ids,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Unlocks, confirms or locks an action. Unlocked is what its present description says.
pub async fn set_lock(
    db: &mut PgConnection,
    change: &Recorded<LockChange>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let id = change.action.uuid();
    let unlocked = match change.step {
        Step::Confirm => {
            sqlx::query!("UPDATE actions SET confirmed_version_id = version_id WHERE id = $1", id)
                .execute(db)
                .await?;
            return Ok(());
        }
        Step::SetFor(what) => {
            sqlx::query!("UPDATE actions SET unlocked_for = $2 WHERE id = $1", id, what.as_str())
                .execute(db)
                .await?;
            return Ok(());
        }
        Step::Unlock(what) => Some((now, change.by.as_str(), what.as_str())),
        Step::Lock => None,
    };
    sqlx::query!(
        "UPDATE actions SET unlocked_at = $2, unlocked_by = $3, unlocked_for = $4,
             confirmed_version_id = CASE WHEN $2::timestamptz IS NULL THEN confirmed_version_id ELSE version_id END
         WHERE id = $1",
        id,
        unlocked.map(|(at, ..)| at),
        unlocked.map(|(_, by, _)| by),
        unlocked.map(|(.., what)| what)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Saves whether requests for an action must be read.
pub async fn set_must_read(
    db: &mut PgConnection,
    change: &Recorded<MustReadChange>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let since = change.must_read.then_some((now, change.by.as_str()));
    sqlx::query!(
        "UPDATE actions SET must_read_at = $2, must_read_by = $3 WHERE id = $1",
        change.action.uuid(),
        since.map(|(at, _)| at),
        since.map(|(_, by)| by)
    )
    .execute(db)
    .await?;
    Ok(())
}
