//! All SQL of the program.
//!
//! | module | holds |
//! | --- | --- |
//! | [`tables`] | one table a file |
//! | [`statements`] | the few statements that span tables: creating an approval, deciding it, claiming outbox rows |
//! | [`read_models`] | what a screen, a list or an export shows |
//! | [`effects`] | the one writer of the audit and the outbox |
//! | [`db`] | the connections |
//!
//! Functions take a connection, so that the caller owns the transaction. Locks are always taken in the same order:
//! workspace, approval, member, integration, action, connection, conversation, grant.

pub mod db;
pub mod effects;
pub mod read_models;
pub mod statements;
pub mod stored;
pub mod tables;

pub use db::{
    ConnectError, Db, ErrorClass, Hosts, LOCK_LIMIT, Limits, LockWait, NOT_MIGRATED, PgConnection, Plans,
    TlsUse, Tx, classify, connect_error, explain, is_a_lock_timeout, is_a_lock_timeout_at,
    is_a_lost_connection, is_worth_retrying, migrations::MIGRATIONS,
};

/// The channel that a transaction notifies when it adds work to the outbox. The payload is the row's kind.
pub const OUTBOX_CHANNEL: &str = "countersign_outbox";
/// The channel that a transaction notifies when an approval ends. The payload is the approval's UUID.
pub const ENDED_CHANNEL: &str = "countersign_ended";

/// The lowest and the highest of these ids. A statement that names many ids compares with them as well: a kept plan
/// tells by them which partitions it need not look at.
fn bounds(ids: &[uuid::Uuid]) -> (uuid::Uuid, uuid::Uuid) {
    let lowest = ids.iter().min().copied().unwrap_or_default();
    (lowest, ids.iter().max().copied().unwrap_or_default())
}

/// The server's clock.
pub async fn time(db: &mut PgConnection) -> sqlx::Result<chrono::DateTime<chrono::Utc>> {
    sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "time!""#).fetch_one(db).await
}

/// Whether the server refuses writes, because it is a standby or its transactions are read-only.
pub async fn is_read_only(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS "read_only!""#
    )
    .fetch_one(db)
    .await
}

/// Writes enough to need new disk space, which fails on a full disk. The caller rolls back.
pub async fn probe_writes(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("INSERT INTO write_probes (padding) VALUES (repeat('x', 262144))").execute(db).await?;
    Ok(())
}

/// The server's version in the form of `server_version_num`, and its clock.
pub async fn server(db: &mut PgConnection) -> sqlx::Result<(i32, chrono::DateTime<chrono::Utc>)> {
    let row = sqlx::query!(
        r#"SELECT current_setting('server_version_num')::int AS "version!", clock_timestamp() AS "time!""#
    )
    .fetch_one(db)
    .await?;
    Ok((row.version, row.time))
}

/// The settings that decide whether a commit survives a crash of the server or its machine.
#[derive(Debug, Clone)]
pub struct Durability {
    /// `fsync`: whether writes are forced to the disk.
    pub fsync: bool,
    /// `full_page_writes`: whether a page that was only partly written can be repaired.
    pub full_page_writes: bool,
    /// `synchronous_commit`: what a commit waits for.
    pub synchronous_commit: String,
    /// `synchronous_standby_names`: the standbys that a commit waits for.
    pub synchronous_standby_names: String,
    /// The number of connected standbys.
    pub standbys: i64,
}

/// Reads the server's durability settings.
pub async fn durability(db: &mut PgConnection) -> sqlx::Result<Durability> {
    sqlx::query_as!(
        Durability,
        r#"SELECT current_setting('fsync')::bool AS "fsync!", current_setting('full_page_writes')::bool AS "full_page_writes!",
                  current_setting('synchronous_commit') AS "synchronous_commit!",
                  current_setting('synchronous_standby_names') AS "synchronous_standby_names!",
                  (SELECT count(*) FROM pg_stat_replication) AS "standbys!""#
    )
    .fetch_one(db)
    .await
}

/// JSON as text, in the form in which it was given. Not bound as [`sqlx::types::Json`]: Postgres would convert that to
/// `jsonb`, which reorders members and refuses U+0000.
fn json_text(value: &impl serde::Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// How many locks fit into Postgres' table of locks, and how many a statement on partitioned tables takes.
#[derive(Debug, Clone, Copy)]
pub struct LockRoom {
    /// `max_locks_per_transaction`.
    pub per_session: i64,
    /// For how many sessions there is so much room: `max_connections` and `max_prepared_transactions`.
    pub sessions: i64,
    /// The partitions of all tables.
    pub partitions: i64,
    /// The partitions and their indexes. Postgres locks those of a statement's tables while it plans the statement.
    pub relations: i64,
}

/// Reads the room for locks, and what takes it.
pub async fn lock_room(db: &mut PgConnection) -> sqlx::Result<LockRoom> {
    sqlx::query_as!(
        LockRoom,
        r#"SELECT current_setting('max_locks_per_transaction')::bigint AS "per_session!",
                  current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint
                      AS "sessions!",
                  count(DISTINCT i.inhrelid) AS "partitions!",
                  count(DISTINCT i.inhrelid) + count(x.indexrelid) AS "relations!"
           FROM pg_class p JOIN pg_inherits i ON i.inhparent = p.oid LEFT JOIN pg_index x ON x.indrelid = i.inhrelid
           WHERE p.relkind = 'p' AND p.relname IN ('approvals', 'prompts', 'outbox', 'attempts', 'audit')
             AND pg_table_is_visible(p.oid)"#
    )
    .fetch_one(db)
    .await
}

/// Why this connection's role can change the audit despite its triggers: `superuser` or `owner`. `None` if it can't.
pub async fn power_over_audit(db: &mut PgConnection) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"SELECT CASE WHEN r.rolsuper THEN 'superuser'
                       WHEN pg_has_role(r.oid, t.relowner, 'MEMBER') THEN 'owner' END AS power
           FROM pg_roles r, pg_class t WHERE r.rolname = current_user AND t.oid = 'audit'::regclass"#
    )
    .fetch_one(db)
    .await
}

/// Whether the schema has every migration of this program. A newer one has them too.
pub async fn is_migrated(db: &mut PgConnection) -> sqlx::Result<bool> {
    let needed = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    match newest_migration(db).await {
        Ok(newest) => Ok(newest >= needed),
        Err(error) if classify(&error) == ErrorClass::NotMigrated => Ok(false),
        Err(error) => Err(error),
    }
}

/// The version of the newest applied migration. Not a checked query, because sqlx's migrator creates the table.
pub async fn newest_migration(db: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success")
        .fetch_one(db)
        .await
}
