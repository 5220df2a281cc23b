//! `countersign key …`: the API keys of backends and of their users, and the admin keys of workspaces.

use chrono::{DateTime, TimeDelta, Utc};
use clap::{ArgGroup, Args, Subcommand};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::args::{find, open};
use crate::{
    cli::{
        admin_keys,
        args::WorkspaceArg,
        error::CliError,
        output::print,
        user_keys::{BoundArgs, previous_keys, revoked, state, used},
    },
    config::{DatabaseConfig, SlackConfig},
    domain::{
        api_keys::{KeyScope, KeyScopes},
        ids::{ApiKeyId, WorkspaceId},
    },
    service::{
        Service,
        api_keys::{self, KeyFault, NewKey, Selection},
        backends, user_keys,
    },
    storage::tables::{api_keys::Listed, backends::Summary},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create another API key for a backend, or an admin key, and print it once
    #[command(after_help = "Examples:
  countersign key create --backend agents --scopes ask,read
  countersign key create --backend siem --scopes audit
  countersign key create --backend claude --user alice@example.com --name laptop --expires-in 90d
  countersign key create --admin --name Terraform --expires-in 90d")]
    Create(Create),
    /// List API keys with their scopes, expiry and last use
    #[command(after_help = "Examples:
  countersign key list
  countersign key list --backend agents --json
  countersign key list --admin")]
    List(List),
    /// Replace one API key with a new one of the same scopes. The old one works for a while
    #[command(after_help = "Examples:
  countersign key rotate key_0192f7c3a4b57d0e8f1a2b3c4d5e6f70 --backend agents
  countersign key rotate key_0192f7c3a4b57d0e8f1a2b3c4d5e6f70 --backend agents --overlap 0
  countersign key rotate key_0192f7c3a4b57d0e8f1a2b3c4d5e6f70 --admin")]
    Rotate(RotateOne),
    /// Stop one API key, or all keys of a backend or all admin keys, at once
    #[command(after_help = "Examples:
  countersign key revoke key_0192f7c3a4b57d0e8f1a2b3c4d5e6f70 --backend agents
  countersign key revoke --all --backend agents
  countersign key revoke --all --admin")]
    Revoke(Revoke),
}

/// The scopes of a new key.
#[derive(Debug, Clone, Args)]
pub(super) struct ScopesArg {
    /// The key's scopes, separated by commas: ask, catalog, connections, read, audit. audit reads the
    /// audit of the whole workspace
    #[arg(long, value_name = "SCOPES", value_parser = parse_scopes, default_value = "ask,catalog,connections,read")]
    pub(super) scopes: KeyScopes,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("rights").args(["admin", "scopes"])), group(ArgGroup::new("holder").args(["admin", "user"])))]
pub(super) struct Create {
    #[command(flatten)]
    of: KeyOwner,
    #[command(flatten)]
    scopes: ScopesArg,
    #[command(flatten)]
    bound: BoundArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    slack: SlackConfig,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// The name or id of a backend. Default: all backends, and the admin keys
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Only the admin keys
    #[arg(long, conflicts_with = "backend")]
    admin: bool,
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct RotateOne {
    /// The key's id, as `countersign key list` prints it
    #[arg(value_name = "KEY")]
    key: ApiKeyId,
    #[command(flatten)]
    of: KeyOwner,
    /// The new key's scopes, separated by commas. Default: those of the old key
    #[arg(long, value_name = "SCOPES", value_parser = parse_scopes, conflicts_with = "admin")]
    scopes: Option<KeyScopes>,
    /// How many more hours the old key works; 0 stops it at once
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=720))]
    overlap: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["key", "all"])))]
pub(super) struct Revoke {
    /// The key's id, as `countersign key list` prints it
    #[arg(value_name = "KEY")]
    key: Option<ApiKeyId>,
    /// All keys of the backend, or all admin keys
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    of: KeyOwner,
    #[command(flatten)]
    database: DatabaseConfig,
}

