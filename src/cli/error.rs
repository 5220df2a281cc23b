//! Why a command did not do what it was asked.

use sqlx::migrate::MigrateError;

use crate::{app, storage};

/// What a command answers when it can't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// It is not configured.
    #[error(transparent)]
    Start(#[from] app::StartError),
    /// The use case failed.
    #[error(transparent)]
    Service(#[from] crate::service::ServiceError),
    /// The database failed.
    #[error("{}", storage::explain(.0))]
    Database(#[from] sqlx::Error),
    /// The schema can't be brought up to date.
    #[error("Could not bring the schema up to date: {}", migration_error(.0))]
    Migrate(#[from] MigrateError),
    /// Slack did not say whose token it is.
    #[error("could not look up the bot token's workspace: {0}")]
    Register(#[from] crate::jobs::registration::RegisterError),
    /// The doctor found something.
    #[error("{0}")]
    Unhealthy(String),
    /// Something in the command is not as it should be.
    #[error("{0}")]
    Usage(String),
    /// Standard output is closed.
    #[error("could not write to standard output: {0}")]
    Print(#[from] std::io::Error),
}

fn migration_error(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) => storage::explain(error),
        other => other.to_string(),
    }
}
