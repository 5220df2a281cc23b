//! The tables `audit_log`, `audit_leaves` and `audit_nodes`: the log that seals the audit. Hashes are only added.

use std::ops::Range;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    domain::{
        ids::{ApprovalId, GrantId, WorkspaceId},
        sealing::{LogEntry, Personal, Position, Salt},
    },
    storage::{
        PgConnection,
        stored::{CorruptRow, count},
    },
};

/// A node's hash.
pub type Hash = [u8; 32];

/// The state of the log.
#[derive(Debug, Clone)]
pub struct State {
    /// The log's name in checkpoints.
    pub origin: String,
    /// How many entries are sealed.
    pub size: u64,
    /// The bytes of the tree's frontier.
    pub frontier: Vec<u8>,
    /// The place of the last sealed entry.
    pub last: Position,
    /// The size of the last checkpoint.
    pub checkpoint_size: u64,
    /// The last checkpoint.
    pub checkpoint: Option<String>,
}

/// A sealed entry's row.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The audit entry.
    pub id: i64,
    /// The approval that it ended.
    pub approval: Option<ApprovalId>,
    /// Of which the salts of its commitments are derived.
    pub salt: Salt,
    /// The leaf's hash.
    pub hash: Hash,
}

/// A sealed entry with the audit entry beside it.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Its number in the log.
    pub number: u64,
    /// Its salt.
    pub salt: Salt,
    /// Its hash.
    pub hash: Hash,
    /// The entry. `None`: it was dropped.
    pub entry: Option<LogEntry>,
}

/// Whether this transaction may seal: one does at a time.
pub async fn try_lock(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtext('countersign'), hashtext('audit_log')) AS "locked!""#
    )
    .fetch_one(db)
    .await
}

