//! What Countersign does: one use case a file. Each opens a unit of work ([`unit_of_work`]): it loads and locks through
//! `storage`, lets `domain` judge, and saves the state and its effects together.

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
pub mod unit_of_work;
pub mod unlock;
pub mod unlock_requests;
pub mod unreadable;
pub mod webhook_health;
pub mod workspaces;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use crate::storage::{ErrorClass, classify};
use crate::{
    clock::Clock,
    domain::Rejection,
    entropy::Entropy,
    heartbeat::Heartbeats,
    seal::Sealer,
    storage::{self, Db, stored::CorruptRow},
};

pub use unit_of_work::UnitOfWork;
pub(crate) use unit_of_work::{is_worth_retrying, retrying};

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
