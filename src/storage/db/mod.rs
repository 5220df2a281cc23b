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
mod handle;
mod hosts;
mod limits;
mod migrating;
pub(super) mod migrations;
mod plans;
mod pool;
mod transaction;

pub use self::{
    connect_error::{ConnectError, connect_error},
    connection::PgConnection,
    error_class::{
        ErrorClass, NOT_MIGRATED, classify, explain, is_a_lock_timeout, is_a_lock_timeout_at,
        is_a_lost_connection, is_worth_retrying,
    },
    handle::Db,
    hosts::{Hosts, TlsUse},
    limits::{LOCK_LIMIT, Limits},
    plans::Plans,
    transaction::{LockWait, Tx},
};
