//! What Countersign does: one use case a file. Each owns its transaction: it loads and locks through `storage`, lets
//! `domain` judge, and saves the state, the audit and the outbox together.

pub mod api_keys;
pub mod audit_era;
pub mod authenticate;
pub mod backends;
pub mod cancel;
pub mod close_conversation;
pub mod connect;
pub mod decide;
pub mod directory;
pub mod end_silent;
pub mod endings;
pub mod events;
pub mod expire;
pub mod give_up;
pub mod homes;
pub mod install;
pub mod key_uses;
pub mod keys;
pub mod leave;
pub mod lost_prompts;
pub mod members;
pub mod own_integration;
pub mod profiles;
pub mod prompt_failures;
pub mod put_integration;
pub mod read;
pub mod ready;
pub mod redeliver;
pub mod request;
pub mod settings;
pub mod show;
pub mod tokens;
pub mod turn_off;
pub mod unlock;
pub mod unlock_requests;
pub mod unreadable;
pub mod webhook_health;
pub mod workspaces;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use crate::storage::{ErrorClass, classify};
use crate::{
    clock::Clock,
    domain::{Rejection, ids::WorkspaceId},
    entropy::Entropy,
    heartbeat::Heartbeats,
    seal::Sealer,
    storage::{self, Db, Tx, homes::Whose, stored::CorruptRow},
};

/// What every use case needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Service {
    /// The database.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// Where ids and secrets come from.
    pub entropy: Entropy,
    /// Seals secrets at rest.
    pub sealer: Arc<Sealer>,
    /// How many approvals of a backend may be pending.
    pub most_pending: u32,
    /// When API keys were last used, to be written soon.
    pub key_uses: key_uses::KeyUses,
    /// What its loops say of their progress.
    pub heartbeats: Heartbeats,
    /// Approvals that batches leave out.
    pub unreadable: unreadable::Unreadable,
}

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The same request was taken before: nothing more has changed.
    #[error("the request was already handled")]
    Repeated,
    /// The database failed before anything was committed: nothing has changed.
    #[error("{}", storage::explain(.0))]
    Database(#[source] sqlx::Error),
    /// The commit was sent, and its answer was lost or did not come in time: it may have happened.
    #[error("the database did not confirm a commit: {}", storage::explain(.0))]
    Unclear(sqlx::Error),
    /// A stored secret can't be opened with the configured keys.
    #[error("a stored secret can't be opened: {0}")]
    Sealed(#[from] crate::seal::SealError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        if storage::repeats::is_repeat(&error) { Self::Repeated } else { Self::Database(error) }
    }
}

impl Failure {
    /// The stored row that can't be read, where that is what failed: trying again at once is in vain.
    #[must_use]
    pub fn corrupt_row(&self) -> Option<&CorruptRow> {
        match self {
            Self::Database(error) => CorruptRow::of(error),
            Self::Rejected(_) | Self::Repeated | Self::Unclear(_) | Self::Sealed(_) => None,
        }
    }
}

impl Service {
    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<Tx, Failure> {
        Ok(self.db.begin().await?)
    }

    /// Has Home tabs drawn again once the transaction is committed.
    pub(crate) async fn refresh(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        whose: Whose<'_>,
    ) -> Result<(), Failure> {
        Ok(storage::homes::refresh(tx, workspace, whose, self.now(), || self.fresh()).await?)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new id.
    #[must_use]
    pub fn fresh(&self) -> Uuid {
        self.entropy.uuid(self.clock.now())
    }
}

/// How long a commit may take. Where the database waits for a synchronous standby, it takes as long as that is away.
const CONFIRMATION: Duration = Duration::from_secs(5);

/// Commits. A commit that the database refused changed nothing; one whose answer was lost, or did not come in time, may
/// have. Until it is known, Postgres keeps the transaction's locks.
pub(crate) async fn commit(tx: Tx) -> Result<(), Failure> {
    match tokio::time::timeout(CONFIRMATION, tx.commit()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(not_committed(error)),
        Err(_) => {
            let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "timed out after 5 s");
            Err(Failure::Unclear(late.into()))
        }
    }
}

/// What an error means that came in answer to a commit. Postgres refuses one only if nothing was committed. A pooler that
/// lost Postgres' answer says so by an error of its own, of the class of connections (08), such as `PgBouncer`'s 08P01.
fn not_committed(error: sqlx::Error) -> Failure {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.is_some_and(|code| !code.starts_with("08")) {
        Failure::Database(error)
    } else {
        Failure::Unclear(error)
    }
}

/// Whether the whole attempt may be made again.
pub(crate) fn is_worth_retrying(failure: &Failure) -> bool {
    matches!(failure, Failure::Database(error) if storage::is_worth_retrying(error))
}

/// Whether the connection was one of before the database restarted, so that nothing was done on it.
pub(crate) fn is_a_lost_connection(failure: &Failure) -> bool {
    matches!(failure, Failure::Database(error) if storage::is_a_lost_connection(error))
}

/// How many lost connections a transaction gets over.
pub(crate) const LOST: u32 = 32;

/// How often a transaction is tried in all.
pub(crate) const TRIES: u32 = 4;

/// Makes an attempt again while the database says that another try may well succeed.
macro_rules! retrying {
    ($attempt:expr) => {{
        let mut tries = 1;
        let mut lost = 0;
        loop {
            match $attempt.await {
                // After the database restarted, every connection of the pool may be one of before.
                Err(failure) if lost < $crate::service::LOST && $crate::service::is_a_lost_connection(&failure) => {
                    tracing::debug!(lost, %failure, "Retrying a transaction on another connection");
                    lost += 1;
                }
                Err(failure) if tries < $crate::service::TRIES && $crate::service::is_worth_retrying(&failure) => {
                    tracing::debug!(tries, %failure, "Retrying a transaction");
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

    /// An error with this code.
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
            assert!(matches!(answer(lost), Failure::Unclear(_)), "{lost}");
        }
        for refused in ["23505", "40001", "53100", "25006", "57P01"] {
            assert!(matches!(answer(refused), Failure::Database(_)), "{refused}");
        }
        assert!(matches!(not_committed(sqlx::Error::WorkerCrashed), Failure::Unclear(_)));
    }
}
