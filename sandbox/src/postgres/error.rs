//! The reasons why a Postgres can't be provided.

use std::io;
use std::path::PathBuf;

/// The oldest major version of Postgres that Countersign supports.
pub const OLDEST_MAJOR_VERSION: u32 = 14;

/// Why no Postgres could be started, or why an operation on it failed.
///
/// Each message is one line for people to read, followed by the end of the server's own log where one exists.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No `DATABASE_URL`, no binaries on this machine, and none could be downloaded.
    #[error(
        "could not find or download Postgres {OLDEST_MAJOR_VERSION} or newer ({reason}). Set DATABASE_URL, install \
         Postgres with `apt-get install postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora) or \
         `brew install postgresql@17` (macOS), or install npm or pip and see that it reaches its registry"
    )]
    Missing {
        /// The places that were searched and the result of each.
        reason: String,
    },
    /// `COUNTERSIGN_POSTGRES` names an unknown source.
    #[error(
        "COUNTERSIGN_POSTGRES has {name:?}, but takes installed, download, npm and pip, separated by commas"
    )]
    UnknownSource {
        /// The unknown name.
        name: String,
    },
    /// The server that `DATABASE_URL` names is too old.
    #[error("Postgres {found} is too old: {OLDEST_MAJOR_VERSION} or newer is needed")]
    TooOld {
        /// The version that the server reports.
        found: String,
    },
    /// `DATABASE_URL` isn't a `postgres://` URL.
    #[error("DATABASE_URL is not a postgres:// URL")]
    Url,
    /// The operating system refused an operation on a folder, file or process.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// The operation, as a verb.
        what: &'static str,
        /// The file, folder or program.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// This process runs as root, Postgres refuses to, and no unprivileged user exists.
    #[error(
        "Postgres does not run as root, and /etc/passwd has neither a `postgres` nor a `nobody` user to run it as"
    )]
    NoUnprivilegedUser,
    /// `initdb` failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// The end of its output.
        output: String,
    },
    /// The server exited, or did not become ready in time.
    #[error("Postgres did not become ready within {seconds} seconds; its log ends with: {log}")]
    NotReady {
        /// How long the sandbox waited.
        seconds: u64,
        /// The end of the server's log.
        log: String,
    },
    /// An SQL statement failed.
    #[error("cannot {what}: {source}")]
    Sql {
        /// The operation, as a verb and its object.
        what: String,
        /// The driver's or server's error.
        source: sqlx::Error,
    },
    /// Only a server that the sandbox started can be stopped and started.
    #[error(
        "the server behind DATABASE_URL is not ours to stop or start; unset DATABASE_URL to get one that is"
    )]
    NotOurs,
    /// The worker thread ended without a result.
    #[error("the work was given up before it was done")]
    GivenUp,
}

impl PostgresError {
    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    pub(super) fn sql(what: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        let what = what.into();
        move |source| Self::Sql { what, source }
    }
}
