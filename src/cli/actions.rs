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
        action_path::ActionPath,
        audit::Actor,
        bulk_unlock::BulkUnlock,
        catalog::{Lock, UnlockedFor},
        ids::{ActionVersionId, WorkspaceId},
        nearest,
        rejection::Rejection,
        risk::{Impact, Risks},
        shell,
        text::{ActionKey, IntegrationKey},
    },
    entropy::Entropy,
    service::{
        Service, ServiceError, action_options, action_paths, bulk_unlock,
        unlock::{self, LockCommand, Seen, UnlockOutcome},
    },
    storage,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the actions, and which are unlocked or have a changed description
    #[command(after_help = "Example:
  countersign action list")]
    List(List),
    /// Let users auto-approve an action, as it is described now
    #[command(after_help = "Examples:
  countersign action unlock github.create_issue
  countersign action unlock github.delete_file --for conversations
  countersign action unlock --read-only github")]
    Unlock(Unlock),
    /// Confirm the changed description of an unlocked action. Its paused auto-approvals work again
    #[command(after_help = "Example:
  countersign action confirm github.create_issue --version 3")]
    Confirm(Confirm),
    /// Stop users from auto-approving an action. Their grants for it end and do not come back
    #[command(after_help = "Example:
  countersign action lock github.create_issue")]
    Lock(Change),
    /// Require that people open Details before they approve a request for an action
    #[command(after_help = "Examples:
  countersign action must-read github.delete_file
  countersign action must-read github.delete_file --off")]
    MustRead(MustRead),
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
    /// The action, as github.create_issue
    #[arg(value_name = "INTEGRATION.ACTION", value_parser = path)]
    action: ActionPath,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Unlock {
    /// What users may allow: grants for one conversation, or also for every conversation. Changes it if the action is
    /// unlocked already; limiting it to conversations ends the grants for every conversation. Required for a
    /// locked action that is destructive or runs any command [default: always]
    #[arg(long = "for", value_name = "conversations|always", value_parser = unlocked_for)]
    what: Option<UnlockedFor>,
    /// Unlock all locked actions of this integration that its backend declares as read-only. Those that declare
    /// nothing or run any command stay locked
    #[arg(long, value_name = "INTEGRATION", value_parser = integration, conflicts_with = "action")]
    read_only: Option<IntegrationKey>,
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// The action, as github.create_issue
    #[arg(value_name = "INTEGRATION.ACTION", value_parser = path, required_unless_present = "read_only")]
    action: Option<ActionPath>,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct MustRead {
    /// Let people approve without opening Details again
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
pub(super) struct Confirm {
    /// Confirm only if this is the current version of the description; `list --json` shows it
    #[arg(long, value_name = "NUMBER")]
    version: Option<i32>,
    #[command(flatten)]
    change: Change,
}

pub(super) fn path(text: &str) -> Result<ActionPath, String> {
    ActionPath::parse(text).map_err(|fault| fault.to_string())
}

fn integration(text: &str) -> Result<IntegrationKey, String> {
    IntegrationKey::new(text).map_err(|fault| format!("it {fault}"))
}

fn unlocked_for(text: &str) -> Result<UnlockedFor, String> {
    UnlockedFor::from_stored(text).ok_or_else(|| "it should be conversations or always".to_owned())
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::List(list) => list.run().await,
        Command::Unlock(unlock) => unlock.run().await,
        Command::Confirm(confirm) => confirm.run().await,
        Command::Lock(change) => change.lock().await,
        Command::MustRead(must_read) => must_read.run().await,
    }
}

/// The keys of the action that a command names.
pub(super) async fn keys(
    service: &Service,
    workspace: WorkspaceId,
    path: &ActionPath,
) -> Result<(IntegrationKey, ActionKey), CliError> {
    action_paths::keys(service, workspace, path).await?.map_err(|found| {
        let paths: Vec<String> =
            found.iter().map(|(integration, action)| format!("{integration}/{action}")).collect();
        CliError::Usage(format!("several actions have this name. Write {}", paths.join(" or ")))
    })
}

/// No action has this name. Names the one that was probably meant.
fn unknown(
    integration: &IntegrationKey,
    key: &ActionKey,
    actions: &[storage::tables::actions::Action],
) -> CliError {
    let typed = format!("{integration}.{key}");
    let paths: Vec<String> =
        actions.iter().map(|action| format!("{}.{}", action.integration, action.key)).collect();
    let then = match nearest::nearest(&typed, &paths, 1).as_slice() {
        [meant] => format!("did you mean {meant}?"),
        _ => "`countersign action list` shows all actions".to_owned(),
    };
    CliError::Usage(format!("unknown action {typed}: {then}"))
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
                        "risk": action.impact.declared().map(Risks::names), "unlocked": action.unlocked.is_some(),
                        "unlocked_for": action.unlocked.map(UnlockedFor::as_str), "must_read": action.must_read,
                        "changed": matches!(action.lock(), Lock::Changed(_)), "version": action.number })
            });
            return print(&serde_json::Value::Array(lines.collect()).to_string());
        }
        for action in &actions {
            let state = match action.lock() {
                Lock::Unlocked(_) => "unlocked",
                Lock::Changed(_) => "changed",
                Lock::Locked | Lock::Retired | Lock::Ruled => "locked",
            };
            let kind = match action.impact {
                Impact::Undeclared => "undeclared".to_owned(),
                Impact::ReadOnly => "read-only".to_owned(),
                Impact::Changes(risks) => risks.names().join(","),
            };
            let limited = action.unlocked == Some(UnlockedFor::Conversations);
            let notes = [(limited, "  for conversations"), (action.must_read, "  must be read")];
            let notes: String = notes.into_iter().filter(|(is, _)| *is).map(|(_, note)| note).collect();
            print(&format!("{state:8}  {kind:11}  {}.{}{notes}", action.integration, action.key))?;
        }
        Ok(())
    }
}

