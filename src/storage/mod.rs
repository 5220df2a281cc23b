//! The only SQL. One table a file; the two hot paths, asking and deciding, have statements of their own that do
//! several tables' work in one round trip ([`ask`], [`decide`]).
//!
//! Functions take a connection, so that the caller owns the transaction. Locks are always taken in the same order:
//! workspace, approval, member, integration, action, connection, conversation, grant.

pub mod actions;
pub mod api_keys;
pub mod approvals;
pub mod approvals_list;
pub mod ask;
pub mod attempts;
pub mod audit;
pub mod audit_eras;
pub mod backends;
pub mod claims;
pub mod connections;
pub mod conversations;
pub mod decide;
pub mod deliveries;
pub mod events;
pub mod grants;
pub mod homes;
pub mod install_states;
pub mod installations;
pub mod integrations;
pub mod members;
pub mod outbox;
pub mod overview;
pub mod profiles;
pub mod prompt_failures;
pub mod prompts;
pub mod repeats;
pub mod sealed;
pub mod settings;
pub mod stored;
pub mod unlock_requests;
pub mod workspaces;

use sqlx::{Connection as _, PgPool, Postgres, Transaction, postgres::PgPoolOptions};

/// A transaction on Postgres.
pub type Tx = Transaction<'static, Postgres>;

/// The schema, in order. Forward only.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The channel on which a transaction says that it left work in the outbox; the payload is the kind.
pub const OUTBOX_CHANNEL: &str = "countersign_outbox";
/// The channel on which a transaction says that an approval ended; the payload is its UUID.
pub const ENDED_CHANNEL: &str = "countersign_ended";

/// How long a statement waits for a row that another transaction holds. One that waits for a synchronous standby holds its
/// rows until that answers.
pub const LOCK_LIMIT: std::time::Duration = std::time::Duration::from_millis(2500);

/// How long a connection rests before it is asked whether it still works.
const RESTED: std::time::Duration = std::time::Duration::from_secs(1);

/// Opens a pool of at most `size` connections. Connections are made when first needed: a database that is down
/// fails requests, not the start.
pub fn pool(url: &str, size: u32) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(size)
        // Less than a click may take, so that a database that is away is an error and not an unclear end.
        .acquire_timeout(std::time::Duration::from_millis(1500))
        .test_before_acquire(false)
        // A busy connection is used as it is; one that has rested may be one of before a restart of the database.
        .before_acquire(|connection, known| {
            Box::pin(async move {
                if known.idle_for < RESTED {
                    return Ok(true);
                }
                Ok(connection.ping().await.is_ok())
            })
        })
        // By a statement: a pooler in between may refuse settings in the start-up packet.
        .after_connect(|connection, _| Box::pin(async move { limit_locks(connection, LOCK_LIMIT).await }))
        .connect_lazy(url)
}

/// Limits how long this connection's statements wait for locks; zero: as long as it takes.
pub async fn limit_locks(db: &mut sqlx::PgConnection, limit: std::time::Duration) -> sqlx::Result<()> {
    let set = format!("SET lock_timeout = {}", limit.as_millis());
    sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(db).await?;
    Ok(())
}

/// Whether a statement waited too long for what another transaction holds (PostgreSQL's `lock_not_available`).
#[must_use]
pub fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("55P03")
}

/// Whether the connection broke, or was closed by the database's shutdown: another one may well do.
#[must_use]
pub fn is_a_lost_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P02")),
        _ => false,
    }
}

/// Whether trying the same transaction again may well succeed: it was chosen as a deadlock's victim, could not be
/// serialised, another one wrote the same unique row first, or the connection broke before the commit was sent.
#[must_use]
pub fn is_worth_retrying(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => {
            // Serialization failure, deadlock; admin shutdown, crash shutdown, cannot connect now
            // (PostgreSQL's appendix A, "Error Codes").
            matches!(error.code().as_deref(), Some("40001" | "40P01" | "57P01" | "57P02" | "57P03"))
                || error.is_unique_violation()
        }
        _ => false,
    }
}

/// The server's version, as `server_version_num` counts it, and its clock.
pub async fn server(db: &mut sqlx::PgConnection) -> sqlx::Result<(i32, chrono::DateTime<chrono::Utc>)> {
    let row = sqlx::query!(
        r#"SELECT current_setting('server_version_num')::int AS "version!", clock_timestamp() AS "time!""#
    )
    .fetch_one(db)
    .await?;
    Ok((row.version, row.time))
}

/// What becomes of a commit when the server, or the machine it runs on, goes down.
#[derive(Debug, Clone)]
pub struct Durability {
    /// `fsync`: what is written reaches the disk.
    pub fsync: bool,
    /// `full_page_writes`: a page that was half written can be mended.
    pub full_page_writes: bool,
    /// `synchronous_commit`.
    pub synchronous_commit: String,
    /// `synchronous_standby_names`.
    pub synchronous_standby_names: String,
    /// How many standbys are connected.
    pub standbys: i64,
}

/// Reads it.
pub async fn durability(db: &mut sqlx::PgConnection) -> sqlx::Result<Durability> {
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

/// What lets this connection's role change the audit in spite of its triggers: `superuser`, `owner`, or nothing.
pub async fn power_over_audit(db: &mut sqlx::PgConnection) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"SELECT CASE WHEN r.rolsuper THEN 'superuser'
                       WHEN pg_has_role(r.oid, t.relowner, 'MEMBER') THEN 'owner' END AS power
           FROM pg_roles r, pg_class t WHERE r.rolname = current_user AND t.oid = 'audit'::regclass"#
    )
    .fetch_one(db)
    .await
}

/// The newest migration that was applied. Not a checked query: the table is made by the migrations themselves.
pub async fn newest_migration(db: &mut sqlx::PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success")
        .fetch_one(db)
        .await
}
