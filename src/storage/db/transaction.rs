//! A transaction on a connection of the pool.

use std::ops::{Deref, DerefMut};

use crate::storage::db::{connection::PgConnection, plans::Plans};

/// A transaction on Postgres. Dropped without a commit, it is rolled back at once.
#[derive(Debug)]
pub struct Tx {
    /// `None` only once it has ended.
    connection: Option<PgConnection>,
}

/// How long a statement of a transaction waits for a row that another one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockWait {
    /// As long as [`super::Limits::lock`].
    Usual,
    /// 20 ms: for work that others wait for, and that can be done in another way.
    Brief,
    /// 200 ms: for rows that only transactions like this one hold, which take some milliseconds each.
    InTurn,
}

/// What begins a transaction, and says how plans are chosen if that changes.
macro_rules! begin {
    ($begin:literal, $change:expr) => {
        match $change {
            None => $begin,
            Some(Plans::Chosen) => concat!($begin, "; SET LOCAL plan_cache_mode = auto"),
            Some(Plans::Kept) => concat!($begin, "; SET LOCAL plan_cache_mode = force_generic_plan"),
        }
    };
}

impl Tx {
    pub(super) async fn begin(
        mut connection: PgConnection,
        wait: LockWait,
        plans: Plans,
    ) -> sqlx::Result<Self> {
        let change = (plans != connection.plans()).then_some(plans);
        // One message, so that the settings cost no round trip.
        let begin = match wait {
            LockWait::Usual => begin!("BEGIN", change),
            LockWait::Brief => begin!("BEGIN; SET LOCAL lock_timeout = 20", change),
            LockWait::InTurn => begin!("BEGIN; SET LOCAL lock_timeout = 200", change),
        };
        connection.simple(begin).await?;
        Ok(Self { connection: Some(connection) })
    }

    /// Commits.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        connection.simple("COMMIT").await
    }

    /// Rolls back.
    pub async fn rollback(mut self) -> sqlx::Result<()> {
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        connection.simple("ROLLBACK").await
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.roll_back_and_return();
        }
    }
}

#[expect(clippy::expect_used, reason = "it is taken only by what consumes the transaction")]
impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("the transaction is open")
    }
}

#[expect(clippy::expect_used, reason = "it is taken only by what consumes the transaction")]
impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("the transaction is open")
    }
}
