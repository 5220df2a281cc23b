//! A private Postgres for tests and the demo that leaves nothing behind.
//!
//! If `DATABASE_URL` is set, databases are created on that server under unique names and dropped at the end. Existing
//! databases are not touched. Otherwise the sandbox starts a server in a new folder, as an unprivileged user if the
//! process runs as root, with the machine's own binaries or others (`sources.rs`).
//!
//! However the process ends, SIGKILL included, a watchdog stops the server and removes its folder. A [`Postgres`] isn't
//! tied to an async runtime: it can be a `static` that tests with separate runtimes share.

mod binaries;
mod cache;
mod databases;
mod download;
mod error;
mod folders;
mod packages;
mod server;
mod sources;
#[cfg(test)]
mod tests;
mod threads;
mod user;
mod watchdog;

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use self::databases::{Admin, environment, with_database};
pub use self::error::{OLDEST_MAJOR_VERSION, PostgresError};
use self::server::Server;
use self::threads::{run_on_thread, run_on_thread_blocking};
use self::watchdog::Watchdog;

/// How long a server may take from its start to its first answer, including recovery after a crash.
const START_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(15);

/// Which server to use, and its settings.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// The server to use instead of starting one. Its user must be allowed to create databases.
    pub database_url: Option<String>,
    /// Keep `fsync` and `full_page_writes` on, as in production. This is slower, and only needed to survive a crash of
    /// the machine: committed data survives [`Postgres::stop_server`] in any case. Has no effect on the server of
    /// `database_url`.
    pub durable: bool,
    /// Accept standbys, as a server with failover does. Has no effect on the server of `database_url`.
    pub standbys: bool,
}

impl PostgresOptions {
    /// The server that the variable `DATABASE_URL` names, if it is set and not empty.
    #[must_use]
    pub fn from_env() -> Self {
        let database_url = env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        Self { database_url, ..Self::default() }
    }
}

/// A database that was created for a test or a demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name, unique on its server.
    pub name: String,
    /// Its connection URL, including the password.
    pub url: String,
}

/// A Postgres server for creating databases. Clones share one server. Dropping the last one stops the server, or drops
/// the databases on a server that the sandbox didn't start.
#[derive(Debug, Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None` on a server that the sandbox didn't start.
    server: Option<Mutex<Server>>,
    admin: Admin,
    version: String,
    /// The prefix of all database names of this process.
    prefix: String,
    made: AtomicU32,
    _watchdog: Option<Watchdog>,
}

impl Postgres {
    /// Uses the server of `DATABASE_URL`, or starts one.
    ///
    /// # Errors
    /// [`PostgresError::Missing`] says what to install. The other variants say what failed.
    pub async fn start() -> Result<Self, PostgresError> {
        Self::start_with(PostgresOptions::from_env()).await
    }

    /// Like [`start`](Self::start), with options.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(options: PostgresOptions) -> Result<Self, PostgresError> {
        run_on_thread(|| start(options)).await
    }

    /// The connection URL of `database` on this server, including the password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        // `start` parsed this URL already.
        with_database(&self.inner.admin.url, database).unwrap_or_default()
    }

    /// The server's version, such as `15.18`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// The folder with the server's data and log, if the sandbox started it.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        self.inner.server().map(|server| server.folder().to_owned())
    }

    /// Creates a database: empty, or a copy of the database `template`, which must have no connections during the copy.
    ///
    /// # Errors
    /// [`PostgresError::Sql`] if the server refuses.
    pub async fn create_database(&self, template: Option<&str>) -> Result<Database, PostgresError> {
        let inner = Arc::clone(&self.inner);
        let template = template.map(str::to_owned);
        run_on_thread(async move || inner.create_database(template.as_deref()).await).await
    }

    /// Drops a database that [`create_database`](Self::create_database) made, and closes the connections to it. A
    /// database that doesn't exist is not an error.
    ///
    /// # Errors
    /// [`PostgresError::Sql`] if the server refuses, or if the name is of another kind.
    pub async fn drop_database(&self, name: &str) -> Result<(), PostgresError> {
        if !name.starts_with(&self.inner.prefix) {
            let reason = sqlx::Error::Configuration("it was not made here".into());
            return Err(PostgresError::sql(format!("drop the database {name}"))(reason));
        }
        let admin = self.inner.admin.clone();
        let name = name.to_owned();
        run_on_thread(async move || admin.drop(&name).await).await
    }

    /// Stops the server immediately, as a crash would: all connections break. Does nothing if it is stopped already.
    ///
    /// # Errors
    /// [`PostgresError::NotOurs`] on the server of `DATABASE_URL`.
    pub async fn stop_server(&self) -> Result<(), PostgresError> {
        let inner = Arc::clone(&self.inner);
        run_on_thread(async move || inner.server().ok_or(PostgresError::NotOurs)?.stop()).await
    }

    /// Starts the server again, on the same port and with the same data, and waits until it answers.
    ///
    /// # Errors
    /// [`PostgresError::NotOurs`] on the server of `DATABASE_URL`, [`PostgresError::NotReady`] if the server doesn't
    /// answer.
    pub async fn start_server(&self) -> Result<(), PostgresError> {
        let inner = Arc::clone(&self.inner);
        run_on_thread(async move || {
            let data = {
                let mut server = inner.server().ok_or(PostgresError::NotOurs)?;
                server.spawn()?;
                server.data()
            };
            let started = Instant::now();
            while !inner.admin.is_ready(&data).await {
                inner.server().ok_or(PostgresError::NotOurs)?.check(started)?;
                thread::sleep(POLL);
            }
            Ok(())
        })
        .await
    }

    /// [Stops](Self::stop_server) and [starts](Self::start_server) the server.
    ///
    /// # Errors
    /// As [`stop_server`](Self::stop_server) and [`start_server`](Self::start_server).
    pub async fn restart(&self) -> Result<(), PostgresError> {
        self.stop_server().await?;
        self.start_server().await
    }
}

