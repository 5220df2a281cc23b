//! The connections of one process.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{
    FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream, stream::BoxStream,
};
use sqlx::{
    Connection as _, Either, Execute, Executor, Postgres, Row as _, SqlStr,
    postgres::{PgConnectOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

use super::{ConnectError, Hosts, Limits, PgConnection, Tx, connection::Live, error_class::ErrorClass};

/// How long a connection rests before it is asked whether it still works.
const RESTED: Duration = Duration::from_secs(1);
/// How long it may take to say so: it leaves time to open another one.
const PING: Duration = Duration::from_millis(500);
/// How long an unused connection stays open.
const IDLE: Duration = Duration::from_mins(10);
/// How old a connection becomes, so that a server's memory for it is freed and load moves to new hosts.
const OLDEST: Duration = Duration::from_mins(30);
/// How often two connections are asked for their sessions.
const SESSION_CHECKS: usize = 3;
/// How long those who hold connections may take to give them back when the pool is closed.
const CLOSING: Duration = Duration::from_secs(5);

/// The database. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Db(Arc<Pool>);

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) hosts: Hosts,
    pub(super) limits: Limits,
    size: u32,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    /// When one was last lost: whichever was used last before has to prove that it works.
    distrusted_at: Mutex<Option<Instant>>,
    suspended: Mutex<Option<String>>,
    refuses_writes: AtomicBool,
}

struct Idle {
    live: Live,
    since: Instant,
}

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idle").field("since", &self.since).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Db {
    /// At most `size` connections to the hosts of `url`. They are opened when first needed: a database that is down
    /// fails requests, not the start.
    pub fn new(url: &str, size: u32, limits: Limits) -> Result<Self, sqlx::Error> {
        Ok(Self(Arc::new(Pool {
            hosts: Hosts::parse(url)?,
            limits,
            size,
            permits: Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(1))),
            idle: Mutex::default(),
            distrusted_at: Mutex::default(),
            suspended: Mutex::default(),
            refuses_writes: AtomicBool::new(false),
        })))
    }

    /// A connection.
    pub async fn acquire(&self) -> sqlx::Result<PgConnection> {
        if let Some(why) = lock(&self.0.suspended).clone() {
            return Err(ConnectError::Suspended(why).into());
        }
        self.acquire_for_checks().await
    }

    /// A connection even while the process is suspended: for what finds out whether it may go on, and changes nothing.
    pub async fn acquire_for_checks(&self) -> sqlx::Result<PgConnection> {
        let (live, permit) = self.0.get().await?;
        Ok(PgConnection::new(live, self.0.clone(), permit))
    }

    /// A transaction.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        Tx::begin(self.acquire().await?).await
    }

    /// Whether a pooler between gives transactions of one connection different sessions, or one session to two
    /// connections. It is asked without prepared statements, which such a pooler may lose.
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

    /// Brings the schema up to date, on a connection of its own and without a limit: it waits for what runs, and for
    /// another `migrate`, as long as that takes.
    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        let limits = Limits { statement: Duration::from_hours(24), ..self.0.limits };
        let deadline = Instant::now() + self.0.limits.acquire;
        let mut connection = self.0.hosts.connect(limits, deadline).await.map_err(sqlx::Error::from)?;
        sqlx::raw_sql("SET statement_timeout = 0; SET lock_timeout = 0").execute(&mut connection).await?;
        crate::storage::MIGRATIONS.run(&mut connection).await?;
        // The server has all it needs to know; if it does not hear of the end, it notices.
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
        *lock(&self.0.suspended) = Some(why);
    }

    /// Goes on. Whether it had been suspended.
    #[must_use]
    pub fn resume(&self) -> bool {
        lock(&self.0.suspended).take().is_some()
    }

    /// Why nothing is read or written, if so.
    #[must_use]
    pub fn suspension(&self) -> Option<String> {
        lock(&self.0.suspended).clone()
    }

    /// Whether Postgres refused a write for want of room, or because it is read-only, and none has been seen to
    /// succeed since.
    #[must_use]
    pub fn refuses_writes(&self) -> bool {
        self.0.refuses_writes.load(Ordering::Relaxed)
    }

    /// A write was seen to succeed.
    pub fn note_write(&self) {
        self.0.refuses_writes.store(false, Ordering::Relaxed);
    }

    /// Closes all connections, once those who hold them have given them back.
    pub async fn close(&self) {
        let _ = timeout(CLOSING, self.0.permits.acquire_many(self.0.size)).await;
        self.0.permits.close();
        let idle = std::mem::take(&mut *lock(&self.0.idle));
        for Idle { live, .. } in idle {
            let _ = timeout(PING, live.raw.close()).await;
        }
    }
}

async fn session(db: &mut PgConnection) -> sqlx::Result<i32> {
    let row = db.fetch_one(sqlx::raw_sql("SELECT pg_backend_pid() AS pid")).await?;
    row.try_get("pid")
}

impl Pool {
    async fn get(self: &Arc<Self>) -> Result<(Live, tokio::sync::OwnedSemaphorePermit), ConnectError> {
        let deadline = Instant::now() + self.limits.acquire;
        let all_in_use = || ConnectError::AllInUse { size: self.size };
        let permit = timeout_at(deadline, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| all_in_use())?
            .map_err(|_| ConnectError::Suspended("The connections to Postgres are closed.".to_owned()))?;
        while let Some(Idle { mut live, since }) = self.pop() {
            let distrusted = lock(&self.distrusted_at).is_some_and(|at| since <= at);
            if !distrusted && since.elapsed() < RESTED {
                return Ok((live, permit));
            }
            match timeout(PING, live.raw.ping()).await {
                Ok(Ok(())) => return Ok((live, permit)),
                // The server closed it.
                Ok(Err(_)) => self.distrust(),
                // A connection that is silent was most likely dropped on the way, and the others with it. There is no
                // time to ask each.
                Err(_) => self.clear(),
            }
        }
        // Boxed: seldom needed, and large, and part of every use case's future.
        let raw = Box::pin(self.connect(deadline)).await?;
        Ok((Live { raw, opened_at: Instant::now() }, permit))
    }

    /// Opens one, trying again while the server starts or is full for a moment. What it said last is the reason.
    async fn connect(&self, deadline: Instant) -> Result<sqlx::PgConnection, ConnectError> {
        let mut pause = Duration::from_millis(10);
        loop {
            let error = match self.hosts.connect(self.limits, deadline).await {
                Ok(raw) => return Ok(raw),
                Err(error) => error,
            };
            if !error.may_pass_soon() || Instant::now() + pause >= deadline {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(300));
        }
    }

    /// The connection that was used last, so that those which are not needed grow old.
    fn pop(&self) -> Option<Idle> {
        let mut idle = lock(&self.idle);
        idle.retain(|one| one.since.elapsed() < IDLE && one.live.opened_at.elapsed() < OLDEST);
        idle.pop()
    }

    /// Takes one back.
    pub(super) fn put(&self, live: Live) {
        if !self.permits.is_closed() {
            lock(&self.idle).push(Idle { live, since: Instant::now() });
        }
    }

    /// Has every connection that is idle now prove that it works.
    pub(super) fn distrust(&self) {
        *lock(&self.distrusted_at) = Some(Instant::now());
    }

    /// Closes every idle connection.
    pub(super) fn clear(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        drop(idle);
    }

    /// A write was refused.
    pub(super) fn note_refused_write(&self, class: ErrorClass) {
        if !self.refuses_writes.swap(true, Ordering::Relaxed) {
            tracing::error!(?class, "Postgres takes no writes: not ready until it does");
        }
    }
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
