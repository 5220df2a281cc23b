//! A Postgres of its own for tests and the demo, which leaves nothing behind.
//!
//! Where `DATABASE_URL` is set, databases are created on that server, under names of our own, and dropped at the end; what is
//! there already isn't touched. Else a server is started in a fresh folder, as an unprivileged user if we are root: from the
//! machine's own binaries, or else from other sources (`sources.rs`).
//!
//! However the process ends, SIGKILL included, a watchdog stops the server and removes its folder. A [`Postgres`] is tied to no
//! async runtime: it can stand in a `static` and be used by tests that each have a runtime of their own.

mod aside;
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

use self::aside::{aside, aside_blocking};
use self::databases::{Admin, environment, with_database};
pub use self::error::{OLDEST_MAJOR_VERSION, PostgresError};
use self::server::Server;
use self::watchdog::Watchdog;

/// How long a server may take from its start to its first answer; recovery after a crash included.
const START_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(15);

/// Which server to have, and how.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// The server to use instead of one of our own; its user must be allowed to create databases.
    pub database_url: Option<String>,
    /// Keep `fsync` and `full_page_writes` on, as in production. Slower, and needed only to survive a crash of the machine: what
    /// was committed survives [`Postgres::stop_server`] in any case. Has no effect on the server of `database_url`.
    pub durable: bool,
    /// Take standbys, as a server does that may fail over. Has no effect on the server of `database_url`.
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

/// A database that was made for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name, unique on its server.
    pub name: String,
    /// Where to connect to it, password included.
    pub url: String,
}

/// A Postgres server to make databases on. Clones are the same server; when the last is dropped, the server (or, on a server
/// that isn't ours, the databases) goes.
#[derive(Debug, Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None` on a server that isn't ours.
    server: Option<Mutex<Server>>,
    admin: Admin,
    version: String,
    /// What the names of all databases of this process begin with.
    prefix: String,
    made: AtomicU32,
    _watchdog: Option<Watchdog>,
}

impl Postgres {
    /// The server of `DATABASE_URL`, or one of our own.
    ///
    /// # Errors
    /// [`PostgresError::Missing`] says what to install; the others say what went wrong.
    pub async fn start() -> Result<Self, PostgresError> {
        Self::start_with(PostgresOptions::from_env()).await
    }

    /// As [`start`](Self::start), with other options.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(options: PostgresOptions) -> Result<Self, PostgresError> {
        aside(|| start(options)).await
    }

    /// Where to connect to `database` on this server, password included.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        // The URL was parsed once before this exists.
        with_database(&self.inner.admin.url, database).unwrap_or_default()
    }

    /// The server's version, such as `15.18`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// The folder with the server's data and log, if it is ours.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        self.inner.server().map(|server| server.folder().to_owned())
    }

    /// A new database: empty, or a copy of the database called `template`, to which nobody may be connected meanwhile.
    ///
    /// # Errors
    /// [`PostgresError::Sql`] if the server refuses.
    pub async fn create_database(&self, template: Option<&str>) -> Result<Database, PostgresError> {
        let inner = Arc::clone(&self.inner);
        let template = template.map(str::to_owned);
        aside(async move || inner.create_database(template.as_deref()).await).await
    }

    /// Drops a database of ours, cutting the connections to it. One that isn't there is no error.
    ///
    /// # Errors
    /// [`PostgresError::Sql`] if the server refuses, or if the name isn't one that [`create_database`](Self::create_database) gave.
    pub async fn drop_database(&self, name: &str) -> Result<(), PostgresError> {
        if !name.starts_with(&self.inner.prefix) {
            let reason = sqlx::Error::Configuration("it was not made here".into());
            return Err(PostgresError::sql(format!("drop the database {name}"))(reason));
        }
        let admin = self.inner.admin.clone();
        let name = name.to_owned();
        aside(async move || admin.drop(&name).await).await
    }

    /// Stops the server in mid-flight, as a crash would: all connections are cut. Stopping it again does nothing.
    ///
    /// # Errors
    /// [`PostgresError::NotOurs`] on the server of `DATABASE_URL`.
    pub async fn stop_server(&self) -> Result<(), PostgresError> {
        let inner = Arc::clone(&self.inner);
        aside(async move || inner.server().ok_or(PostgresError::NotOurs)?.stop()).await
    }

    /// Starts it again, on the same port and with the same data, and waits until it answers.
    ///
    /// # Errors
    /// [`PostgresError::NotOurs`] on the server of `DATABASE_URL`, [`PostgresError::NotReady`] if it doesn't answer.
    pub async fn start_server(&self) -> Result<(), PostgresError> {
        let inner = Arc::clone(&self.inner);
        aside(async move || {
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
    /// As those two.
    pub async fn restart(&self) -> Result<(), PostgresError> {
        self.stop_server().await?;
        self.start_server().await
    }
}

impl Inner {
    fn server(&self) -> Option<MutexGuard<'_, Server>> {
        let server = self.server.as_ref()?;
        // A panic while it was held leaves a server that can still be stopped.
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
        // What fails here is tried again by the watchdog, which is dropped next, and by the next start.
        let _ = aside_blocking(async move || {
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
        // Another process may have been quicker to take the port.
        if !server.is_running() && server.log_tail().contains("could not create any TCP/IP sockets") {
            server.change_port()?;
            server.spawn()?;
        }
        server.check(started)?;
        thread::sleep(POLL);
    }
}

impl Server {
    /// Fails if it has ended, or is taking too long to become ready.
    fn check(&mut self, started: Instant) -> Result<(), PostgresError> {
        if self.is_running() && started.elapsed() < START_LIMIT {
            return Ok(());
        }
        Err(PostgresError::NotReady { seconds: started.elapsed().as_secs(), log: self.log_tail() })
    }
}

/// Tells this machine from others that use the same server, and this container from others: process ids mean something only
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
