//! Why there is no connection to Postgres, in terms that help an operator to fix it.

use std::{io, time::Duration};

use sqlx::postgres::PgConnectOptions;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens there.
    #[error(
        "Could not connect to Postgres at {at}: connection refused. Check that Postgres runs there and listens on this port."
    )]
    Refused {
        /// Host and port, or the socket's path.
        at: String,
    },
    /// The name resolves to nothing.
    #[error("Could not connect to Postgres at {at}: unknown host. Check the host in DATABASE_URL.")]
    UnknownHost {
        /// Host and port.
        at: String,
    },
    /// The password is not this user's.
    #[error(
        "Could not connect to Postgres at {at}: wrong password for user {user}. Check the user and the password in DATABASE_URL."
    )]
    WrongPassword {
        /// Host and port.
        at: String,
        /// The user.
        user: String,
    },
    /// The server lets this user in from nowhere, or not from here.
    #[error(
        "Could not connect to Postgres at {at}: {reason}. Check pg_hba.conf and the user in DATABASE_URL."
    )]
    NotAdmitted {
        /// Host and port.
        at: String,
        /// What the server says.
        reason: String,
    },
    /// There is no such database.
    #[error("Could not connect to Postgres at {at}: {reason}. Create the database, or correct DATABASE_URL.")]
    NoDatabase {
        /// Host and port.
        at: String,
        /// What the server says.
        reason: String,
    },
    /// The server has no room for one more.
    #[error(
        "Could not connect to Postgres at {at}: too many connections. Raise max_connections there, or lower COUNTERSIGN_DATABASE_CONNECTIONS."
    )]
    TooManyConnections {
        /// Host and port.
        at: String,
    },
    /// The server starts, stops or recovers.
    #[error("Could not connect to Postgres at {at}: {reason}. Wait until it has started.")]
    NotStarted {
        /// Host and port.
        at: String,
        /// What the server says.
        reason: String,
    },
    /// TLS could not be agreed on.
    #[error("Could not connect to Postgres at {at}: TLS failed ({reason}). Check sslmode and sslrootcert.")]
    Tls {
        /// Host and port.
        at: String,
        /// What is wrong.
        reason: String,
    },
    /// Nothing came back.
    #[error(
        "Could not connect to Postgres at {at}: no answer within {limit_ms} ms. Check the network and the firewalls."
    )]
    TimedOut {
        /// Host and port.
        at: String,
        /// How long it was waited.
        limit_ms: u128,
    },
    /// The server takes no writes.
    #[error(
        "Could not use Postgres at {at}: it is read-only. Wait for the primary, or name it in DATABASE_URL."
    )]
    ReadOnly {
        /// Host and port.
        at: String,
    },
    /// None of several hosts will do.
    #[error("Could not find a writable Postgres. {}", list(.0))]
    NoneWritable(Vec<ConnectError>),
    /// All connections that this process may have are in use.
    #[error(
        "Could not get a connection to Postgres: all {size} are in use. Look for slow statements, or raise COUNTERSIGN_DATABASE_CONNECTIONS."
    )]
    AllInUse {
        /// How many there are.
        size: u32,
    },
    /// Requests that came before are still being judged.
    #[error(
        "Could not judge the request in time: earlier ones wait for Postgres. Look for slow statements and locks."
    )]
    Overdue,
    /// This process has stopped working, for a reason of its own.
    #[error("{0}")]
    Suspended(String),
    /// Something else.
    #[error("Could not connect to Postgres at {at}: {reason}.")]
    Other {
        /// Host and port.
        at: String,
        /// What is wrong.
        reason: String,
    },
}

fn list(errors: &[ConnectError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl ConnectError {
    /// Reads what sqlx says of an attempt to connect with these options.
    pub(super) fn new(options: &PgConnectOptions, error: &sqlx::Error) -> Self {
        let at = address(options);
        match error {
            sqlx::Error::Io(error) => Self::of_io(at, error),
            sqlx::Error::Tls(error) => Self::Tls { at, reason: error.to_string() },
            sqlx::Error::Database(error) => {
                let reason = error.message().to_owned();
                // PostgreSQL's appendix A, "Error Codes".
                match error.code().as_deref() {
                    Some("28P01") => Self::WrongPassword { at, user: options.get_username().to_owned() },
                    Some("28000") => Self::NotAdmitted { at, reason },
                    Some("3D000") => Self::NoDatabase { at, reason },
                    Some("53300") => Self::TooManyConnections { at },
                    Some("57P01" | "57P02" | "57P03") => Self::NotStarted { at, reason },
                    _ => Self::Other { at, reason },
                }
            }
            other => Self::Other { at, reason: other.to_string() },
        }
    }

    fn of_io(at: String, error: &io::Error) -> Self {
        match error.kind() {
            // A socket's file that is missing: nothing listens there either.
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Self::Refused { at },
            // The standard library has no kind for it.
            _ if error.to_string().contains("failed to lookup address") => Self::UnknownHost { at },
            _ => Self::Other { at, reason: error.to_string() },
        }
    }

    /// Whether another attempt a moment later may well succeed.
    pub(super) fn may_pass_soon(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::TooManyConnections { .. } | Self::NotStarted { .. } => true,
            Self::NoneWritable(each) => each.iter().any(Self::may_pass_soon),
            _ => false,
        }
    }

    pub(super) fn timed_out(options: &PgConnectOptions, limit: Duration) -> Self {
        Self::TimedOut { at: address(options), limit_ms: limit.as_millis() }
    }
}

/// Where a server is, as a person names it.
pub(super) fn address(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

impl From<ConnectError> for sqlx::Error {
    /// In the one variant that carries foreign errors. [`connect_error`] gets it back.
    fn from(error: ConnectError) -> Self {
        Self::Configuration(Box::new(error))
    }
}

/// Why there was no connection, if that is what failed.
#[must_use]
pub fn connect_error(error: &sqlx::Error) -> Option<&ConnectError> {
    match error {
        sqlx::Error::Configuration(error) => error.downcast_ref(),
        _ => None,
    }
}
