//! Why a use case did not do what it was asked.

use crate::{
    domain::rejection::Rejection,
    storage::{self, stored::CorruptRow},
};

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
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

impl From<sqlx::Error> for ServiceError {
    fn from(error: sqlx::Error) -> Self {
        if storage::tables::repeats::is_repeat(&error) { Self::Repeated } else { Self::Database(error) }
    }
}

impl ServiceError {
    /// The stored row that can't be read, where that is what failed: trying again at once is in vain.
    #[must_use]
    pub fn corrupt_row(&self) -> Option<&CorruptRow> {
        match self {
            Self::Database(error) => CorruptRow::find_in(error),
            Self::Rejected(_) | Self::Repeated | Self::Unclear(_) | Self::Sealed(_) => None,
        }
    }
}
