//! `countersign integration …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    app,
    cli::{args::WorkspaceArg, error::CliError, output::print},
    clock::Clock,
    config::DatabaseConfig,
    domain::{
        audit::Actor,
        catalog::MOST_INTEGRATIONS,
        ids::{BackendId, WorkspaceId},
        ownership::Ownership,
        text::{IntegrationKey, Link, Name, Prose},
    },
    entropy::Entropy,
    gateway::mcp::tools,
    service::{
        Service, own_integration,
        put_integration::{self, Catalog, CatalogAction},
    },
    storage::{self, tables::backends::Summary},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create or update an integration from the tools of an MCP server. Locks stay as they are
    #[command(after_help = "Examples:
  countersign integration import github --mcp tools.json
  my-mcp-client tools/list | countersign integration import github --mcp - --name GitHub")]
    Import(Import),
    /// List the integrations and their owners
    #[command(after_help = "Example:
  countersign integration list")]
    List(List),
    /// Let every backend of the workspace describe an integration and report connections
    #[command(after_help = "Example:
  countersign integration share github")]
    Share(Share),
    /// Give an integration to a backend: after that, only this backend can describe it and report connections
    #[command(after_help = "Example:
  countersign integration move github --to agents")]
    Move(Move),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Share {
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// The integration's key
    #[arg(value_name = "KEY", value_parser = key)]
    key: IntegrationKey,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Move {
    /// The backend's name or id
    #[arg(long, value_name = "BACKEND")]
    to: String,
    #[command(flatten)]
    share: Share,
}

fn key(text: &str) -> Result<IntegrationKey, String> {
    IntegrationKey::new(text).map_err(|fault| format!("it {fault}"))
}

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// The integration's key, as backends name it: github
    #[arg(value_name = "KEY", value_parser = key)]
    key: IntegrationKey,
    /// The MCP server's response to tools/list, as JSON; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    mcp: PathBuf,
    /// Its display name. Default: its key
    #[arg(long, value_parser = |text: &str| Name::new(text).map_err(|fault| format!("it {fault}")))]
    name: Option<Name>,
    /// What it is
    #[arg(long, value_parser = |text: &str| Prose::new(text).map_err(|fault| format!("it {fault}")))]
    description: Option<Prose>,
    /// The address where users connect it
    #[arg(long, value_parser = |text: &str| Link::new(text).map_err(|fault| format!("it {fault}")))]
    connect_url: Option<Link>,
    /// Users don't have to connect it
    #[arg(long)]
    no_connection: bool,
    /// The backend that owns it, by name or id. Otherwise a new integration belongs to the workspace's only backend, or
    /// to the command line if there are several
    #[arg(long, value_name = "BACKEND")]
    owner: Option<String>,
    #[command(flatten)]
    database: DatabaseConfig,
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Import(import) => import.run().await,
        Command::List(list) => list.run().await,
        Command::Share(share) => share.run().await,
        Command::Move(to) => to.run().await,
    }
}

/// The backends of a workspace.
async fn backends(service: &Service, workspace: WorkspaceId) -> Result<Vec<Summary>, CliError> {
    let mut db = service.db.acquire().await?;
    let all = storage::tables::backends::list(&mut db, None).await?;
    Ok(all.into_iter().filter(|backend| backend.workspace == workspace).collect())
}

/// The backend of the workspace with this name or id.
async fn named(service: &Service, workspace: WorkspaceId, name: &str) -> Result<BackendId, CliError> {
    let found = backends(service, workspace).await?;
    let found = found.iter().find(|backend| backend.name == name || backend.id.to_string() == name);
    found.map(|backend| backend.id).ok_or_else(|| {
        CliError::Usage(format!("unknown backend {name}: `countersign backend list` shows all backends"))
    })
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let service = app::service(&self.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.workspace.find(&service).await?;
        let backends = backends(&service, workspace).await?;
        let mut db = service.db.acquire().await?;
        let most = i64::from(MOST_INTEGRATIONS);
        let integrations = storage::tables::integrations::list(&mut db, workspace, None, None, most).await?;
        let mut lines = Vec::new();
        for integration in &integrations {
            let owner = match integration.ownership {
                Ownership::Unclaimed => "no backend".to_owned(),
                Ownership::Operator => "the operator".to_owned(),
                Ownership::Shared => "shared".to_owned(),
                Ownership::Backend(id) => {
                    let owner = backends.iter().find(|backend| backend.id == id);
                    owner.map_or_else(|| id.to_string(), |owner| owner.name.clone())
                }
            };
            if self.json {
                let id = match integration.ownership {
                    Ownership::Backend(id) => Some(id),
                    _ => None,
                };
                let shared = integration.ownership == Ownership::Shared;
                lines.push(json!({ "integration": integration.key, "name": integration.name,
                                   "owner": id, "shared": shared }));
            } else {
                print(&format!("{:20}  {owner:20}  {}", integration.key, integration.name))?;
            }
        }
        if self.json { print(&serde_json::Value::Array(lines).to_string()) } else { Ok(()) }
    }
}