impl Inner {
    fn server(&self) -> Option<MutexGuard<'_, Server>> {
        let server = self.server.as_ref()?;
        // A panic that poisoned the lock leaves a server that can still be stopped.
        Some(server.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn create_database(&self, template: Option<&str>) -> Result<Database, PostgresError> {
        loop {
            let name = format!("{}{}", self.prefix, self.made.fetch_add(1, Ordering::Relaxed));
            if self.admin.create(&name, template).await? {
                let url = with_database(&self.admin.url, &name)?;
                return Ok(Database { name, url });
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.server.is_some() {
            return;
        }
        let (admin, prefix) = (self.admin.clone(), self.prefix.clone());
        // The watchdog, which is dropped next, tries again, and so does the next start.
        let _ = run_on_thread_blocking(async move || {
            for name in admin.named(&prefix).await? {
                admin.drop(&name).await?;
            }
            Ok(())
        });
    }
}

async fn start(options: PostgresOptions) -> Result<Postgres, PostgresError> {
    let family = format!("countersign_{:08x}_", machine());
    let prefix = format!("{family}{}_", process::id());
    let (server, admin, version, watchdog) = if let Some(url) = options.database_url {
        let watchdog = Watchdog::for_databases(&prefix, &environment(&url)?)?;
        let admin = Admin { url };
        let version = admin.version().await?;
        admin.drop_stale(&family).await?;
        (None, admin, version, Some(watchdog))
    } else {
        let server = start_own(options.durable, options.standbys).await?;
        let admin = Admin { url: server.url("postgres") };
        let version = admin.version().await?;
        (Some(Mutex::new(server)), admin, version, None)
    };
    let inner = Inner { server, admin, version, prefix, made: AtomicU32::new(0), _watchdog: watchdog };
    Ok(Postgres { inner: Arc::new(inner) })
}

async fn start_own(durable: bool, standbys: bool) -> Result<Server, PostgresError> {
    let mut server = Server::create(sources::find_binaries().await?, durable, standbys)?;
    let started = Instant::now();
    server.spawn()?;
    loop {
        if (Admin { url: server.url("postgres") }).is_ready(&server.data()).await {
            return Ok(server);
        }
        // Another process may have taken the port first.
        if !server.is_running() && server.log_tail().contains("could not create any TCP/IP sockets") {
            server.change_port()?;
            server.spawn()?;
        }
        server.check(started)?;
        thread::sleep(POLL);
    }
}

impl Server {
    /// Fails if the server has exited or takes too long to become ready.
    fn check(&mut self, started: Instant) -> Result<(), PostgresError> {
        if self.is_running() && started.elapsed() < START_LIMIT {
            return Ok(());
        }
        Err(PostgresError::NotReady { seconds: started.elapsed().as_secs(), log: self.log_tail() })
    }
}

/// Distinguishes this machine or container from others that use the same server, because process ids are only unique
/// within one.
fn machine() -> u32 {
    let mut hasher = DefaultHasher::new();
    if let Ok(name) = Command::new("uname").arg("-n").output() {
        name.stdout.hash(&mut hasher);
    }
    fs::read("/etc/machine-id").ok().hash(&mut hasher);
    fs::read_link("/proc/self/ns/pid").ok().hash(&mut hasher);
    let hash = hasher.finish();
    u32::try_from(hash >> 32).unwrap_or_default()
}
