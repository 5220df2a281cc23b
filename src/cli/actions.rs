//! `countersign action …`.
#![expect(clippy::doc_markdown, reason = "clap prints these comments as they are")]

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    app,
    cli::{args::WorkspaceArg, error::CliError, output::print},
    clock::Clock,
    config::DatabaseConfig,
    domain::{
        audit::Actor,
        catalog::Lock,
        ids::ActionVersionId,
        risk::{Impact, Risks},
        text::{ActionKey, IntegrationKey},
    },
    entropy::Entropy,
    service::unlock::{self, LockCommand, Seen},
    storage,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the actions, and which are unlocked or have a changed description
    #[command(after_help = "Example:
  countersign action list")]
    List(List),
    /// Let users auto-approve an action, as it is described now
    #[command(after_help = "Example:
  countersign action unlock salesforce.create_record")]
    Unlock(Change),
    /// Confirm the changed description of an unlocked action. Its paused auto-approvals work again
    #[command(after_help = "Example:
  countersign action confirm salesforce.create_record --version 3")]
    Confirm(Confirm),
    /// Stop users from auto-approving an action. Their grants for it end and do not come back
    #[command(after_help = "Example:
  countersign action lock salesforce.create_record")]
    Lock(Change),
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
pub(super) struct Change {
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// The action, as salesforce.create_record
    #[arg(value_name = "INTEGRATION.ACTION", value_parser = path)]
    action: Path,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Confirm {
    /// Confirm only if this is the current version of the description; `list --json` shows it
    #[arg(long, value_name = "NUMBER")]
    version: Option<i32>,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Clone)]
struct Path(IntegrationKey, ActionKey);

fn path(text: &str) -> Result<Path, String> {
    let (integration, action) =
        text.split_once('.').ok_or("it should look like salesforce.create_record".to_owned())?;
    let integration = IntegrationKey::new(integration).map_err(|fault| format!("the integration {fault}"))?;
    let action = ActionKey::new(action).map_err(|fault| format!("the action {fault}"))?;
    Ok(Path(integration, action))
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::List(list) => list.run().await,
        Command::Unlock(change) => change.run(LockCommand::Unlock).await,
        Command::Confirm(confirm) => confirm.run().await,
        Command::Lock(change) => change.run(LockCommand::Lock).await,
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let service = app::service(&self.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.workspace.find(&service).await?;
        let mut db = service.db.acquire().await?;
        let actions = storage::tables::actions::list(&mut db, workspace).await?;
        if self.json {
            let lines = actions.iter().map(|action| {
                json!({ "action": format!("{}.{}", action.integration, action.key), "name": action.name,
                        "description": action.description, "read_only": action.impact.is_read_only(),
                        "destructive": action.impact.is_destructive(),
                        "risk": action.impact.declared().map(Risks::names), "unlocked": action.unlocked_at.is_some(),
                        "changed": action.lock() == Lock::Changed, "version": action.number })
            });
            return print(&serde_json::Value::Array(lines.collect()).to_string());
        }
        for action in &actions {
            let state = match action.lock() {
                Lock::Unlocked => "unlocked",
                Lock::Changed => "changed",
                Lock::Locked | Lock::Retired => "locked",
            };
            let kind = match action.impact {
                Impact::Undeclared => "undeclared".to_owned(),
                Impact::ReadOnly => "read-only".to_owned(),
                Impact::Changes(risks) => risks.names().join(","),
            };
            print(&format!("{state:8}  {kind:11}  {}.{}", action.integration, action.key))?;
        }
        Ok(())
    }
}

impl Change {
    async fn run(self, command: LockCommand) -> Result<(), CliError> {
        let service = app::service(&self.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.workspace.find(&service).await?;
        let Path(integration, action) = &self.action;
        let changed =
            unlock::set(&service, workspace, (integration, action), command, &Actor::Operator).await?;
        print(match (command, changed) {
            (LockCommand::Confirm, true) => CONFIRMED,
            (LockCommand::Confirm, false) => NOT_CHANGED,
            (LockCommand::Unlock, true) => "Unlocked: users may auto-approve it.",
            (LockCommand::Unlock, false) => "It was already unlocked.",
            (LockCommand::Lock, true) => "Locked: every request asks, and the users' grants have ended.",
            (LockCommand::Lock, false) => "It was already locked.",
        })
    }
}

const CONFIRMED: &str = "Confirmed: its paused auto-approvals work again.";
const NOT_CHANGED: &str = "Its description has not changed since it was unlocked or confirmed.";

impl Confirm {
    async fn run(self) -> Result<(), CliError> {
        let service = app::service(&self.change.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.change.workspace.find(&service).await?;
        let Path(integration, key) = &self.change.action;
        let mut db = service.db.acquire().await?;
        let actions = storage::tables::actions::list(&mut db, workspace).await?;
        drop(db);
        let action = actions
            .iter()
            .find(|action| action.integration == integration.as_str() && action.key == key.as_str())
            .ok_or_else(|| CliError::Usage(format!("unknown action {integration}.{key}")))?;
        if action.lock() == Lock::Locked {
            let why = format!(
                "{integration}.{key} is locked: `countersign action unlock {integration}.{key}` unlocks it"
            );
            return Err(CliError::Usage(why));
        }
        if let Some(version) = self.version.filter(|version| *version != action.number) {
            let why = format!("version {version} is out of date: the current version is {}", action.number);
            return Err(CliError::Usage(why));
        }
        print(&format!("{}: {}", action.integration_name, action.name))?;
        if let Some(description) = &action.description {
            print(description)?;
        }
        let seen = Seen::Version(ActionVersionId::new(action.version));
        let command = (LockCommand::Confirm, seen);
        let changed =
            unlock::set_seen(&service, workspace, (integration, key), command, &Actor::Operator).await?;
        print(if changed { CONFIRMED } else { NOT_CHANGED })
    }
}