/// Whose keys a command applies to: a backend's, or the admin keys of the workspace.
#[derive(Debug, Args)]
struct KeyOwner {
    /// The name or id of the backend
    #[arg(long, value_name = "NAME", required_unless_present = "admin")]
    backend: Option<String>,
    /// An admin key, for the calls below /v1/admin: it lists and revokes auto-approvals, unlocks and locks actions.
    /// It belongs to the workspace, asks for no approvals and reads none
    #[arg(long, conflicts_with = "backend")]
    admin: bool,
    #[command(flatten)]
    workspace: WorkspaceArg,
}

impl KeyOwner {
    async fn backend(&self, name: &str, database: &DatabaseConfig) -> Result<(Service, Summary), CliError> {
        find(database, &self.workspace, name).await
    }

    /// The workspace of admin keys.
    async fn workspace(&self, database: &DatabaseConfig) -> Result<(Service, WorkspaceId), CliError> {
        let service = open(database)?;
        let workspace = self.workspace.find(&service).await?;
        Ok((service, workspace))
    }
}

pub(super) fn parse_scopes(text: &str) -> Result<KeyScopes, String> {
    let parse = |name: &str| {
        KeyScope::parse(name.trim())
            .ok_or_else(|| format!("unknown scope `{}`: the scopes are {}", name.trim(), KeyScopes::ALL))
    };
    let scopes: Vec<KeyScope> = text.split(',').map(parse).collect::<Result<_, _>>()?;
    KeyScopes::new(scopes).ok_or_else(|| format!("name at least one of {}", KeyScopes::ALL))
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Create(create) => create.run().await,
        Command::List(list) => list.run().await,
        Command::Rotate(rotate) => rotate.run().await,
        Command::Revoke(revoke) => revoke.run().await,
    }
}

impl Create {
    async fn run(self) -> Result<(), CliError> {
        let Some(backend) = &self.of.backend else {
            let (service, workspace) = self.of.workspace(&self.database).await?;
            return admin_keys::create(&service, workspace, &self.bound, self.json).await;
        };
        let (service, backend) = self.of.backend(backend, &self.database).await?;
        if let Some(who) = &self.bound.user {
            return self.bound.create(&service, &backend, who, &self.slack, self.json).await;
        }
        let key = api_keys::create(&service, &backend, self.scopes.scopes).await?;
        show_new(&key, self.json, "")
    }
}

impl RotateOne {
    async fn run(self) -> Result<(), CliError> {
        let overlap = TimeDelta::hours(self.overlap.into());
        let Some(backend) = &self.of.backend else {
            let (service, workspace) = self.of.workspace(&self.database).await?;
            return admin_keys::rotate(&service, workspace, self.key, self.overlap, self.json).await;
        };
        let (service, backend) = self.of.backend(backend, &self.database).await?;
        if self.scopes.is_none()
            && let Some(key) = user_keys::rotate(&service, &backend, self.key, overlap).await?
        {
            return super::user_keys::show_new(&key, self.json, &previous_keys(self.overlap));
        }
        let selection = Selection::One(self.key);
        let rotated = api_keys::rotate(&service, &backend, selection, self.scopes, overlap).await?;
        show_rotated(rotated, &backend, self.overlap, self.json)
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let (service, backends) = if let Some(name) = &self.backend {
            let (service, backend) = find(&self.database, &self.workspace, name).await?;
            (service, vec![backend])
        } else if self.admin {
            (open(&self.database)?, Vec::new())
        } else {
            let service = open(&self.database)?;
            let backends = backends::list(&service, self.workspace.workspace.as_deref()).await?;
            (service, backends)
        };
        let admin = if self.backend.is_none() {
            crate::service::admin_keys::list(&service, self.workspace.workspace.as_deref()).await?
        } else {
            Vec::new()
        };
        let ids: Vec<_> = backends.iter().map(|backend| backend.id).collect();
        let keys = api_keys::list(&service, &ids).await?;
        let bound = user_keys::list(&service, &ids).await?;
        let name_of = |key: &Listed| {
            backends.iter().find(|backend| backend.id == key.backend).map_or("", |backend| &backend.name)
        };
        if self.json {
            let keys = keys.iter().map(|key| to_json(key, name_of(key), service.now()));
            let keys = keys.chain(bound.iter().map(|key| super::user_keys::to_json(key, service.now())));
            let keys = keys.chain(admin.iter().map(|key| admin_keys::to_json(key, service.now())));
            return print(&Value::Array(keys.collect()).to_string());
        }
        if self.admin && admin.is_empty() {
            return print("No admin keys. Create one with `countersign key create --admin --name NAME`.");
        }
        if keys.is_empty() && bound.is_empty() && admin.is_empty() {
            return print("No API keys. Create one with `countersign key create --backend NAME`.");
        }
        for key in &keys {
            print(&format!("{:16}  {}", name_of(key), line(key, service.now())))?;
        }
        for key in &bound {
            print(&format!("{:16}  {}", key.backend_name, super::user_keys::line(key, service.now())))?;
        }
        for key in &admin {
            print(&admin_keys::line(key, service.now()))?;
        }
        Ok(())
    }
}

