//! `countersign agent …`, and what `countersign backend pause` and `resume` share with it.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    cli::{
        args::{self, WorkspaceArg},
        error::CliError,
        output::print,
    },
    config::DatabaseConfig,
    domain::{
        audit::Actor,
        ids::WorkspaceId,
        overview::{AgentLine, PauseLine},
        pauses::{PauseReason, PauseTarget, PausedRequests},
        text::ForeignId,
    },
    service::{
        Service,
        pauses::{self, NewPause},
    },
};

/// How many agents are read at once.
const PAGE: i64 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Pause an agent at once: nothing that it asks is approved until it is resumed
    #[command(
        after_help = "The agent's id is what its backend sends as `agent.id`. A backend that you don't trust to keep it is paused with `countersign backend pause`.

Examples:
  countersign agent pause atlas --reason Spam
  countersign agent pause atlas --backend agents --reason Spam --deny"
    )]
    Pause(Pause),
    /// Resume an agent
    #[command(after_help = "Examples:
  countersign agent resume atlas
  countersign agent resume atlas --backend agents")]
    Resume(Resume),
    /// List what is paused, and the agents that asked in the last 30 days
    #[command(after_help = "Examples:
  countersign agent list
  countersign agent list --json")]
    List(List),
}

/// How and why something is paused.
#[derive(Debug, Clone, Args)]
pub(super) struct How {
    /// Why, for the people whose requests wait and for the agent. At most 300 characters
    #[arg(long, value_name = "TEXT", value_parser = |text: &str| PauseReason::new(text).map_err(|fault| format!("it {fault}")))]
    reason: PauseReason,
    /// Hold its requests: people can deny them, but not approve them (default)
    #[arg(long, conflicts_with = "deny")]
    hold: bool,
    /// Deny its new requests at once, with the reason. Those that wait are held
    #[arg(long)]
    deny: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The backend's id for the agent
    #[arg(value_name = "AGENT", value_parser = |text: &str| ForeignId::new(text).map_err(|fault| format!("it {fault}")))]
    agent: ForeignId,
    /// Only the agent of this backend, by the backend's name or id. Without it, the agents with this id of all backends
    #[arg(long, value_name = "BACKEND")]
    backend: Option<String>,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Pause {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(super) struct Resume {
    #[command(flatten)]
    named: Named,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    workspace: WorkspaceArg,
    #[command(flatten)]
    database: DatabaseConfig,
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Pause(Pause { named, how }) => {
            let (service, workspace, target) = named.find().await?;
            pause(&service, workspace, target, how).await
        }
        Command::Resume(Resume { named, json }) => {
            let (service, workspace, target) = named.find().await?;
            resume(&service, workspace, &target, json).await
        }
        Command::List(list) => list.run().await,
    }
}

/// Pauses something, and says what follows.
pub(super) async fn pause(
    service: &Service,
    workspace: WorkspaceId,
    target: PauseTarget,
    how: How,
) -> Result<(), CliError> {
    let requests = if how.deny { PausedRequests::Denied } else { PausedRequests::Held };
    let new = NewPause { target, requests, reason: how.reason };
    let line = pauses::pause(service, workspace, &new, &Actor::Operator).await?;
    if how.json {
        return print(&to_json(&line).to_string());
    }
    let follows = match requests {
        PausedRequests::Held => "Its requests are held: people can deny them, but not approve them",
        PausedRequests::Denied => "Its new requests are denied, and those that wait are held",
    };
    print(&format!("Paused {}. {follows} until you resume it.", name(&line)))
}

/// Resumes something, or says that it was not paused.
pub(super) async fn resume(
    service: &Service,
    workspace: WorkspaceId,
    target: &PauseTarget,
    json: bool,
) -> Result<(), CliError> {
    let all = pauses::list(service, workspace).await?;
    let Some(found) = all.iter().find(|line| line.pause.target == *target) else {
        let others: Vec<_> = all.iter().map(name).collect();
        let paused = if others.is_empty() {
            "nothing is".to_owned()
        } else {
            format!("paused: {}", others.join(", "))
        };
        return Err(CliError::Usage(format!("it is not paused; {paused}")));
    };
    let line = pauses::resume(service, workspace, found.pause.id, &Actor::Operator).await?;
    if json {
        return print(&to_json(&line).to_string());
    }
    let still = all.iter().filter(|other| other.pause.id != line.pause.id);
    let still = still.filter(|other| overlaps(&other.pause.target, &line.pause.target));
    let still: Vec<_> = still.map(name).collect();
    let still =
        if still.is_empty() { String::new() } else { format!(" Still paused: {}.", still.join(", ")) };
    print(&format!("Resumed {}.{still}", name(&line)))
}

/// Whether two pauses may cover the same request.
fn overlaps(one: &PauseTarget, other: &PauseTarget) -> bool {
    let backends = one.backend().zip(other.backend()).is_none_or(|(one, other)| one == other);
    let agents = one.agent().zip(other.agent()).is_none_or(|(one, other)| one == other);
    backends && agents
}

fn name(line: &PauseLine) -> String {
    let backend = line.backend.as_deref();
    match (line.pause.target.agent(), backend) {
        (Some(agent), Some(backend)) => format!("the agent {:?} of {backend}", agent.as_str()),
        (Some(agent), None) => format!("the agent {:?} of every backend", agent.as_str()),
        (None, backend) => format!("the backend {}", backend.unwrap_or_default()),
    }
}

fn to_json(line: &PauseLine) -> Value {
    let pause = &line.pause;
    json!({
        "id": pause.id, "backend": line.backend, "agent": pause.target.agent(), "requests": pause.requests.as_str(),
        "reason": pause.reason, "paused_by": pause.by.label(), "paused_at": pause.at,
    })
}

impl Named {
    async fn find(self) -> Result<(Service, WorkspaceId, PauseTarget), CliError> {
        let agent = self.agent;
        if let Some(backend) = &self.backend {
            let (service, backend) = args::find(&self.database, &self.workspace, backend).await?;
            let target = PauseTarget::Agent { backend: Some(backend.id), agent };
            return Ok((service, backend.workspace, target));
        }
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        Ok((service, workspace, PauseTarget::Agent { backend: None, agent }))
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let workspace = self.workspace.find(&service).await?;
        let paused = pauses::list(&service, workspace).await?;
        let mut agents: Vec<AgentLine> = Vec::new();
        loop {
            let skip = i64::try_from(agents.len()).unwrap_or(i64::MAX);
            let page = pauses::agents(&service, workspace, (skip, PAGE)).await?;
            let is_last = i64::try_from(page.len()).is_ok_and(|found| found < PAGE);
            agents.extend(page);
            if is_last {
                break;
            }
        }
        let is_paused = |agent: &AgentLine| {
            paused.iter().any(|line| line.pause.target.covers(agent.backend, &agent.agent))
        };
        if self.json {
            let seen = agents.iter().map(|agent| {
                json!({
                    "agent": agent.agent, "name": agent.name, "backend": agent.backend_name,
                    "last_asked_at": agent.last_asked_at, "paused": is_paused(agent),
                })
            });
            let all = json!({
                "paused": paused.iter().map(to_json).collect::<Vec<_>>(), "agents": seen.collect::<Vec<_>>(),
            });
            return print(&all.to_string());
        }
        for line in &paused {
            let pause = &line.pause;
            print(&format!(
                "Paused: {}, requests {}, by {} since {}: {}",
                name(line),
                pause.requests.as_str(),
                pause.by.label(),
                pause.at.format("%Y-%m-%d %H:%M UTC"),
                pause.reason.as_str().escape_debug()
            ))?;
        }
        if agents.is_empty() {
            return print("No agent asked in the last 30 days.");
        }
        for agent in &agents {
            let paused = if is_paused(agent) { "  paused" } else { "" };
            print(&format!(
                "{:24}  {:16}  last asked {}{paused}",
                agent.agent.as_str().escape_debug().to_string(),
                agent.backend_name,
                agent.last_asked_at.format("%Y-%m-%d %H:%M UTC")
            ))?;
        }
        Ok(())
    }
}
