//! `countersign integration …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{CliError, WorkspaceArg, mcp, print};
use crate::{
    app,
    clock::Clock,
    config::DatabaseConfig,
    domain::{
        audit::Actor,
        text::{IntegrationKey, Link, Name, Prose},
    },
    entropy::Entropy,
    service::put_integration::{self, Catalog},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an integration of the tools of an MCP server, or bring it up to date. Locks stay as they are
    #[command(after_help = "Examples:
  countersign integration import github --mcp tools.json
  my-mcp-client tools/list | countersign integration import github --mcp - --name GitHub")]
    Import(Import),
}

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// The integration's key, as backends name it: github
    #[arg(value_name = "KEY", value_parser = |text: &str| IntegrationKey::new(text).map_err(|fault| format!("it {fault}")))]
    key: IntegrationKey,
    /// What the MCP server answered to tools/list, as JSON; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    mcp: PathBuf,
    /// Its name for people; its key otherwise
    #[arg(long, value_parser = |text: &str| Name::new(text).map_err(|fault| format!("it {fault}")))]
    name: Option<Name>,
    /// What it is
    #[arg(long, value_parser = |text: &str| Prose::new(text).map_err(|fault| format!("it {fault}")))]
    description: Option<Prose>,
    /// Where a user connects it
    #[arg(long, value_parser = |text: &str| Link::new(text).map_err(|fault| format!("it {fault}")))]
    connect_url: Option<Link>,
    /// Users need not connect it
    #[arg(long)]
    no_connection: bool,
    #[command(flatten)]
    database: DatabaseConfig,
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    let Command::Import(import) = command;
    import.run().await
}

impl Import {
    async fn run(self) -> Result<(), CliError> {
        let file = self.mcp.display();
        let json = if self.mcp.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(&self.mcp)
        };
        let json = json.map_err(|error| CliError::Usage(format!("{file} can't be read: {error}")))?;
        let actions = mcp::actions(&json)
            .map_err(|unreadable| CliError::Usage(format!("{file} can't be imported: {unreadable}")))?;
        let service = app::service(&self.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.workspace.find(&service).await?;
        let name = match self.name {
            Some(name) => name,
            None => Name::from_stored(self.key.to_string()),
        };
        let catalog = Catalog {
            name,
            description: self.description,
            requires_connection: !self.no_connection,
            connect_url: self.connect_url,
            actions,
        };
        let (integration, actions) =
            put_integration::put(&service, workspace, &Actor::Operator, &self.key, &catalog).await?;
        let unlocked = actions.iter().filter(|action| action.unlocked_at.is_some()).count();
        let destructive = actions.iter().filter(|action| action.destructive).count();
        let read_only = actions.iter().filter(|action| action.read_only).count();
        print(&format!(
            "{} has {} actions: {read_only} read-only, {destructive} destructive; {unlocked} unlocked.",
            integration.key,
            actions.len()
        ))
    }
}