impl Change {
    async fn lock(self) -> Result<(), CliError> {
        let service = app::service(&self.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.workspace.find(&service).await?;
        let (integration, action) = &keys(&service, workspace, &self.action).await?;
        let path = (integration, action);
        let changed = unlock::set(&service, workspace, path, LockCommand::Lock, &Actor::Operator).await?;
        print(if changed {
            "Locked: every request asks, and the users' grants have ended."
        } else {
            "It was already locked."
        })
    }
}

impl Unlock {
    async fn run(self) -> Result<(), CliError> {
        let service = app::service(&self.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.workspace.find(&service).await?;
        if let Some(integration) = &self.read_only {
            let what = self.what.unwrap_or(UnlockedFor::Always);
            return unlock_read_only(&service, workspace, integration, what).await;
        }
        let Some(action) = &self.action else { return Ok(()) };
        let (integration, key) = &keys(&service, workspace, action).await?;
        let path = (integration, key);
        let mut db = service.db.acquire().await?;
        let actions = storage::tables::actions::list(&mut db, workspace).await?;
        drop(db);
        let action = actions
            .iter()
            .find(|action| action.integration == integration.as_str() && action.key == key.as_str())
            .ok_or_else(|| unknown(integration, key, &actions))?;
        let warning = if shell::is_shell(&format!("{integration}.{key}")) {
            Some(format!("⚠ {}", shell::WARNING))
        } else if action.impact.is_destructive() {
            Some(format!("{integration}.{key} is destructive."))
        } else {
            None
        };
        if let Some(warning) = warning.filter(|_| action.unlocked.is_none() && self.what.is_none()) {
            return Err(CliError::Usage(format!(
                "{warning} Say what users may allow: --for conversations (each new conversation asks) or --for always \
                 (it runs without asking in every conversation)"
            )));
        }
        // What was read above: a description that has become destructive since is not unlocked.
        let seen = Seen::Version(ActionVersionId::new(action.version));
        let UnlockOutcome { unlocked, changed } =
            unlock::unlock_for(&service, workspace, path, (self.what, seen), &Actor::Operator).await?;
        print(match (unlocked || changed, self.what) {
            (true, Some(UnlockedFor::Conversations)) if changed => {
                "Unlocked for conversations: each new conversation asks. The users' grants for every conversation \
                 have ended."
            }
            (true, Some(UnlockedFor::Conversations)) => {
                "Unlocked for conversations: users may auto-approve it for one conversation."
            }
            (true, _) => "Unlocked: users may auto-approve it.",
            (false, _) => "It was already unlocked.",
        })
    }
}

/// Unlocks the read-only actions of an integration.
async fn unlock_read_only(
    service: &Service,
    workspace: WorkspaceId,
    integration: &IntegrationKey,
    what: UnlockedFor,
) -> Result<(), CliError> {
    let done = bulk_unlock::all(service, workspace, integration, what, &Actor::Operator).await;
    let (done, lines) = match done {
        Err(ServiceError::Rejected(Rejection::UnknownIntegration)) => {
            return Err(CliError::Usage(format!(
                "unknown integration {integration}: `countersign integration list` shows all integrations"
            )));
        }
        done => done?,
    };
    for line in &lines {
        print(&format!("{integration}.{}", line.key))?;
    }
    let BulkUnlock { unlocked, left_out } = done;
    print(&match (unlocked, left_out) {
        (0, 0) => "No locked action of it is declared as read-only.".to_owned(),
        (unlocked, 0) => format!("Unlocked {unlocked}. Users may auto-approve them."),
        (unlocked, left_out) => {
            format!("Unlocked {unlocked}. {left_out} changed since they were listed and stay as they are.")
        }
    })
}

impl MustRead {
    async fn run(self) -> Result<(), CliError> {
        let service = app::service(&self.change.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.change.workspace.find(&service).await?;
        let (integration, key) = &keys(&service, workspace, &self.change.action).await?;
        let changed = action_options::set_must_read(
            &service,
            workspace,
            (integration, key),
            !self.off,
            &Actor::Operator,
        )
        .await?;
        print(match (self.off, changed) {
            (false, true) => "Must be read: people must open Details before they approve a request for it.",
            (false, false) => "It was already marked as must be read.",
            (true, true) => "People may approve requests for it without opening Details.",
            (true, false) => "It was not marked as must be read.",
        })
    }
}

const CONFIRMED: &str = "Confirmed: its paused auto-approvals work again.";
const NOT_CHANGED: &str = "Its description has not changed since it was unlocked or confirmed.";

impl Confirm {
    async fn run(self) -> Result<(), CliError> {
        let service = app::service(&self.change.database, 2, Clock::system(), Entropy::system())?;
        let workspace = self.change.workspace.find(&service).await?;
        let (integration, key) = &keys(&service, workspace, &self.change.action).await?;
        let mut db = service.db.acquire().await?;
        let actions = storage::tables::actions::list(&mut db, workspace).await?;
        drop(db);
        let action = actions
            .iter()
            .find(|action| action.integration == integration.as_str() && action.key == key.as_str())
            .ok_or_else(|| unknown(integration, key, &actions))?;
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
