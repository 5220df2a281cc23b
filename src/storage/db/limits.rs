//! How long Postgres may take.

use std::time::Duration;

/// How long a statement waits for a row that another transaction holds. One that waits for a synchronous standby holds its
/// rows until that answers.
pub const LOCK_LIMIT: Duration = Duration::from_millis(2500);

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
