//! Where Postgres is: one host, or several of which one is the primary.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use sqlx::{
    ConnectOptions as _, Row as _,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::storage::db::{
    connect_error::{ConnectError, address},
    limits::Limits,
};

/// The hosts that `DATABASE_URL` names.
pub struct Hosts {
    each: Vec<PgConnectOptions>,
    /// The one that was writable last.
    last: AtomicUsize,
}

/// Without the passwords, which sqlx's options would print.
impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hosts").field(&self.named()).finish()
    }
}

/// How a connection is protected on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsUse {
    /// It does not leave the machine, or the server has to prove who it is.
    Safe,
    /// A machine in the middle can read and change everything. Holds the mode and the host.
    Unverified(&'static str, String),
}

impl Hosts {
    /// Reads `postgres://user:password@host:5432,other:5432/database`. With several hosts the one is used that takes
    /// writes, as with libpq's `target_session_attrs=read-write`.
    pub fn parse(url: &str) -> Result<Self, sqlx::Error> {
        let refuse = |why: &str| sqlx::Error::Configuration(why.to_owned().into());
        let each: Vec<_> =
            split(url).map_err(refuse)?.iter().map(|url| options(url)).collect::<Result<_, _>>()?;
        if each.is_empty() {
            return Err(refuse("it names no host"));
        }
        Ok(Self { each, last: AtomicUsize::new(0) })
    }

    /// Whether there is more than one.
    pub(super) const fn are_several(&self) -> bool {
        self.each.len() > 1
    }

    /// Checks whether the host of a connection no longer accepts writes while another host may. With a single host, only
    /// checks that it still responds.
    pub async fn was_demoted(&self, connection: &mut sqlx::PgConnection) -> sqlx::Result<bool> {
        let row = sqlx::raw_sql(READ_ONLY).fetch_one(connection).await?;
        Ok(self.are_several() && row.try_get("read_only")?)
    }

    /// How connections are protected: the worst of them.
    #[must_use]
    pub fn tls(&self) -> TlsUse {
        let unverified = |options: &PgConnectOptions| {
            let host = options.get_host();
            let local = options.get_socket().is_some()
                || host == "localhost"
                || host
                    .trim_matches(['[', ']'])
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback());
            let mode = match options.get_ssl_mode() {
                PgSslMode::VerifyCa | PgSslMode::VerifyFull => return None,
                PgSslMode::Disable => "disable",
                PgSslMode::Allow => "allow",
                PgSslMode::Prefer => "prefer",
                PgSslMode::Require => "require",
            };
            (!local).then(|| TlsUse::Unverified(mode, host.to_owned()))
        };
        self.each.iter().find_map(unverified).unwrap_or(TlsUse::Safe)
    }

    /// Where they are, for people: never the password.
    #[must_use]
    pub fn named(&self) -> String {
        self.each.iter().map(address).collect::<Vec<_>>().join(", ")
    }

    /// Opens a connection: to the one host, or to that of several which takes writes.
    pub(super) async fn connect(
        &self,
        limits: Limits,
        deadline: Instant,
    ) -> Result<sqlx::PgConnection, ConnectError> {
        if let [only] = self.each.as_slice() {
            return open(only, limits, deadline).await.map(|opened| opened.connection);
        }
        let began = Instant::now();
        // The last primary most often still is. It gets a third of the time before the others are asked beside it.
        let last = self.last.load(Ordering::Relaxed) % self.each.len();
        let head_start = began + deadline.saturating_duration_since(began) / 3;
        if let Ok(connection) = writable(&self.each[last], limits, head_start).await {
            return Ok(connection);
        }
        let mut attempts: FuturesUnordered<_> = self
            .each
            .iter()
            .enumerate()
            .map(|(index, options)| async move { (index, writable(options, limits, deadline).await) })
            .collect();
        let mut errors = Vec::new();
        while let Some((index, attempt)) = attempts.next().await {
            match attempt {
                Ok(connection) => {
                    if self.last.swap(index, Ordering::Relaxed) != index {
                        let host = address(&self.each[index]);
                        tracing::warn!(host, "Another Postgres host accepts writes now");
                    }
                    return Ok(connection);
                }
                Err(error) => errors.push(error),
            }
        }
        Err(ConnectError::NoneWritable(errors))
    }

    /// What reaches the host that takes writes, for a connection that something else opens.
    pub(super) async fn of_writable(
        &self,
        limits: Limits,
        deadline: Instant,
    ) -> Result<PgConnectOptions, ConnectError> {
        if self.are_several() {
            drop(self.connect(limits, deadline).await?);
        }
        Ok(self.each[self.last.load(Ordering::Relaxed) % self.each.len()].clone())
    }
}

/// Whether the server takes no writes.
const READ_ONLY: &str =
    "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only";

struct Opened {
    connection: sqlx::PgConnection,
    read_only: bool,
}

async fn writable(
    options: &PgConnectOptions,
    limits: Limits,
    deadline: Instant,
) -> Result<sqlx::PgConnection, ConnectError> {
    let opened = open(options, limits, deadline).await?;
    if opened.read_only {
        Err(ConnectError::ReadOnly { at: address(options) })
    } else {
        Ok(opened.connection)
    }
}

