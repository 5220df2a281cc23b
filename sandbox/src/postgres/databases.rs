//! Creates and drops databases, each over one short-lived connection.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Url;
use rustix::process::{Pid, test_kill_process};
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::PostgresError;
use super::binaries::first_number;
use super::error::OLDEST_MAJOR_VERSION;

/// How long to wait while connections to the template are still closing.
const TEMPLATE_LIMIT: Duration = Duration::from_secs(10);
/// How long a server may take to answer the readiness query.
const READY_LIMIT: Duration = Duration::from_secs(5);
/// `object_in_use`: a session is connected to the template, or to the database to drop.
const OBJECT_IN_USE: &str = "55006";
/// `duplicate_database`: the name is taken, by a database that a dead process with our id left behind.
const DUPLICATE_DATABASE: &str = "42P04";

/// Administrative access to a server, through the URL of a database that always exists.
#[derive(Debug, Clone)]
pub(super) struct Admin {
    pub(super) url: String,
}

impl Admin {
    pub(super) async fn connect(&self) -> Result<PgConnection, PostgresError> {
        PgConnection::connect(&self.url).await.map_err(PostgresError::sql("connect to Postgres"))
    }

    /// The server's version, such as `15.18`.
    ///
    /// # Errors
    /// [`PostgresError::TooOld`], or the error of the connection.
    pub(super) async fn version(&self) -> Result<String, PostgresError> {
        let mut connection = self.connect().await?;
        let text = show(&mut connection, "server_version").await?;
        let version = text.split_whitespace().next().unwrap_or_default().to_owned();
        close(connection).await;
        match first_number(&version) {
            Some(major) if major >= OLDEST_MAJOR_VERSION => Ok(version),
            _ => Err(PostgresError::TooOld { found: version }),
        }
    }

    /// Whether a server answers, and its data folder is `data`. Another server may have taken the port.
    pub(super) async fn is_ready(&self, data: &Path) -> bool {
        let look = async {
            let mut connection = self.connect().await?;
            let shown = show(&mut connection, "data_directory").await;
            close(connection).await;
            shown
        };
        // Another program that took the port might never respond.
        let shown = tokio::time::timeout(READY_LIMIT, look).await;
        shown.is_ok_and(|shown| shown.is_ok_and(|shown| Path::new(&shown) == data))
    }

    /// Creates a database. Returns false if the name is taken.
    pub(super) async fn create(&self, name: &str, template: Option<&str>) -> Result<bool, PostgresError> {
        let mut connection = self.connect().await?;
        let statement =
            format!("CREATE DATABASE {} TEMPLATE {}", quoted(name), quoted(template.unwrap_or("template0")));
        let started = Instant::now();
        let created = loop {
            match sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut connection).await {
                Ok(_) => break Ok(true),
                Err(error) if has_code(&error, DUPLICATE_DATABASE) => break Ok(false),
                // No pause is needed: the server itself has waited 5 s for the connections to close.
                Err(error) if has_code(&error, OBJECT_IN_USE) && started.elapsed() < TEMPLATE_LIMIT => {}
                Err(error) => break Err(PostgresError::sql(format!("create the database {name}"))(error)),
            }
        };
        close(connection).await;
        created
    }

    /// Drops a database if it exists, and closes the connections to it.
    pub(super) async fn drop(&self, name: &str) -> Result<(), PostgresError> {
        let mut connection = self.connect().await?;
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name));
        let dropped = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
        close(connection).await;
        dropped.map(|_| ()).map_err(PostgresError::sql(format!("drop the database {name}")))
    }

    /// The names of all databases that begin with `prefix`.
    pub(super) async fn named(&self, prefix: &str) -> Result<Vec<String>, PostgresError> {
        let mut connection = self.connect().await?;
        let rows =
            sqlx::query("SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1")
                .bind(prefix)
                .fetch_all(&mut connection)
                .await
                .map_err(PostgresError::sql("list the databases"));
        close(connection).await;
        Ok(rows?.iter().filter_map(|row| row.try_get(0).ok()).collect())
    }

    /// Drops the databases that dead processes of this machine left behind. All database names of this machine begin
    /// with `family`, followed by the process id. A database with an open connection stays.
    pub(super) async fn drop_stale(&self, family: &str) -> Result<(), PostgresError> {
        for name in self.named(family).await? {
            let pid = name.strip_prefix(family).and_then(|rest| rest.split('_').next()?.parse::<i32>().ok());
            if pid.and_then(Pid::from_raw).is_some_and(is_dead) {
                let mut connection = self.connect().await?;
                let statement = format!("DROP DATABASE IF EXISTS {}", quoted(&name));
                if let Err(error) = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await {
                    tracing::debug!(%error, name, "a database of a dead process stays");
                }
                close(connection).await;
            }
        }
        Ok(())
    }
}

