//! `countersign manifest`.

use clap::Args;

use super::{CliError, print};
use crate::{
    config::public_url,
    slack::manifest::{Target, manifest},
};

#[derive(Debug, Args)]
pub(super) struct Command {
    /// This service as Slack reaches it
    #[arg(long, env = "COUNTERSIGN_PUBLIC_URL", default_value = "https://countersign.example.com", value_parser = public_url)]
    url: String,
    /// For Socket Mode: Slack needs no address
    #[arg(long)]
    socket_mode: bool,
}

pub(super) fn run(command: &Command) -> Result<(), CliError> {
    let target = Target { url: &command.url, socket_mode: command.socket_mode };
    print(manifest(target).trim_end())
}
