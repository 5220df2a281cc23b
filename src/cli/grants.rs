//! `countersign grant …`.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    cli::{
        actions,
        args::{self, WorkspaceArg},
        error::CliError,
        output::print,
    },
    config::DatabaseConfig,
    domain::{
        action_path::ActionPath,
        ids::{ActionId, GrantId, UserId, WorkspaceId},
        narrowing::{Fixed, Narrowing},
        overview::UserGrantLine,
        rejection::Rejection,
        revocation::RevocationReason,
        text::Text,
    },
    service::{
        Service, ServiceError,
        revoke_grants::{self, Filter, GrantChoice},
    },
    slack::view::limits,
    storage,
};

/// How many grants are read at once.
const PAGE: i64 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the live auto-approvals of all users, newest first
    #[command(after_help = "Examples:
  countersign grant list
  countersign grant list --user U012AB3CD --json
  countersign grant list --action salesforce.create_record")]
    List(List),
    /// End auto-approvals. Their users are told, with the reason, and every request asks them again
    #[command(after_help = "Examples:
  countersign grant revoke grt_0199c0ffee007000800000000000000a
  countersign grant revoke --user U012AB3CD --reason Offboarding
  countersign grant revoke --action salesforce.create_record
  countersign grant revoke --all --reason Restored")]
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Only those of this Slack user id
    #[arg(long, value_name = "U…", value_parser = user)]
    user: Option<UserId>,
    /// Only those for this action
    #[arg(long, value_name = "INTEGRATION.ACTION", value_parser = actions::path)]
    action: Option<ActionPath>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    filter: FilterArgs,
    /// Only those that are limited to the agent with this id
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Only those for the conversation that its backend knows by this id
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The auto-approvals, by id: `countersign grant list` prints them. Or name a user, an action or both, or give --all
    #[arg(value_name = "GRANT", value_parser = grant, required_unless_present_any = ["user", "action", "all"], conflicts_with_all = ["user", "action", "all"])]
    grants: Vec<GrantId>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Revoke every auto-approval of the workspace
    #[arg(long, conflicts_with_all = ["user", "action"])]
    all: bool,
    /// Why, for the users. At most 500 characters
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<RevocationReason>,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

pub(super) fn user(text: &str) -> Result<UserId, String> {
    UserId::parse(text).ok_or_else(|| "it should be a Slack user id, as U012AB3CD".to_owned())
}

fn grant(text: &str) -> Result<GrantId, String> {
    text.parse().map_err(|_| "it should be the id of an auto-approval, as grt_…".to_owned())
}

fn reason(text: &str) -> Result<RevocationReason, String> {
    RevocationReason::new(text).map_err(|fault| format!("it {fault}"))
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::List(list) => list.run().await,
        Command::Revoke(revoke) => revoke.run().await,
    }
}

/// The action's id.
async fn action(
    service: &Service,
    workspace: WorkspaceId,
    path: Option<&ActionPath>,
) -> Result<Option<ActionId>, CliError> {
    let Some(path) = path else { return Ok(None) };
    let (integration, key) = actions::keys(service, workspace, path).await?;
    let mut db = service.db.acquire().await?;
    let all = storage::tables::actions::list(&mut db, workspace).await?;
    let is_it = |action: &storage::tables::actions::Action| {
        action.integration == integration.as_str() && action.key == key.as_str()
    };
    let found = all.iter().find(|action| is_it(action)).map(|action| ActionId::new(action.id));
    found.map(Some).ok_or_else(|| CliError::Usage(format!("unknown action {integration}.{key}")))
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let action = action(&service, workspace, self.filter.action.as_ref()).await?;
        let Self { agent, conversation, .. } = self;
        let filter = Filter { user: self.filter.user, action, agent, conversation, ..Filter::default() };
        let (mut before, mut all) = (None, Vec::new());
        loop {
            let page = revoke_grants::list(&service, workspace, &filter, before, PAGE).await?;
            let is_last = i64::try_from(page.len()).is_ok_and(|found| found < PAGE);
            before = page.last().map(|line| line.id);
            if self.json {
                all.extend(page.iter().map(to_json));
            } else {
                page.iter().try_for_each(|line| print(&in_words(line)))?;
            }
            if is_last {
                break;
            }
        }
        if self.json {
            return print(&serde_json::Value::Array(all).to_string());
        }
        if before.is_none() { print("No auto-approvals.") } else { Ok(()) }
    }
}

fn to_json(line: &UserGrantLine) -> serde_json::Value {
    json!({
        "id": line.id, "user": line.user, "action": line.path, "scope": line.scope.scope(), "limits": line.narrowing.as_ref().map(limits_json), "backend": line.backend,
        "conversation": line.conversation, "conversation_id": line.conversation_id, "paused": line.paused, "created_at": line.created_at,
        "use_count": line.use_count, "last_used_at": line.last_used_at,
    })
}

/// What a grant is narrowed to. Fixed values that can't be read are `null`.
fn limits_json(narrowing: &Narrowing) -> serde_json::Value {
    let fixed = match &narrowing.fixed {
        Fixed::Nothing => json!({}),
        Fixed::Values(values) => json!(values.members()),
        Fixed::Unreadable => serde_json::Value::Null,
    };
    let agent = narrowing
        .agent
        .as_ref()
        .map(|(_, agent)| json!({ "id": agent.id.as_str(), "name": agent.name.as_ref().map(Text::as_str) }));
    json!({
        "fixed_arguments": fixed, "agent": agent, "expires_at": narrowing.until,
        "max_uses": narrowing.uses.map(|uses| uses.max.number()), "uses_left": narrowing.uses.map(|uses| uses.left),
    })
}

fn in_words(line: &UserGrantLine) -> String {
    let reach = match (&line.backend, &line.conversation) {
        (Some(backend), Some(conversation)) => format!("conversation {conversation:?} of {backend}"),
        _ if line.narrowing.is_some() => "every conversation".to_owned(),
        _ => "always".to_owned(),
    };
    let limits = line.narrowing.as_ref().map(|narrowing| format!(", {}", limits::in_words(narrowing)));
    let reach = format!("{reach}{}", limits.unwrap_or_default());
    let used = match (line.use_count, line.last_used_at) {
        (0, _) | (_, None) => "never used".to_owned(),
        (1, Some(at)) => format!("used once, {}", at.format("%Y-%m-%d %H:%M UTC")),
        (count, Some(at)) => format!("used {count} times, last {}", at.format("%Y-%m-%d %H:%M UTC")),
    };
    let paused = if line.paused { ", paused" } else { "" };
    format!("{}  {:11}  {}  {reach}{paused}  {used}", line.id, line.user.as_str(), line.path)
}

impl Revoke {
    async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let action = action(&service, workspace, self.filter.action.as_ref()).await?;
        let all = match self.grants.as_slice() {
            [] => vec![GrantChoice::All { user: self.filter.user, action }],
            grants => grants.iter().copied().map(GrantChoice::One).collect(),
        };
        let mut count = 0;
        for which in &all {
            count += match revoke_grants::revoke(&service, workspace, which, self.reason.as_ref()).await {
                Ok(count) => count,
                Err(ServiceError::Rejected(Rejection::UnknownGrant)) => {
                    let GrantChoice::One(grant) = which else { continue };
                    print(&format!("{grant} has ended already, or is unknown."))?;
                    0
                }
                Err(error) => return Err(error.into()),
            };
        }
        print(&match count {
            0 => "Nothing to revoke.".to_owned(),
            1 => "Revoked 1 auto-approval. Its user gets a message.".to_owned(),
            count => format!("Revoked {count} auto-approvals. Their users get a message each."),
        })
    }
}
