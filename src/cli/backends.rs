//! `countersign backend …`.

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::{CliError, WorkspaceArg, print};
use crate::{
    app,
    clock::Clock,
    config::{DatabaseConfig, SlackConfig},
    domain::{
        ids::WorkspaceId,
        text::{Link, Name},
    },
    entropy::Entropy,
    outbox::Outcome,
    service::{Service, backends, workspaces},
    storage::backends::Summary,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a backend, and print its API key and webhook secret, once
    Create(Create),
    /// List the backends
    List(List),
    /// Give a backend a new API key; the present ones go on working for a while
    RotateKey(Rotate),
    /// Give a backend a new webhook secret; the present one goes on signing besides for a while
    RotateSecret(Rotate),
    /// Stop a backend's API keys. What it asked can still be decided
    Disable(Named),
    /// Send a signed ping to the webhook endpoint, and print what comes back
    TestWebhook(TestWebhook),
    /// Send a backend's webhooks to another address, those that wait included
    SetWebhook(SetWebhook),
    /// Let the deliveries to a stopped webhook endpoint go on
    ResumeWebhook(Named),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    slack: SlackConfig,
    /// What to call it; unique in its workspace
    #[arg(long, value_parser = |text: &str| Name::new(text).map_err(|fault| format!("it {fault}")))]
    name: Name,
    /// Where its webhooks go
    #[arg(long, value_parser = |text: &str| Link::new(text).map_err(|fault| format!("it {fault}")))]
    webhook_url: Link,
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// The backend's name or id
    #[arg(long)]
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    named: Named,
    /// For how many hours more the present one works; 0 stops it at once
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=720))]
    overlap: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct TestWebhook {
    #[command(flatten)]
    named: Named,
    /// Networks that webhooks may go to besides the public internet, separated by commas, as for `serve`
    #[arg(long, env = "COUNTERSIGN_WEBHOOK_ALLOW", value_delimiter = ',', value_parser = crate::config::network)]
    webhook_allow: Vec<ipnet::IpNet>,
}

#[derive(Debug, Args)]
pub(super) struct SetWebhook {
    #[command(flatten)]
    named: Named,
    /// Where its webhooks go
    #[arg(long, value_parser = |text: &str| Link::new(text).map_err(|fault| format!("it {fault}")))]
    webhook_url: Link,
}

fn open(config: &DatabaseConfig) -> Result<Service, CliError> {
    Ok(app::service(config, 2, Clock::system(), Entropy::system())?)
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Create(create) => create.run().await,
        Command::List(list) => list.run().await,
        Command::RotateKey(rotate) => {
            let (service, backend) = rotate.named.find().await?;
            let key = backends::rotate_key(&service, &backend, rotate.overlap()).await?;
            rotate.say("api_key", "API key", &key)
        }
        Command::RotateSecret(rotate) => {
            let (service, backend) = rotate.named.find().await?;
            let secret = backends::rotate_secret(&service, &backend, rotate.overlap()).await?;
            rotate.say("webhook_secret", "Webhook secret", &secret)
        }
        Command::Disable(named) => {
            let (service, backend) = named.find().await?;
            let changed = backends::disable(&service, &backend).await?;
            print(if changed { "Disabled: its API keys no longer work." } else { "It was disabled already." })
        }
        Command::TestWebhook(test) => test.run().await,
        Command::SetWebhook(set) => set.run().await,
        Command::ResumeWebhook(named) => {
            let (service, backend) = named.find().await?;
            let changed = backends::resume_webhook(&service, &backend).await?;
            print(if changed { "Resumed: waiting deliveries are sent now." } else { "It was not stopped." })
        }
    }
}

impl Create {
    async fn run(self) -> Result<(), CliError> {
        let service = open(&self.database)?;
        let workspace = self.find_workspace(&service).await?;
        let Some(created) = backends::create(&service, workspace, &self.name, &self.webhook_url).await?
        else {
            return Err(CliError::Usage(format!(
                "there is a backend called {} already: choose another name, or rotate its key",
                self.name
            )));
        };
        let (key, secret) = (created.api_key.expose_secret(), created.webhook_secret.expose_secret());
        if self.json {
            let line = json!({
                "id": created.id, "name": self.name, "api_key": key, "webhook_secret": secret,
            });
            return print(&line.to_string());
        }
        print(&format!(
            "Backend         {} ({})\nAPI key         {key}\nWebhook secret  {secret}\n\nKeep both: they are not shown again.",
            self.name, created.id
        ))
    }