impl Share {
    async fn run(self) -> Result<(), CliError> {
        let service = app::service(&self.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.workspace.find(&service).await?;
        let changed = own_integration::set(&service, workspace, &self.key, Ownership::Shared).await?;
        print(if changed {
            "Shared: every backend of the workspace may describe it and report connections."
        } else {
            "It was already shared."
        })
    }
}

impl Move {
    async fn run(self) -> Result<(), CliError> {
        let Share { database, workspace, key } = self.share;
        let service = app::service(&database, 2, Clock::system(), Entropy::system())?;
        let workspace = workspace.find(&service).await?;
        let owner = named(&service, workspace, &self.to).await?;
        let changed = own_integration::set(&service, workspace, &key, Ownership::Backend(owner)).await?;
        print(if changed {
            "Moved: only this backend may describe it and report connections."
        } else {
            "It already belonged to this backend."
        })
    }
}

impl Import {
    async fn run(self) -> Result<(), CliError> {
        let file = self.mcp.display();
        let json = if self.mcp.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(&self.mcp)
        };
        let json = json.map_err(|error| CliError::Usage(format!("could not read {file}: {error}")))?;
        let actions = tools::actions(&json)
            .map_err(|unreadable| CliError::Usage(format!("could not import {file}: {unreadable}")))?;
        let actions = actions.into_iter().map(|tool| CatalogAction {
            key: tool.key,
            name: tool.name,
            description: tool.description,
            impact: tool.impact,
            presentation: tool.presentation,
            input_schema: tool.input_schema,
        });
        let service = app::service(&self.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.workspace.find(&service).await?;
        let owner = match &self.owner {
            Some(owner) => Some(named(&service, workspace, owner).await?),
            None => None,
        };
        let name = match self.name {
            Some(name) => name,
            None => Name::from_stored(self.key.to_string()),
        };
        let catalog = Catalog {
            name,
            description: self.description,
            requires_connection: !self.no_connection,
            connect_url: self.connect_url,
            actions: actions.collect(),
        };
        let (integration, actions) =
            put_integration::put(&service, workspace, &Actor::Operator, &self.key, &catalog).await?;
        let owner = match (owner, integration.ownership) {
            (Some(owner), _) => Some(owner),
            // This is the first description of the integration. If the workspace has only one backend, it must be the
            // owner.
            (None, Ownership::Operator) => {
                let backends = backends(&service, workspace).await?;
                let mut enabled = backends.iter().filter(|backend| backend.disabled_at.is_none());
                enabled.next().filter(|_| enabled.next().is_none()).map(|only| only.id)
            }
            (None, _) => None,
        };
        if let Some(owner) = owner {
            own_integration::set(&service, workspace, &self.key, Ownership::Backend(owner)).await?;
        } else if integration.ownership == Ownership::Operator {
            print(&format!(
                "No backend can report its connections yet. Assign an owner: `countersign integration move \
                    {} --to BACKEND`",
                self.key
            ))?;
        }
        let unlocked = actions.iter().filter(|action| action.unlocked.is_some()).count();
        let destructive = actions.iter().filter(|action| action.impact.is_destructive()).count();
        let read_only = actions.iter().filter(|action| action.impact.is_read_only()).count();
        print(&format!(
            "{} has {} actions: {read_only} read-only, {destructive} destructive; {unlocked} unlocked.",
            integration.key,
            actions.len()
        ))
    }
}
