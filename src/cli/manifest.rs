//! `countersign manifest`.
#![expect(clippy::doc_markdown, reason = "clap prints these comments as they are")]

use clap::Args;

use crate::{
    cli::{error::CliError, output::print},
    config::public_url,
    slack::manifest::{Target, manifest},
};

#[derive(Debug, Args)]
pub(super) struct Command {
    /// The address at which Slack and browsers reach this service [default: https://countersign.example.com]
    #[arg(long, env = "COUNTERSIGN_PUBLIC_URL", value_parser = public_url)]
    url: Option<String>,
    /// For Socket Mode: Slack needs no address. With --url as well, workspaces can install the app by OAuth
    #[arg(long)]
    socket_mode: bool,
    /// Add the scope and the event that find prompts that Slack posted without confirming it. Set
    /// COUNTERSIGN_FIND_LOST_PROMPTS for `serve` too
    #[arg(long, env = "COUNTERSIGN_FIND_LOST_PROMPTS")]
    find_lost_prompts: bool,
}

pub(super) fn run(command: &Command) -> Result<(), CliError> {
    let target = Target {
        url: command.url.as_deref(),
        socket_mode: command.socket_mode,
        find_lost_prompts: command.find_lost_prompts,
    };
    print(manifest(target).trim_end())
}