    /// The workspace named, written down if it is new; else the only one; else the bot token's.
    async fn find_workspace(&self, service: &Service) -> Result<WorkspaceId, CliError> {
        if let Some(slack_id) = &self.workspace.workspace {
            let plausible = slack_id.starts_with(['T', 'E'])
                && slack_id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            if !plausible {
                return Err(CliError::Usage(
                    "Slack's workspace ids look like T012AB3CD or E012AB3CD".to_owned(),
                ));
            }
            return match self.workspace.find(service).await {
                Err(CliError::Usage(_)) => Ok(workspaces::install(service, slack_id, slack_id).await?),
                found => found,
            };
        }
        match self.workspace.find(service).await {
            Err(CliError::Usage(_)) if self.slack.slack_bot_token.is_some() => {
                let client = app::slack_client(&self.slack, service, TaskTracker::new())?;
                app::workspace_of_token(service, &client).await?;
                self.workspace.find(service).await
            }
            found => found,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let service = open(&self.database)?;
        let backends = backends::list(&service, self.workspace.workspace.as_deref()).await?;
        if self.json {
            let lines = backends.iter().map(|backend| {
                json!({
                    "id": backend.id, "name": backend.name, "workspace": backend.slack_id,
                    "webhook_url": backend.webhook_url, "created_at": backend.created_at,
                    "disabled_at": backend.disabled_at, "webhook_stopped_at": backend.webhook_stopped_at,
                    "webhook_failing_since": backend.webhook_failing_since,
                })
            });
            return print(&serde_json::Value::Array(lines.collect()).to_string());
        }
        if backends.is_empty() {
            return print("There is no backend yet: `countersign backend create` makes one.");
        }
        for backend in &backends {
            let state = match (backend.disabled_at, backend.webhook_stopped_at, backend.webhook_failing_since)
            {
                (Some(_), ..) => "disabled",
                (None, Some(_), _) => "webhook stopped",
                (None, None, Some(_)) => "webhook failing",
                (None, None, None) => "active",
            };
            print(&format!(
                "{}  {:24}  {:11}  {:15}  {}",
                backend.id, backend.name, backend.slack_id, state, backend.webhook_url
            ))?;
        }
        Ok(())
    }
}

impl Named {
    async fn find(&self) -> Result<(Service, Summary), CliError> {
        let service = open(&self.database)?;
        let backends = backends::list(&service, self.workspace.workspace.as_deref()).await?;
        let mut found = backends
            .into_iter()
            .filter(|backend| backend.name == self.name || backend.id.to_string() == self.name);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok((service, only)),
            (None, _) => Err(CliError::Usage(format!(
                "there is no backend called {}: `countersign backend list` shows them",
                self.name
            ))),
            (Some(_), Some(_)) => Err(CliError::Usage(format!(
                "there is a {} in several workspaces: name one with --workspace, or give the id",
                self.name
            ))),
        }
    }
}

impl SetWebhook {
    async fn run(self) -> Result<(), CliError> {
        let (service, backend) = self.named.find().await?;
        if !backends::set_webhook(&service, &backend, &self.webhook_url).await? {
            return print("They go there already.");
        }
        let next = if backend.webhook_stopped_at.is_some() {
            "The endpoint is still stopped: if it takes the ping of `countersign backend test-webhook`, what waits is sent."
        } else {
            "`countersign backend test-webhook` shows whether it takes them."
        };
        print(&format!("Webhooks go to {} from now on. {next}", self.webhook_url.as_str()))
    }
}

impl TestWebhook {
    async fn run(self) -> Result<(), CliError> {
        let (service, backend) = self.named.find().await?;
        let url = &backend.webhook_url;
        let sender = app::webhook_sender(self.webhook_allow)?;
        match sender.ping(&service, backend.workspace, backend.id).await? {
            Outcome::Done { status, detail } => {
                let status = status.unwrap_or_default();
                let body = detail.filter(|body| !body.is_empty()).map(|body| format!(":\n{body}"));
                print(&format!("{url} took the ping ({status}){}", body.unwrap_or_else(|| ".".to_owned())))
            }
            Outcome::Failed { why, status, .. } | Outcome::Hopeless { why, status } => {
                let status = status.map_or_else(String::new, |status| format!(" ({status})"));
                Err(CliError::Usage(format!("{url} did not take the ping{status}: {why}")))
            }
            Outcome::Wait(_) | Outcome::NotTaken(_) | Outcome::Refused(_) => {
                Err(CliError::Usage("the ping was not sent".to_owned()))
            }
        }
    }
}

impl Rotate {
    fn overlap(&self) -> TimeDelta {
        TimeDelta::hours(self.overlap.into())
    }

    fn say(&self, member: &str, what: &str, secret: &SecretString) -> Result<(), CliError> {
        let secret = secret.expose_secret();
        if self.json {
            return print(&json!({ member: secret }).to_string());
        }
        let previous = match self.overlap {
            0 => "The previous one stopped working.".to_owned(),
            hours => format!("The previous one works for {hours} hours more."),
        };
        print(&format!("{what}  {secret}\n\nKeep it: it is not shown again. {previous}"))
    }
}
