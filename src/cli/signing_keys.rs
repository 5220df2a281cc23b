//! `countersign signing-key …`.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};

use crate::{
    cli::{args::open, error::CliError, output::print},
    config::DatabaseConfig,
    service::signing::{self, Rotation},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Replace the key that signs receipts. The new one is published at once and signs ten minutes later, so that every
    /// client knows it by then. Old receipts stay valid
    #[command(after_help = "Examples:
  countersign signing-key rotate
  countersign signing-key rotate --now")]
    Rotate(Rotate),
    /// List the keys that sign receipts, and those that did
    #[command(after_help = "Example:
  countersign signing-key list")]
    List(DatabaseConfig),
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// Let the new key sign at once. Clients that keep the published keys refuse its receipts for up to five minutes
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    database: DatabaseConfig,
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Rotate(rotate) => rotate.run().await,
        Command::List(database) => list(&database).await,
    }
}

impl Rotate {
    async fn run(self) -> Result<(), CliError> {
        let service = open(&self.database)?;
        let Rotation { kid, signs_from, is_new } = signing::rotate(&service, self.now).await?;
        let verb = if is_new { "is published" } else { "was published before" };
        let when = if signs_from <= service.now() {
            "now".to_owned()
        } else {
            format!("from {} on", time(signs_from))
        };
        print(&format!("Key {kid} {verb}, and signs receipts {when}."))
    }
}

async fn list(database: &DatabaseConfig) -> Result<(), CliError> {
    let service = open(database)?;
    let keys = signing::list(&service).await?;
    if keys.is_empty() {
        return print("No keys yet: `countersign serve` makes one when it first signs.");
    }
    let current = signing::signing_now(&keys, service.now()).map(|key| key.id);
    for key in &keys {
        let state = match &key.private_key {
            _ if current == Some(key.id) => "signs".to_owned(),
            Some(_) if key.signs_from > service.now() => format!("signs from {} on", time(key.signs_from)),
            _ => "verifies only".to_owned(),
        };
        print(&format!("{}  made {}  {state}", key.kid, time(key.created_at)))?;
    }
    Ok(())
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
