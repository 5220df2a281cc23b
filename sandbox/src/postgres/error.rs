//! Everything that can keep a Postgres from being had.

use std::io;
use std::path::PathBuf;

/// The oldest major version of Postgres that Countersign supports.
pub const OLDEST_MAJOR_VERSION: u32 = 14;

/// Why there is no Postgres, or why it did not do what was asked.
///
/// Each text is one line that can be shown to a person as it is; the tail of the server's own log, where there is one, follows it.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No `DATABASE_URL`, no binaries on this machine, and none could be downloaded.
    #[error(
        "could not find or download Postgres {OLDEST_MAJOR_VERSION} or newer ({reason}). Set DATABASE_URL, install \
         Postgres with `apt-get install postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora) or \
         `brew install postgresql@17` (macOS), or install npm or pip and see that it reaches its registry"
    )]
    Missing {
        /// What was looked for and what came of it.
        reason: String,
    },
    /// `COUNTERSIGN_POSTGRES` names a source that there is not.
    #[error(
        "COUNTERSIGN_POSTGRES has {name:?}, but takes installed, download, npm and pip, separated by commas"
    )]
    UnknownSource {
        /// What it names.
        name: String,
    },
    /// The server that `DATABASE_URL` names is too old.
    #[error("Postgres {found} is too old: {OLDEST_MAJOR_VERSION} or newer is needed")]
    TooOld {
        /// The version that the server reports.
        found: String,
    },
    /// `DATABASE_URL` is no `postgres://` URL.
    #[error("DATABASE_URL is not a postgres:// URL")]
    Url,
    /// The operating system refused something: a folder, a file, a process.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried, as a verb.
        what: &'static str,
        /// The file, folder or program that it was tried on.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// We run as root, Postgres refuses to, and there is no other user that it could run as.
    #[error(
        "Postgres does not run as root, and /etc/passwd has neither a `postgres` nor a `nobody` user to run it as"
    )]
    NoUnprivilegedUser,
    /// `initdb` failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// The end of what it wrote.
        output: String,
    },
    /// The server ended, or did not answer in time, instead of becoming ready.
    #[error("Postgres did not become ready within {seconds} seconds; its log ends with: {log}")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// The end of the server's log.
        log: String,
    },
    /// A statement to the server failed.
    #[error("cannot {what}: {source}")]
    Sql {
        /// What was tried, as a verb and its object.
        what: String,
        /// What the driver or the server said.
        source: sqlx::Error,
    },
    /// Stopping and starting is possible only for a server that we started ourselves.
    #[error(
        "the server behind DATABASE_URL is not ours to stop or start; unset DATABASE_URL to get one that is"
    )]
    NotOurs,
    /// The thread that did the work ended without an answer.
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