impl Revoke {
    async fn run(self) -> Result<(), CliError> {
        let Some(backend) = &self.of.backend else {
            let (service, workspace) = self.of.workspace(&self.database).await?;
            return admin_keys::revoke(&service, workspace, self.key).await;
        };
        let (service, backend) = self.of.backend(backend, &self.database).await?;
        let selection = self.key.map_or(Selection::All, Selection::One);
        let bound = user_keys::revoke(&service, &backend, self.key).await?;
        if self.key.is_some() && !bound.is_empty() {
            return revoked(&bound);
        }
        let ended = api_keys::revoke(&service, &backend, selection).await?;
        match ended.map(|keys| [keys, bound].concat()) {
            Ok(keys) if keys.is_empty() => print("Nothing to revoke: the backend has no working API key."),
            Ok(keys) => revoked(&keys),
            Err(fault) => Err(usage(fault, &backend)),
        }
    }
}

fn usage(fault: KeyFault, backend: &Summary) -> CliError {
    CliError::Usage(match fault {
        KeyFault::NoSuchKey => {
            format!("{fault}: `countersign key list --backend '{}'` shows them", backend.name)
        }
        KeyFault::ScopesDiffer => {
            format!("{fault}: rotate one with `countersign key rotate`, or name the scopes with --scopes")
        }
    })
}

/// Prints the result of a rotation.
pub(super) fn show_rotated(
    rotated: Result<NewKey, KeyFault>,
    backend: &Summary,
    hours: u32,
    json: bool,
) -> Result<(), CliError> {
    let key = rotated.map_err(|fault| usage(fault, backend))?;
    show_new(&key, json, &previous_keys(hours))
}

fn show_new(key: &NewKey, json: bool, more: &str) -> Result<(), CliError> {
    let NewKey { id, scopes, secret } = key;
    let secret = secret.expose_secret();
    if json {
        return print(&json!({ "id": id, "scopes": scopes.names(), "api_key": secret }).to_string());
    }
    print(&format!(
        "API key  {secret}\nId       {id}\nScopes   {scopes}\n\nKeep the key: it is not shown again.{more}"
    ))
}

/// A key as JSON.
pub(super) fn to_json(key: &Listed, backend: &str, now: DateTime<Utc>) -> Value {
    json!({
        "id": key.id, "backend": backend, "scopes": key.scopes.names(), "works": key.works(now),
        "user": null, "name": null, "created_at": key.created_at, "expires_at": key.expires_at, "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    })
}

/// A key on one line.
pub(super) fn line(key: &Listed, now: DateTime<Utc>) -> String {
    let state = state(key.revoked_at, key.expires_at, now);
    format!("{}  {state:28}  {:30}  {}", key.id, used(key.last_used_at), key.scopes)
}