async fn open(options: &PgConnectOptions, limits: Limits, deadline: Instant) -> Result<Opened, ConnectError> {
    let limit = deadline.saturating_duration_since(Instant::now());
    let opening = async {
        let mut connection = options.connect().await?;
        let row = sqlx::raw_sql(sqlx::AssertSqlSafe(settings(limits))).fetch_one(&mut connection).await?;
        Ok(Opened { connection, read_only: row.try_get("read_only")? })
    };
    match timeout_at(deadline, opening).await {
        Ok(opened) => opened.map_err(|error| ConnectError::new(options, &error)),
        Err(_) => Err(ConnectError::timed_out(options, limit)),
    }
}

/// Sets Postgres' own time limits, so that sessions of a dead instance don't hold locks for long, and asks whether the
/// server accepts writes. Sent after connecting, because a pooler refuses start-up options.
///
/// Plans don't depend on statistics. Postgres keeps the plan of a prepared statement, and one that was made while a table
/// was almost empty would go on reading the whole table as it grows. Everything that this program reads has an index, so
/// sequential scans are the last choice (`enable_seqscan`: <https://www.postgresql.org/docs/current/runtime-config-query.html>).
/// Where one can't be avoided, its nominal cost would set off the just-in-time compiler, so that is off.
fn settings(limits: Limits) -> String {
    let statement = limits.statement.saturating_sub(Duration::from_secs(1)).max(limits.statement / 2);
    // A transaction here is never idle for longer than a use case computes. The last: what was sent to a client that is
    // gone is given up on (Postgres ignores it where the system can't).
    format!(
        "SELECT set_config('statement_timeout', '{}', false),
                set_config('lock_timeout', '{}', false),
                set_config('idle_in_transaction_session_timeout', '{}', false),
                set_config('tcp_user_timeout', '{}', false),
                set_config('enable_seqscan', 'off', false),
                set_config('jit', 'off', false),
                pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only",
        statement.as_millis(),
        limits.lock.as_millis(),
        limits.statement.as_millis(),
        limits.statement.as_millis(),
    )
}

/// The URL of each host.
fn split(url: &str) -> Result<Vec<String>, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("it has no scheme")?;
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err("its scheme is not postgres");
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
    let at = if user.is_empty() { "" } else { "@" };
    hosts
        .split(',')
        .map(|host| match host {
            "" if hosts.contains(',') => Err("one of its hosts is empty"),
            host => Ok(format!("{scheme}://{user}{at}{host}{tail}")),
        })
        .collect()
}

/// Reads the URL of one host.
fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let mut url = Url::parse(url).map_err(|error| sqlx::Error::Configuration(error.into()))?;
    let mut kept = Vec::new();
    for (name, value) in url.query_pairs() {
        match (name.as_ref(), value.as_ref()) {
            // What is done anyway.
            ("target_session_attrs", "any" | "read-write" | "primary") => {}
            ("target_session_attrs", _) => {
                let why = "target_session_attrs must be read-write: Countersign writes";
                return Err(sqlx::Error::Configuration(why.into()));
            }
            _ => kept.push((name.into_owned(), value.into_owned())),
        }
    }
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    // Postgres 12 and newer print floats exactly without being told, and poolers refuse to be told.
    Ok(PgConnectOptions::from_url(&url)?.extra_float_digits(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_name_several_hosts() {
        let url = "postgres://me:p%40ss@one:5433,two,[::1]:6000/countersign?target_session_attrs=read-write&sslmode=verify-full";
        let hosts = Hosts::parse(url).unwrap();
        assert_eq!(hosts.named(), "one:5433, two:5432, [::1]:6000");
        assert!(hosts.each.iter().all(|one| one.get_database() == Some("countersign")));
        assert_eq!(hosts.tls(), TlsUse::Safe);
    }

    #[test]
    fn a_url_that_asks_for_a_standby_is_refused() {
        let error = Hosts::parse("postgres://one,two/db?target_session_attrs=standby").unwrap_err();
        assert!(error.to_string().contains("must be read-write"), "{error}");
        for wrong in ["mysql://one/db", "postgres://one,,two/db", "one/db", "postgres://one:port/db"] {
            assert!(Hosts::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_a_verifying_sslmode_a_remote_server_is_not_verified() {
        let tls = |url| Hosts::parse(url).unwrap().tls();
        let unverified = |mode| TlsUse::Unverified(mode, "db.example.com".to_owned());
        assert_eq!(tls("postgres://db.example.com/db"), unverified("prefer"));
        // Unlike libpq's, this one does not verify where a root certificate is named.
        assert_eq!(
            tls("postgres://db.example.com/db?sslmode=require&sslrootcert=ca.pem"),
            unverified("require")
        );
        assert_eq!(tls("postgres://localhost,db.example.com/db?sslmode=disable"), unverified("disable"));
        for safe in [
            "postgres://db.example.com/db?sslmode=verify-full",
            "postgres://localhost/db",
            "postgres://127.0.0.1/db",
            "postgres://[::1]/db",
            "postgres:///db?host=/run/postgresql",
        ] {
            assert_eq!(tls(safe), TlsUse::Safe, "{safe}");
        }
    }
}
