//! The database, as the rest of the program holds it.

use std::{sync::Arc, time::Duration};

use futures::{
    FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream, stream::BoxStream,
};
use sqlx::{
    Connection as _, Either, Execute, Executor, Postgres, Row as _, SqlStr,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::time::Instant;

use crate::storage::db::{
    connect_error::ConnectError,
    connection::PgConnection,
    error_class::{ErrorClass, classify, explain},
    hosts::Hosts,
    limits::Limits,
    migrating::{self, GIVING_WAY},
    plans::Plans,
    pool::Pool,
    transaction::{LockWait, Tx},
};

/// How often two connections are asked for their sessions.
const SESSION_CHECKS: usize = 3;

/// The database. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Db(Arc<Pool>);

impl Db {
    /// At most `size` connections to the hosts of `url`. They are opened when first needed: a database that is down
    /// fails requests, not the start.
    pub fn new(url: &str, size: u32, limits: Limits) -> Result<Self, sqlx::Error> {
        Ok(Self(Arc::new(Pool::new(Hosts::parse(url)?, size, limits))))
    }

    /// A connection.
    pub async fn acquire(&self) -> sqlx::Result<PgConnection> {
        self.acquire_planning(Plans::Chosen).await
    }

    /// A connection for statements whose plans Postgres keeps: see [`Plans::Kept`].
    pub async fn acquire_with_kept_plans(&self) -> sqlx::Result<PgConnection> {
        self.acquire_planning(Plans::Kept).await
    }

    async fn acquire_planning(&self, plans: Plans) -> sqlx::Result<PgConnection> {
        let mut db = self.acquire_any(plans).await?;
        db.plan(plans).await?;
        Ok(db)
    }

    /// A connection, if possible one whose session plans like this.
    async fn acquire_any(&self, plans: Plans) -> sqlx::Result<PgConnection> {
        if let Some(why) = self.suspension() {
            return Err(ConnectError::Suspended(why).into());
        }
        let (live, permit) = self.0.get(plans).await?;
        Ok(PgConnection::new(live, self.0.clone(), permit))
    }

    /// A connection even while the process is suspended: for what finds out whether it may go on, and changes nothing.
    pub async fn acquire_for_checks(&self) -> sqlx::Result<PgConnection> {
        let (live, permit) = self.0.get(Plans::Chosen).await?;
        Ok(PgConnection::new(live, self.0.clone(), permit))
    }

    /// A transaction.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        self.begin_with(LockWait::Usual, Plans::Chosen).await
    }

    /// A transaction whose statements wait so long for rows that others hold, and are planned like this.
    pub async fn begin_with(&self, wait: LockWait, plans: Plans) -> sqlx::Result<Tx> {
        Tx::begin(self.acquire_any(plans).await?, wait, plans).await
    }

    /// Whether a pooler between gives transactions of one connection different sessions, or one session to two
    /// connections. Checks without prepared statements, which such a pooler may lose.
    pub async fn shares_sessions(&self) -> sqlx::Result<bool> {
        let (mut one, mut other) = (self.acquire_for_checks().await?, self.acquire_for_checks().await?);
        let mut seen = None;
        for _ in 0..SESSION_CHECKS {
            let pids = (session(&mut one).await?, session(&mut other).await?);
            if pids.0 == pids.1 || seen.is_some_and(|seen| seen != pids) {
                return Ok(true);
            }
            seen = Some(pids);
        }
        Ok(false)
    }

    /// Brings the schema up to date, on a connection of its own and without a limit: it waits for running statements, and
    /// for another `migrate`, as long as that takes.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        let limits = Limits { statement: Duration::from_hours(24), ..self.0.limits };
        let deadline = Instant::now() + self.0.limits.acquire;
        let mut connection = self.0.hosts.connect(limits, deadline).await.map_err(sqlx::Error::from)?;
        sqlx::raw_sql("SET statement_timeout = 0").execute(&mut connection).await?;
        // Another `migrate` may be building an index concurrently, which waits for every running statement. So this one
        // polls, instead of waiting in a statement.
        while !lock_migrations(&mut connection).await? {
            tokio::time::sleep(GIVING_WAY).await;
        }
        migrating::run(&mut connection).await?;
        // The migrations are committed. If the goodbye gets lost, the server notices the closed socket itself.
        let _ = connection.close().await;
        Ok(())
    }

    /// What reaches the host that takes writes, for the one connection that is not of the pool: the listener's.
    pub async fn options(&self) -> Result<PgConnectOptions, ConnectError> {
        self.0.hosts.of_writable(self.0.limits, Instant::now() + self.0.limits.acquire).await
    }

    /// The hosts.
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.0.hosts
    }

    /// How long Postgres may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Lets nothing be read or written until [`Db::resume`], and says why.
    pub fn suspend(&self, why: String) {
        self.0.suspend(why);
    }

    /// Goes on. Whether it had been suspended.
    #[must_use]
    pub fn resume(&self) -> bool {
        self.0.resume()
    }

    /// Why nothing is read or written, if so.
    #[must_use]
    pub fn suspension(&self) -> Option<String> {
        self.0.suspension()
    }

    /// Whether this error says only that Postgres can't be used now. Background loops meet it many times a second, so it
    /// is logged here, once a minute for all of them, and not by the loop.
    #[must_use]
    pub fn log_outage(&self, error: &sqlx::Error) -> bool {
        let is_outage = matches!(classify(error), ErrorClass::Unreachable | ErrorClass::NotMigrated);
        // Why the process is suspended was logged when it was.
        if is_outage && self.suspension().is_none() {
            self.0.log_outage(&explain(error));
        }
        is_outage
    }

    /// Whether Postgres refused a write for want of room, or because it is read-only, and none has been seen to
    /// succeed since.
    #[must_use]
    pub fn refuses_writes(&self) -> bool {
        self.0.refuses_writes()
    }

    /// A write was seen to succeed.
    pub fn note_write(&self) {
        self.0.note_write();
    }

    /// Closes all connections, once those who hold them have given them back.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

/// Takes the lock that a `migrate` holds until it disconnects. `false`: another one has it.
async fn lock_migrations(connection: &mut sqlx::PgConnection) -> sqlx::Result<bool> {
    let lock = "SELECT pg_try_advisory_lock(hashtext('countersign'), hashtext('migrate')) AS locked";
    connection.fetch_one(sqlx::raw_sql(lock)).await?.try_get("locked")
}

async fn session(db: &mut PgConnection) -> sqlx::Result<i32> {
    let row = db.fetch_one(sqlx::raw_sql("SELECT pg_backend_pid() AS pid")).await?;
    row.try_get("pid")
}

type Item = Result<Either<PgQueryResult, PgRow>, sqlx::Error>;

/// A single statement on a connection of the pool.
impl<'c> Executor<'c> for &'c Db {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Item>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        stream::once(async move {
            let mut db = self.acquire().await?;
            let items: Vec<_> = (&mut db).fetch_many(query).try_collect().await?;
            Ok::<_, sqlx::Error>(stream::iter(items.into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        async move {
            let mut db = self.acquire().await?;
            (&mut db).fetch_optional(query).await
        }
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        async move {
            let mut db = self.acquire().await?;
            (&mut db).prepare_with(sql, parameters).await
        }
        .boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<sqlx::Describe<Postgres>>>
    where
        'c: 'e,
    {
        async move {
            let mut db = self.acquire().await?;
            (&mut db).describe(sql).await
        }
        .boxed()
    }
}