/// Lets the commit wait until it is on the disk, if the server's setting would not. A leaf that is lost after its checkpoint was
/// signed would be a fork.
pub async fn commit_durably(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT set_config('synchronous_commit', 'on', true) AS set
         WHERE current_setting('synchronous_commit') = 'off'"
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Begins the log, if none was begun.
pub async fn begin(db: &mut PgConnection, origin: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO audit_log (origin, began_at, size, frontier, era, txid, entry)
         VALUES ($1, $2, 0, '', 0, '0', 0) ON CONFLICT DO NOTHING",
        origin,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The state of the log. `None`: it was not begun. If the caller `is_changing` it, its row is locked first, so that what is read
/// is the newest.
pub async fn state(db: &mut PgConnection, is_changing: bool) -> sqlx::Result<Option<State>> {
    if is_changing {
        sqlx::query!("SELECT FROM audit_log FOR UPDATE").fetch_optional(&mut *db).await?;
    }
    let row = sqlx::query!(
        r#"SELECT origin, size, frontier, era, txid::text AS "txid!", entry, checkpoint_size, checkpoint FROM audit_log"#
    )
    .fetch_optional(db)
    .await?;
    let corrupt = |column| CorruptRow::new("audit_log", column, &"true");
    let state = row.map(|row| {
        let txid = row.txid.parse().map_err(|_| corrupt("txid"))?;
        Ok::<_, CorruptRow>(State {
            origin: row.origin,
            size: count(row.size, || corrupt("size"))?,
            frontier: row.frontier,
            last: Position { era: row.era, txid, id: row.entry },
            checkpoint_size: count(row.checkpoint_size, || corrupt("checkpoint_size"))?,
            checkpoint: row.checkpoint,
        })
    });
    Ok(state.transpose()?)
}

/// How many workspaces there are.
pub async fn workspaces(db: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM workspaces"#).fetch_one(db).await
}

/// The audit's columns in a row.
struct Row {
    id: i64,
    era: i32,
    txid: String,
    workspace_id: Uuid,
    at: DateTime<Utc>,
    actor_kind: String,
    actor: Option<String>,
    what: String,
    approval_id: Option<Uuid>,
    grant_id: Option<Uuid>,
    subject: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

impl Row {
    fn read(self) -> Result<LogEntry, CorruptRow> {
        // Postgres writes an xid8 as the unsigned number that it is.
        let txid = self.txid.parse().map_err(|_| CorruptRow::new("audit", "txid", &self.id))?;
        Ok(LogEntry {
            position: Position { era: self.era, txid, id: self.id },
            workspace: WorkspaceId::new(self.workspace_id),
            at: self.at,
            what: self.what,
            actor_kind: self.actor_kind,
            approval: self.approval_id.map(ApprovalId::new),
            grant: self.grant_id.map(GrantId::new),
            personal: Personal {
                actor: self.actor,
                subject: self.subject,
                before: self.before,
                after: self.after,
            },
        })
    }
}

/// The next entries to seal, in the audit's order over all workspaces: those after `last` whose transactions have ended.
/// `horizon` is read before (see [`crate::storage::tables::audit::export`]).
///
/// At most `each` of a workspace are read, because there is no index over all of them: the list ends where a workspace has more.
pub async fn unsealed(
    db: &mut PgConnection,
    last: Position,
    horizon: u64,
    each: i64,
) -> sqlx::Result<Vec<LogEntry>> {
    let rows = sqlx::query!(
        r#"SELECT e.id AS "id!", e.era AS "era!", e.txid::text AS "txid!", w.id AS "workspace_id!", e.at AS "at!",
                  e.actor_kind AS "actor_kind!", e.actor, e.what AS "what!", e.approval_id, e.grant_id, e.subject, e.before,
                  e.after, e.nth AS "nth!"
           FROM workspaces w CROSS JOIN LATERAL (
               SELECT a.*, row_number() OVER (ORDER BY a.era, a.txid, a.id) AS nth FROM audit a
               WHERE a.workspace_id = w.id AND (a.era, a.txid, a.id) > ($1, $2::text::xid8, $3)
                 AND (a.txid < $4::text::xid8 OR a.era < (SELECT max(s.era) FROM audit_eras s))
               ORDER BY a.era, a.txid, a.id LIMIT $5) e
           ORDER BY e.era, e.txid, e.id"#,
        last.era,
        last.txid.to_string(),
        last.id,
        horizon.to_string(),
        each
    )
    .fetch_all(db)
    .await?;
    let mut entries = Vec::new();
    for row in rows {
        let is_last = row.nth >= each;
        let entry = Row {
            id: row.id,
            era: row.era,
            txid: row.txid,
            workspace_id: row.workspace_id,
            at: row.at,
            actor_kind: row.actor_kind,
            actor: row.actor,
            what: row.what,
            approval_id: row.approval_id,
            grant_id: row.grant_id,
            subject: row.subject,
            before: row.before,
            after: row.after,
        };
        entries.push(entry.read()?);
        if is_last {
            break;
        }
    }
    Ok(entries)
}

/// Adds leaves from this number on.
pub async fn add_leaves(db: &mut PgConnection, first: u64, leaves: &[Leaf]) -> sqlx::Result<()> {
    let ids: Vec<i64> = leaves.iter().map(|leaf| leaf.id).collect();
    let approvals: Vec<Option<Uuid>> =
        leaves.iter().map(|leaf| leaf.approval.map(ApprovalId::uuid)).collect();
    let salts: Vec<&[u8]> = leaves.iter().map(|leaf| leaf.salt.as_slice()).collect();
    let hashes: Vec<&[u8]> = leaves.iter().map(|leaf| leaf.hash.as_slice()).collect();
    sqlx::query!(
        "INSERT INTO audit_leaves (number, audit_id, approval_id, salt, hash)
         SELECT $1 + l.nth - 1, l.id, l.approval, l.salt, l.hash
         FROM unnest($2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[]) WITH ORDINALITY AS l (id, approval, salt, hash, nth)",
        signed(first),
        &ids,
        &approvals as &[Option<Uuid>],
        &salts as &[&[u8]],
        &hashes as &[&[u8]]
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds the roots of full tiles: level, number, hash.
pub async fn add_nodes(db: &mut PgConnection, nodes: &[(u8, u64, Hash)]) -> sqlx::Result<()> {
    if nodes.is_empty() {
        return Ok(());
    }
    let levels: Vec<i16> = nodes.iter().map(|(level, ..)| i16::from(*level)).collect();
    let numbers: Vec<i64> = nodes.iter().map(|(_, number, _)| signed(*number)).collect();
    let hashes: Vec<&[u8]> = nodes.iter().map(|(.., hash)| hash.as_slice()).collect();
    sqlx::query!(
        "INSERT INTO audit_nodes (level, number, hash) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])",
        &levels,
        &numbers,
        &hashes as &[&[u8]]
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Saves the state after leaves were added.
pub async fn advance(db: &mut PgConnection, size: u64, frontier: &[u8], last: Position) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE audit_log SET size = $1, frontier = $2, era = $3, txid = $4::text::xid8, entry = $5",
        signed(size),
        frontier,
        last.era,
        last.txid.to_string(),
        last.id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Saves a signed checkpoint, unless a larger one is there.
pub async fn save_checkpoint(
    db: &mut PgConnection,
    origin: &str,
    size: u64,
    checkpoint: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE audit_log SET checkpoint_size = $2, checkpoint = $3 WHERE origin = $1 AND checkpoint_size < $2",
        origin,
        signed(size),
        checkpoint
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The hashes of a level of tiles, with their numbers. Level 0 are the leaves.
pub async fn hashes(db: &mut PgConnection, level: u8, numbers: Range<u64>) -> sqlx::Result<Vec<(u64, Hash)>> {
    let (first, end) = (signed(numbers.start), signed(numbers.end));
    let rows: Vec<(i64, Vec<u8>)> = if level == 0 {
        sqlx::query!(
            "SELECT number, hash FROM audit_leaves WHERE number >= $1 AND number < $2 ORDER BY number",
            first,
            end
        )
        .fetch_all(db)
        .await?
        .into_iter()
        .map(|row| (row.number, row.hash))
        .collect()
    } else {
        sqlx::query!(
            "SELECT number, hash FROM audit_nodes WHERE level = $1 AND number >= $2 AND number < $3 ORDER BY number",
            i16::from(level),
            first,
            end
        )
        .fetch_all(db)
        .await?
        .into_iter()
        .map(|row| (row.number, row.hash))
        .collect()
    };
    let table = if level == 0 { "audit_leaves" } else { "audit_nodes" };
    let read = |(number, hash): (i64, Vec<u8>)| {
        let hash = hash.try_into().map_err(|_| CorruptRow::new(table, "hash", &number))?;
        Ok::<_, CorruptRow>((count(number, || CorruptRow::new(table, "number", &number))?, hash))
    };
    Ok(rows.into_iter().map(read).collect::<Result<_, _>>()?)
}

/// Sealed entries with these numbers, in their order.
pub async fn sealed(db: &mut PgConnection, numbers: Range<u64>) -> sqlx::Result<Vec<Sealed>> {
    let rows = sqlx::query!(
        r#"SELECT l.number, l.salt, l.hash, a.id AS "id?", a.era AS "era?", a.txid::text AS txid, a.workspace_id AS "workspace_id?",
                  a.at AS "at?", a.actor_kind AS "actor_kind?", a.actor, a.what AS "what?", a.approval_id, a.grant_id, a.subject,
                  a.before, a.after
           FROM audit_leaves l LEFT JOIN audit a ON a.id = l.audit_id
           WHERE l.number >= $1 AND l.number < $2 ORDER BY l.number"#,
        signed(numbers.start),
        signed(numbers.end)
    )
    .fetch_all(db)
    .await?;
    let mut sealed = Vec::new();
    for row in rows {
        let corrupt = |column| CorruptRow::new("audit_leaves", column, &row.number);
        let entry = match (row.id, row.era, row.txid, row.workspace_id, row.at, row.actor_kind, row.what) {
            (Some(id), Some(era), Some(txid), Some(workspace_id), Some(at), Some(actor_kind), Some(what)) => {
                let (approval_id, grant_id, actor, subject) =
                    (row.approval_id, row.grant_id, row.actor, row.subject);
                let (before, after) = (row.before, row.after);
                Some(Row {
                    id,
                    era,
                    txid,
                    workspace_id,
                    at,
                    actor_kind,
                    actor,
                    what,
                    approval_id,
                    grant_id,
                    subject,
                    before,
                    after,
                })
            }
            _ => None,
        };
        sealed.push(Sealed {
            number: count(row.number, || corrupt("number"))?,
            salt: row.salt.try_into().map_err(|_| corrupt("salt"))?,
            hash: row.hash.try_into().map_err(|_| corrupt("hash"))?,
            entry: entry.map(Row::read).transpose()?,
        });
    }
    Ok(sealed)
}

/// The number of the entry that ended an approval. `None`: it is not sealed yet, or was before there was a log.
pub async fn number_of_approval(db: &mut PgConnection, approval: ApprovalId) -> sqlx::Result<Option<u64>> {
    let number =
        sqlx::query_scalar!("SELECT min(number) FROM audit_leaves WHERE approval_id = $1", approval.uuid())
            .fetch_one(db)
            .await?;
    Ok(number.map(i64::unsigned_abs))
}

/// The number of an audit entry of a workspace. `None`: there is no such entry, or it is not sealed yet.
pub async fn number_of_entry(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    position: Position,
) -> sqlx::Result<Option<u64>> {
    let number = sqlx::query_scalar!(
        "SELECT l.number FROM audit_leaves l JOIN audit a ON a.id = l.audit_id
         WHERE l.audit_id = $1 AND a.workspace_id = $2 AND a.era = $3 AND a.txid = $4::text::xid8",
        position.id,
        workspace.uuid(),
        position.era,
        position.txid.to_string()
    )
    .fetch_optional(db)
    .await?;
    Ok(number.map(i64::unsigned_abs))
}

/// An entry that no leaf has.
#[derive(Debug, Clone)]
pub struct Unsealed {
    /// Where it stands.
    pub position: Position,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: String,
}

/// Entries that none of the first `size` leaves has, in the order of their ids. It reads the whole audit.
pub async fn without_leaf(db: &mut PgConnection, size: u64, limit: i64) -> sqlx::Result<Vec<Unsealed>> {
    let rows = sqlx::query!(
        r#"SELECT a.id, a.era, a.txid::text AS "txid!", a.at, a.what FROM audit a
           WHERE NOT EXISTS (SELECT FROM audit_leaves l WHERE l.audit_id = a.id AND l.number < $1)
           ORDER BY a.id LIMIT $2"#,
        signed(size),
        limit
    )
    .fetch_all(db)
    .await?;
    let read = rows.into_iter().map(|row| {
        let txid = row.txid.parse().map_err(|_| CorruptRow::new("audit", "txid", &row.id))?;
        let position = Position { era: row.era, txid, id: row.id };
        Ok::<_, CorruptRow>(Unsealed { position, at: row.at, what: row.what })
    });
    Ok(read.collect::<Result<_, _>>()?)
}

/// Begins another log the next time that something is sealed. For the owner of the tables.
pub async fn restart(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("SELECT restart_audit_log() AS restarted").fetch_one(db).await?;
    Ok(())
}

/// Postgres has no unsigned numbers. No log has more than 2^63 entries.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
