//! The one way to Postgres. Nothing else in this program opens a connection, so no code can forget a limit: every
//! statement, `BEGIN` and `COMMIT` has to be answered in time, and a connection that did not answer is closed instead
//! of going back to the pool.
//!
//! sqlx's own pool can't give that promise. It returns a connection whose statement was abandoned by sending something
//! on it and waiting for the answer, without a limit and while the connection counts against the pool; and where a
//! server refuses connections it waits until its time is up and says only that.

mod connect_error;
mod connection;
mod error_class;
mod hosts;
mod pool;
mod transaction;

use std::time::Duration;

use super::LOCK_LIMIT;

pub use self::{
    connect_error::{ConnectError, connect_error, explain},
    connection::PgConnection,
    error_class::{ErrorClass, classify, is_a_lost_connection, is_worth_retrying},
    hosts::{Hosts, TlsUse},
    pool::Db,
    transaction::Tx,
};

/// How long Postgres may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To give a connection, whether from the pool or a new one. Less than a click may take, so that a database that is
    /// away is an error and not an unclear end.
    pub acquire: Duration,
    /// To answer one statement. Postgres itself is told to give up a second before, so that a slow statement costs no
    /// connection.
    pub statement: Duration,
    /// To give a statement a row that another transaction holds.
    pub lock: Duration,
}

impl Limits {
    /// For an instance that serves.
    pub const SERVE: Self =
        Self { acquire: Duration::from_millis(1500), statement: Duration::from_secs(10), lock: LOCK_LIMIT };
    /// For an operator's command, which may touch much at once and which a person watches.
    pub const COMMAND: Self =
        Self { acquire: Duration::from_secs(5), statement: Duration::from_mins(5), lock: LOCK_LIMIT };
}

impl Default for Limits {
    fn default() -> Self {
        Self::SERVE
    }
}
