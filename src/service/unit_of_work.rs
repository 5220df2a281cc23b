//! Units of work: the transaction of a use case, its effects, and its commit.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        effects::{Changed, Redraw},
        rejection::Rejection,
    },
    service::{context::Service, error::ServiceError},
    storage,
    storage::{
        LockWait, PgConnection, Plans, Tx,
        effects::{Recorded, Unwritten},
    },
};

/// A transaction, and the effects of its changes. [`UnitOfWork::commit`] writes the effects; without it, dropping the
/// value rolls everything back.
#[derive(Debug)]
#[must_use = "what is not committed is rolled back"]
pub struct UnitOfWork {
    tx: Tx,
    now: DateTime<Utc>,
    unwritten: Unwritten,
}

impl Service {
    /// Begins a unit of work.
    pub(crate) async fn begin(&self) -> Result<UnitOfWork, ServiceError> {
        self.begin_with(LockWait::Usual, Plans::Chosen).await
    }

    /// Begins a unit of work of which Postgres keeps the plans: see [`Plans::Kept`].
    pub(crate) async fn begin_with_kept_plans(&self) -> Result<UnitOfWork, ServiceError> {
        self.begin_with(LockWait::Usual, Plans::Kept).await
    }

    /// Begins a unit of work whose statements wait so long for rows that others hold, and are planned like this.
    pub(crate) async fn begin_with(&self, wait: LockWait, plans: Plans) -> Result<UnitOfWork, ServiceError> {
        let tx = self.db.begin_with(wait, plans).await?;
        let now = self.now();
        let (clock, entropy) = (self.clock.clone(), self.entropy.clone());
        Ok(UnitOfWork { tx, now, unwritten: Unwritten::new(now, move || entropy.uuid(clock.now())) })
    }
}

impl UnitOfWork {
    /// The time of all changes in this unit of work.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Records the effects of a change, and returns the state for a save function of `storage`.
    pub fn record<T>(&mut self, changed: Changed<T>) -> Recorded<T> {
        self.unwritten.record(changed)
    }

    /// Records what has to be rendered again although nothing changed.
    pub fn redraw(&mut self, redraw: Redraw) {
        self.unwritten.redraw(redraw);
    }

    /// The transaction and the effects, for the statements that write effects together with the state.
    pub fn parts(&mut self) -> (&mut PgConnection, &mut Unwritten) {
        (&mut self.tx, &mut self.unwritten)
    }

    /// Writes the effects and commits. If the database refuses the commit, nothing has changed. If its response is lost
    /// or late, the change may have happened; Postgres keeps the transaction's locks until the commit is decided.
    pub async fn commit(mut self) -> Result<(), ServiceError> {
        self.unwritten.write(&mut self.tx).await?;
        match tokio::time::timeout(CONFIRMATION, self.tx.commit()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(not_committed(error)),
            Err(_) => {
                let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "timed out after 5 s");
                Err(unclear(late.into()))
            }
        }
    }

    /// Commits the audit entry of a refusal, and returns the rejection.
    pub async fn refuse<T>(mut self, refused: Changed<Rejection>) -> Result<T, ServiceError> {
        let rejection = self.record(refused).into_state();
        self.commit().await?;
        Err(rejection.into())
    }
}

impl Deref for UnitOfWork {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for UnitOfWork {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// How long a commit may take. A commit that waits for a synchronous standby takes as long as the standby is away.
const CONFIRMATION: Duration = Duration::from_secs(5);

fn unclear(error: sqlx::Error) -> ServiceError {
    ServiceError::Unclear(error.into())
}

/// What an error in response to a commit means. If Postgres itself refuses a commit, nothing was committed. A pooler
/// that lost Postgres' response reports an error of its own, of class 08 (connection exception), such as `PgBouncer`'s
/// 08P01.
fn not_committed(error: sqlx::Error) -> ServiceError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.is_some_and(|code| !code.starts_with("08")) {
        ServiceError::Database(error.into())
    } else {
        unclear(error)
    }
}

/// Whether to run the whole transaction again.
pub(crate) fn is_worth_retrying(failure: &ServiceError) -> bool {
    matches!(failure, ServiceError::Database(error) if storage::is_worth_retrying(error))
}

/// Whether the connection was opened before the database restarted, so that nothing was executed on it.
pub(crate) fn is_a_lost_connection(failure: &ServiceError) -> bool {
    matches!(failure, ServiceError::Database(error) if storage::is_a_lost_connection(error))
}

/// How many lost connections a transaction tolerates.
pub(crate) const LOST: u32 = 32;

/// How often a transaction is tried in total.
pub(crate) const TRIES: u32 = 4;

/// Repeats an attempt as long as the database's errors say that another one may succeed.
macro_rules! retrying {
    ($attempt:expr) => {{
        let mut tries = 1;
        let mut lost = 0;
        loop {
            match $attempt.await {
                // After the database restarted, every connection in the pool may be a lost one.
                Err(failure) if lost < $crate::service::unit_of_work::LOST && $crate::service::unit_of_work::is_a_lost_connection(&failure) => {
                    tracing::debug!(lost, %failure, "Trying a transaction again on another connection");
                    lost += 1;
                }
                Err(failure) if tries < $crate::service::unit_of_work::TRIES && $crate::service::unit_of_work::is_worth_retrying(&failure) => {
                    tracing::debug!(tries, %failure, "Trying a transaction again");
                    tries += 1;
                }
                ended => break ended,
            }
        }
    }};
}
pub(crate) use retrying;

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, error::Error, fmt};

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// A database error with this code.
    #[derive(Debug)]
    struct Coded(&'static str);

    impl fmt::Display for Coded {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Coded {}

    impl DatabaseError for Coded {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn a_commit_whose_answer_a_pooler_lost_is_unclear() {
        let answer = |code| not_committed(sqlx::Error::Database(Box::new(Coded(code))));
        for lost in ["08P01", "08006"] {
            assert!(matches!(answer(lost), ServiceError::Unclear(_)), "{lost}");
        }
        for refused in ["23505", "40001", "53100", "25006", "57P01"] {
            assert!(matches!(answer(refused), ServiceError::Database(_)), "{refused}");
        }
        assert!(matches!(not_committed(sqlx::Error::WorkerCrashed), ServiceError::Unclear(_)));
    }
}
