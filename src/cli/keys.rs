//! `countersign encryption …`.
#![expect(clippy::doc_markdown, reason = "clap prints these comments as they are")]

use clap::Subcommand;

use crate::{
    app,
    cli::{error::CliError, output::print},
    clock::Clock,
    config::DatabaseConfig,
    entropy::Entropy,
    service::keys,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Encrypt all stored secrets with the first key of COUNTERSIGN_ENCRYPTION_KEY, while instances run. Give every
    /// instance both keys before: first OLD,NEW everywhere, then NEW,OLD everywhere
    #[command(after_help = "Example:
  COUNTERSIGN_ENCRYPTION_KEY=NEW,OLD countersign encryption rotate")]
    Rotate(DatabaseConfig),
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    let Command::Rotate(config) = command;
    let service = app::service(&config, 2, Clock::system(), Entropy::system())?;
    if !service.sealer.has_key() {
        return Err(CliError::Usage(
            "COUNTERSIGN_ENCRYPTION_KEY is not set: create a key with `openssl rand -base64 32`".to_owned(),
        ));
    }
    let done = keys::rotate(&service).await?;
    print(&format!(
        "Re-encrypted {} of {} rows. All secrets are encrypted with the first key. Once every instance has it, \
            remove the older keys.",
        done.changed, done.rows
    ))
}
