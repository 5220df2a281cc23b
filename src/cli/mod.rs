//! The command line. `countersign --help` is the reference.

mod actions;
mod admin_keys;
mod agents;
mod api_keys;
mod args;
mod audit;
mod audit_log;
mod backends;
mod delegations;
mod deliveries;
mod doctor;
pub mod error;
mod grants;
mod hook;
mod hook_args;
mod hook_settings;
mod integrations;
mod keys;
mod manifest;
mod mcp_gateway;
mod migrate;
mod output;
mod parse;
mod policies;
mod signing_keys;
mod stats;
mod user_keys;
mod verify;

use clap::{Parser, Subcommand};

use crate::{
    api,
    app::App,
    cli::{error::CliError, output::print},
    clock::Clock,
    config::ServeConfig,
    entropy::Entropy,
    server::capacity,
    shutdown, telemetry,
};

/// With fewer files than this, a busy instance refuses long-polling calls.
const FEW_FILES: u64 = 4096;

/// Lets people approve, in Slack, what AI agents are about to do.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    about,
    max_term_width = 110,
    after_help = "Every setting is a flag or an environment variable. Each command describes its own: countersign serve --help

Examples:
  countersign migrate
  countersign serve
  countersign backend create --name agents --webhook-url https://agents.example.com/hooks
  countersign action unlock github.create_issue
  countersign doctor"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve Slack and the agent backends
    #[command(after_help = "Examples:
  DATABASE_URL=postgres://… SLACK_BOT_TOKEN=xoxb-… SLACK_SIGNING_SECRET=… countersign serve
  countersign serve --listen 0.0.0.0:8080")]
    Serve(Box<ServeConfig>),
    /// Bring the database schema up to date
    #[command(after_help = "Examples:
  countersign migrate
  countersign migrate --restored
  countersign migrate --service-role countersign_service")]
    Migrate(migrate::Command),
    /// Print the description of the agent-backend API (OpenAPI 3.1)
    #[command(after_help = "Example:
  countersign openapi > openapi.json")]
    Openapi,
    /// Manage backends: the programs that ask for approvals
    #[command(subcommand)]
    Backend(backends::Command),
    /// Manage API keys: of backends, of their users, and for administration
    #[command(subcommand)]
    Key(api_keys::Command),
    /// Manage integrations: what agents use
    #[command(subcommand)]
    Integration(integrations::Command),
    /// Pause and resume agents
    #[command(subcommand)]
    Agent(agents::Command),
    /// Manage the actions that users may auto-approve
    #[command(subcommand)]
    Action(actions::Command),
    /// List and revoke the auto-approvals of all users
    #[command(subcommand)]
    Grant(grants::Command),
    /// List who decides for whom, and end it
    #[command(subcommand)]
    Delegation(delegations::Command),
    /// Manage rules: what agents may do without asking, what needs a person, and what is refused
    #[command(subcommand)]
    Policy(policies::Command),
    /// Search and export the audit: who did what, and when
    #[command(subcommand)]
    Audit(audit::Command),
    /// Show who approves most manually, and how quickly
    #[command(after_help = "Examples:
  countersign stats
  countersign stats --json")]
    Stats(stats::Command),
    /// List the webhooks to the backends, and send them again
    #[command(subcommand)]
    Delivery(deliveries::Command),
    /// Ask for approval of a coding agent's tool calls, as its hook
    #[command(
        after_help = "The agent starts this command for each tool call and writes the call to its standard input. The command asks the person in Slack, waits, and answers in the agent's format. Whatever goes wrong ends it with status 2, which blocks the call.

Examples:
  countersign hook
  countersign hook --format claude --limit 1800
  countersign hook --format codex --backend laptops --map github=github
  countersign hook install --claude"
    )]
    Hook(Box<hook::Command>),
    /// Check the configuration, the database, Slack and the webhook endpoints, and say how to fix what is wrong
    #[command(
        after_help = "Needs the settings of `countersign serve`, and changes nothing. Exits with an error if something has to be fixed.

Examples:
  countersign doctor
  countersign doctor --json"
    )]
    Doctor(Box<doctor::Command>),
    /// Manage the key that encrypts secrets at rest
    #[command(subcommand, name = "encryption", alias = "keys")]
    Encryption(keys::Command),
    /// Manage the keys that sign receipts
    #[command(subcommand)]
    SigningKey(signing_keys::Command),
    /// Verify a receipt offline: that the service signed it, and what it says
    #[command(
        after_help = "Exits with 0 if the receipt is valid, 3 if it is not, 4 if the arguments are not those that were approved, and 1 if a file or the keys can't be read.

Examples:
  countersign verify receipt.jws --jwks jwks.json
  countersign verify receipt.jws --jwks https://countersign.example.com/.well-known/jwks.json --arguments arguments.json"
    )]
    Verify(verify::Command),
    /// Ask for approval of an MCP server's tool calls, as a gateway between any MCP client and server
    #[command(after_help = "Examples:
  countersign mcp-gateway --name time --user alice@example.com -- uvx mcp-server-time")]
    McpGateway(Box<mcp_gateway::Command>),
    /// Print the Slack app's manifest
    #[command(after_help = "Examples:
  countersign manifest --url https://countersign.example.com
  countersign manifest --socket-mode")]
    Manifest(manifest::Command),
}

/// Runs the command that the arguments name.
pub async fn run(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Serve(config) => {
            telemetry::start_logging();
            raise_file_limit();
            let app = App::start(*config, Clock::system(), Entropy::system()).await?;
            shutdown::requested().await;
            app.shutdown().await;
            Ok(())
        }
        Command::Migrate(command) => command.run().await,
        Command::Openapi => print(&serde_json::to_string_pretty(&api::document()).unwrap_or_default()),
        Command::Backend(command) => backends::run(command).await,
        Command::Key(command) => api_keys::run(command).await,
        Command::Integration(command) => integrations::run(command).await,
        Command::Agent(command) => agents::run(command).await,
        Command::Action(command) => actions::run(command).await,
        Command::Grant(command) => grants::run(command).await,
        Command::Delegation(command) => delegations::run(command).await,
        Command::Policy(command) => policies::run(command).await,
        Command::Stats(command) => command.run().await,
        Command::Audit(command) => audit::run(command).await,
        Command::Delivery(command) => deliveries::run(command).await,
        Command::Hook(command) => command.run().await,
        Command::Doctor(command) => doctor::run(*command).await,
        Command::Encryption(command) => keys::run(command).await,
        Command::SigningKey(command) => signing_keys::run(command).await,
        Command::Verify(command) => command.run().await,
        Command::McpGateway(command) => {
            telemetry::start_logging();
            command.run().await
        }
        Command::Manifest(command) => manifest::run(&command),
    }
}

/// Raises the process's limit of open files to what the system allows: every connection needs one.
fn raise_file_limit() {
    match capacity::raise_file_limit() {
        Ok(files) if files < FEW_FILES => {
            tracing::warn!(
                files,
                "The limit of open files is low, so few connections are accepted; raise the hard limit (LimitNOFILE, ulimit -Hn)"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "Could not raise the limit of open files"),
    }
}
