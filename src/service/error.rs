//! Why a use case failed.

use std::sync::Arc;

use crate::{
    domain::rejection::Rejection,
    storage::{self, stored::CorruptRow},
};

/// Why a use case failed. Cheap to clone: the requests that share a transaction also share its failure.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ServiceError {
    /// The request was refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Slack sent the same request before. Nothing changed this time.
    #[error("the request was already handled")]
    Repeated,
    /// The database failed before anything was committed. Nothing changed.
    #[error("{}", storage::explain(.0))]
    Database(#[source] Arc<sqlx::Error>),
    /// The commit was sent, but its response was lost or late. The change may have happened.
    #[error("the database did not confirm a commit: {}", storage::explain(.0))]
    Unclear(Arc<sqlx::Error>),
    /// None of the configured keys decrypts a stored secret.
    #[error("a stored secret can't be opened: {0}")]
    Sealed(#[from] crate::seal::SealError),
}

impl From<sqlx::Error> for ServiceError {
    fn from(error: sqlx::Error) -> Self {
        if storage::tables::repeats::is_repeat(&error) {
            Self::Repeated
        } else {
            Self::Database(error.into())
        }
    }
}

impl ServiceError {
    /// The stored row that can't be read, if that caused the failure. An immediate retry would fail too.
    #[must_use]
    pub fn corrupt_row(&self) -> Option<&CorruptRow> {
        match self {
            Self::Database(error) => CorruptRow::find_in(error),
            Self::Rejected(_) | Self::Repeated | Self::Unclear(_) | Self::Sealed(_) => None,
        }
    }
}
