//! Errors of commands.

use sqlx::migrate::MigrateError;

use crate::{app, storage};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is invalid.
    #[error(transparent)]
    Start(#[from] app::StartError),
    /// The use case failed.
    #[error(transparent)]
    Service(#[from] crate::service::ServiceError),
    /// The database failed.
    #[error("{}", storage::explain(.0))]
    Database(#[from] sqlx::Error),
    /// The schema could not be migrated.
    #[error("Could not bring the schema up to date: {}", migration_error(.0))]
    Migrate(#[from] MigrateError),
    /// The workspace of the bot token could not be registered.
    #[error("could not look up the bot token's workspace: {0}")]
    Register(#[from] crate::jobs::registration::RegisterError),
    /// The doctor found a failure.
    #[error("{0}")]
    Unhealthy(String),
    /// A hook came to no decision.
    #[error("The tool was not run: {0}")]
    Hook(#[from] crate::gateway::hook::HookError),
    /// A receipt is not valid.
    #[error("{0}")]
    Receipt(String),
    /// Arguments are not those of the receipt.
    #[error("{0}")]
    OtherArguments(String),
    /// The arguments are invalid.
    #[error("{0}")]
    Usage(String),
    /// Standard output is closed.
    #[error("could not write to standard output: {0}")]
    Print(#[from] std::io::Error),
}

impl CliError {
    /// The status to exit with. Agents take 2 of a hook for a refusal, and most others for a fault that blocks nothing.
    /// Scripts tell by 3 and 4 what `verify` found.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Hook(_) => 2,
            Self::Receipt(_) => 3,
            Self::OtherArguments(_) => 4,
            _ => 1,
        }
    }
}

fn migration_error(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) => storage::explain(error),
        other => other.to_string(),
    }
}