/// `url` with another database name.
///
/// # Errors
/// [`PostgresError::Url`] if it isn't a Postgres URL.
pub(super) fn with_database(url: &str, database: &str) -> Result<String, PostgresError> {
    let mut url = parse(url)?;
    url.set_path(database);
    Ok(url.into())
}

/// The environment variables that point `psql` to the server of `url`. In variables the password doesn't appear in
/// process lists.
pub(super) fn environment(url: &str) -> Result<Vec<(&'static str, String)>, PostgresError> {
    let url = parse(url)?;
    let decoded = |text: &str| {
        // Query strings decode like the other parts of a URL, except for the plus sign.
        let pair = format!("v={}", text.replace('+', "%2B"));
        url.join(&format!("?{pair}")).ok().and_then(|url| Some(url.query_pairs().next()?.1.into_owned()))
    };
    let parts = [
        ("PGHOST", url.host_str().map(str::to_owned)),
        ("PGPORT", url.port().map(|port| port.to_string())),
        ("PGUSER", Some(url.username()).filter(|user| !user.is_empty()).and_then(decoded)),
        ("PGPASSWORD", url.password().and_then(decoded)),
        ("PGDATABASE", decoded(url.path().trim_start_matches('/')).filter(|name| !name.is_empty())),
    ];
    let from_query = url.query_pairs().filter_map(|(key, value)| match &*key {
        "host" => Some(("PGHOST", value.into_owned())),
        "sslmode" | "ssl-mode" => Some(("PGSSLMODE", value.into_owned())),
        _ => None,
    });
    Ok(parts.into_iter().filter_map(|(key, value)| Some((key, value?))).chain(from_query).collect())
}

fn parse(url: &str) -> Result<Url, PostgresError> {
    let url = Url::parse(url).map_err(|_| PostgresError::Url)?;
    if matches!(url.scheme(), "postgres" | "postgresql") { Ok(url) } else { Err(PostgresError::Url) }
}

/// Whether no process has this id.
pub(super) fn is_dead(pid: Pid) -> bool {
    // Any other result, such as EPERM, means that the process exists.
    test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
}

async fn show(connection: &mut PgConnection, setting: &str) -> Result<String, PostgresError> {
    let row = sqlx::query("SELECT current_setting($1)").bind(setting).fetch_one(connection).await;
    row.and_then(|row| row.try_get(0)).map_err(PostgresError::sql(format!("read the setting {setting}")))
}

/// Closes the connection properly. An error means that the server is gone, which is fine too.
async fn close(connection: PgConnection) {
    let _ = connection.close().await;
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|found| found == code)
}

/// Quotes an SQL identifier.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::{environment, quoted, with_database};

    #[test]
    fn the_database_of_a_url_is_replaced() {
        let url = with_database("postgres://me:p%40ss@db.example:5433/live?sslmode=require", "mine").unwrap();
        assert_eq!(url, "postgres://me:p%40ss@db.example:5433/mine?sslmode=require");
        assert!(with_database("mysql://db.example/live", "mine").is_err());
    }

    #[test]
    fn psql_gets_the_same_server_decoded() {
        let given = environment("postgresql://me:p%40s+s@db.example:5433/live?sslmode=require").unwrap();
        let expected = [
            ("PGHOST", "db.example"),
            ("PGPORT", "5433"),
            ("PGUSER", "me"),
            ("PGPASSWORD", "p@s+s"),
            ("PGDATABASE", "live"),
            ("PGSSLMODE", "require"),
        ];
        assert_eq!(given, expected.map(|(key, value)| (key, value.to_owned())));
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quoted(r#"a"; DROP TABLE b; --"#), r#""a""; DROP TABLE b; --""#);
    }
}
