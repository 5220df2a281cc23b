//! `countersign hook`.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::{
    cli::{
        error::CliError,
        hook_args::{Service, given, map},
        hook_settings,
        output::print,
    },
    domain::text::IntegrationKey,
    entropy::Entropy,
    gateway::{
        formats::{Format, call::Settings},
        hook::{self, Options},
    },
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Command {
    #[command(subcommand)]
    command: Option<Other>,
    #[command(flatten)]
    ask: Ask,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Have Claude Code ask before it runs a tool
    #[command(
        after_help = "Shows what changes, keeps a backup, and leaves other hooks and settings as they are. Refuses versions of Claude Code that run a tool even if its hook fails.

Examples:
  countersign hook install --claude
  countersign hook install --claude --project --limit 3600
  countersign hook install --claude --http --url https://countersign.example.com"
    )]
    Install(hook_settings::Install),
    /// Undo `install`
    #[command(after_help = "Example:
  countersign hook uninstall --claude")]
    Uninstall(hook_settings::Uninstall),
    /// Describe Claude Code's own tools, so that people can edit and auto-approve calls of them
    #[command(
        after_help = "Other actions of the integration stay as they are, and so do locks. `countersign integration import` describes the tools of an MCP server.

Example:
  countersign hook describe"
    )]
    Describe(hook_settings::Describe),
}

#[derive(Debug, Args)]
struct Ask {
    #[command(flatten)]
    service: Service,
    /// Who decides: a Slack id (U…) or an email address. Not needed for a key that is bound to a user
    #[arg(long, env = "COUNTERSIGN_USER", value_name = "USER")]
    user: Option<String>,
    /// The agent that runs the hook. Default: recognized from the input
    #[arg(long, value_name = "claude|codex|vscode|hermes")]
    format: Option<Format>,
    /// The name of the backend that the API key belongs to: integrations begin with it. Default: the format's name
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Treat the tools of this MCP server as actions of a shared integration, with its grants. May be repeated
    #[arg(long = "map", value_name = "SERVER=INTEGRATION", value_parser = map)]
    maps: Vec<(String, IntegrationKey)>,
    /// The hook's timeout in the agent's settings, in seconds; the person has 15 s less. Default: the agent's own
    #[arg(long, value_name = "SECONDS")]
    limit: Option<u32>,
    /// How many seconds to retry if the service can't be reached
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    retry: u32,
}

impl Command {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self.command {
            None => self.ask.run().await,
            Some(Other::Install(command)) => command.run(),
            Some(Other::Uninstall(command)) => command.run(),
            Some(Other::Describe(command)) => command.run().await,
        }
    }
}

impl Ask {
    async fn run(self) -> Result<(), CliError> {
        let options = Options {
            url: given(self.service.url),
            api_key: self.service.api_key,
            format: self.format,
            settings: Settings {
                user: given(self.user),
                backend: given(self.backend),
                maps: self.maps,
                limit: self.limit,
            },
            retry: Duration::from_secs(self.retry.into()),
        };
        match hook::run(options, &Entropy::system()).await? {
            Some(answer) => print(&answer.to_string()),
            None => Ok(()),
        }
    }
}
