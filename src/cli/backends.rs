//! `countersign backend …`.

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::{
    agents,
    api_keys::ScopesArg,
    args::{find, open},
};
use crate::{
    app,
    cli::{args::WorkspaceArg, error::CliError, output::print},
    config::{DatabaseConfig, SlackConfig},
    domain::{
        api_keys::KeyScopes,
        ids::WorkspaceId,
        pauses::PauseTarget,
        text::{Link, Name},
    },
    outbox::Outcome,
    service::{
        Service,
        api_keys::{self, Selection},
        backends, user_keys, workspaces,
    },
    storage::tables::backends::Summary,
    webhooks::address_guard::Guard,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a backend, and print its API key and webhook secret, once
    #[command(after_help = "Examples:
  countersign backend create --name agents --webhook-url https://agents.example.com/hooks
  countersign backend create --name claude
  countersign backend create --name ci --webhook-url https://ci.example.com/ --scopes catalog,read")]
    Create(Create),
    /// List the backends
    #[command(after_help = "Examples:
  countersign backend list
  countersign backend list --json")]
    List(List),
    /// Show a backend with its webhook endpoint and its API keys
    #[command(after_help = "Example:
  countersign backend show --name agents")]
    Show(Show),
    /// Replace all API keys of a backend with a new one. The old keys work for a while. `countersign key`
    /// manages single keys
    #[command(after_help = "Examples:
  countersign backend rotate-key --name agents
  countersign backend rotate-key --name agents --scopes ask,read --overlap 0")]
    RotateKey(RotateKey),
    /// Give a backend a new webhook secret; the current one keeps signing too for a while
    #[command(after_help = "Example:
  countersign backend rotate-secret --name agents")]
    RotateSecret(Rotate),
    /// Stop a backend's API keys. What it asked can still be decided
    #[command(after_help = "Example:
  countersign backend disable --name agents")]
    Disable(Named),
    /// Pause a backend at once: nothing that its agents ask is approved until it is resumed
    #[command(after_help = "Examples:
  countersign backend pause --name agents --reason Spam
  countersign backend pause --name agents --reason Investigation --deny")]
    Pause(Pause),
    /// Resume a backend
    #[command(after_help = "Example:
  countersign backend resume --name agents")]
    Resume(Show),
    /// Send a signed ping to the webhook endpoint, and print what comes back
    #[command(after_help = "Example:
  countersign backend test-webhook --name agents")]
    TestWebhook(TestWebhook),
    /// Change a backend's webhook address. Pending deliveries go there too
    #[command(after_help = "Example:
  countersign backend set-webhook --name agents --webhook-url https://new.example.com/hooks")]
    SetWebhook(SetWebhook),
    /// Resume the deliveries to a stopped webhook endpoint
    #[command(after_help = "Example:
  countersign backend resume-webhook --name agents")]
    ResumeWebhook(Named),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The backend's name, unique in its workspace
    #[arg(long, value_parser = |text: &str| Name::new(text).map_err(|fault| format!("it {fault}")))]
    name: Name,
    /// The address that receives its webhooks. Without one, its callers long-poll
    #[arg(long, value_parser = |text: &str| Link::new(text).map_err(|fault| format!("it {fault}")))]
    webhook_url: Option<Link>,
    /// Networks that webhooks may go to in addition to the public internet, separated by commas, as for `serve`
    #[arg(long, env = "COUNTERSIGN_WEBHOOK_ALLOW", value_delimiter = ',', value_parser = crate::config::network)]
    webhook_allow: Vec<ipnet::IpNet>,
    #[command(flatten)]
    scopes: ScopesArg,
    #[command(flatten)]
    workspace: WorkspaceArg,
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
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    #[command(flatten)]
    workspace: WorkspaceArg,
    /// The backend's name or id
    #[arg(long)]
    name: String,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    named: Named,
    /// How many more hours the current one works; 0 stops it at once
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=720))]
    overlap: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    named: Named,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Pause {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    how: agents::How,
}

#[derive(Debug, Args)]
pub(super) struct RotateKey {
    #[command(flatten)]
    rotate: Rotate,
    /// The new key's scopes, separated by commas. Default: those of the old keys
    #[arg(long, value_name = "SCOPES", value_parser = super::api_keys::parse_scopes)]
    scopes: Option<KeyScopes>,
}

#[derive(Debug, Args)]
pub(super) struct TestWebhook {
    #[command(flatten)]
    named: Named,
    /// Networks that webhooks may go to in addition to the public internet, separated by commas, as for `serve`
    #[arg(long, env = "COUNTERSIGN_WEBHOOK_ALLOW", value_delimiter = ',', value_parser = crate::config::network)]
    webhook_allow: Vec<ipnet::IpNet>,
}

#[derive(Debug, Args)]
pub(super) struct SetWebhook {
    #[command(flatten)]
    named: Named,
    /// The address that receives its webhooks
    #[arg(long, value_parser = |text: &str| Link::new(text).map_err(|fault| format!("it {fault}")))]
    webhook_url: Link,
}

pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Create(create) => create.run().await,
        Command::List(list) => list.run().await,
        Command::Show(show) => show.run().await,
        Command::RotateKey(RotateKey { rotate, scopes }) => {
            let (service, backend) = rotate.named.find().await?;
            let overlap = rotate.overlap();
            let rotated = api_keys::rotate(&service, &backend, Selection::All, scopes, overlap).await?;
            super::api_keys::show_rotated(rotated, &backend, rotate.overlap, rotate.json)
        }
        Command::RotateSecret(rotate) => {
            let (service, backend) = rotate.named.find().await?;
            let secret = backends::rotate_secret(&service, &backend, rotate.overlap()).await?;
            rotate.show_secret(&secret)
        }
        Command::Disable(named) => {
            let (service, backend) = named.find().await?;
            let changed = backends::disable(&service, &backend).await?;
            print(if changed { "Disabled: its API keys no longer work." } else { "It was already disabled." })
        }
        Command::Pause(Pause { named, how }) => {
            let (service, backend) = named.find().await?;
            agents::pause(&service, backend.workspace, PauseTarget::Backend(backend.id), how).await
        }
        Command::Resume(Show { named, json }) => {
            let (service, backend) = named.find().await?;
            agents::resume(&service, backend.workspace, &PauseTarget::Backend(backend.id), json).await
        }
        Command::TestWebhook(test) => test.run().await,
        Command::SetWebhook(set) => set.run().await,
        Command::ResumeWebhook(named) => {
            let (service, backend) = named.find().await?;
            let changed = backends::resume_webhook(&service, &backend).await?;
            print(if changed { "Resumed. Pending deliveries are sent now." } else { "It was not stopped." })
        }
    }
}

impl Create {
    async fn run(self) -> Result<(), CliError> {
        let service = open(&self.database)?;
        let workspace = self.find_workspace(&service).await?;
        let (name, webhook_url, scopes) = (&self.name, self.webhook_url.as_ref(), self.scopes.scopes);
        let Some(created) = backends::create(&service, workspace, name, webhook_url, scopes).await? else {
            return Err(CliError::Usage(format!(
                "a backend called {} already exists: choose another name, or rotate its key with `countersign backend \
                 rotate-key --name {:?}`",
                self.name,
                self.name.as_str()
            )));
        };
        let (key, secret) = (created.api_key.expose_secret(), created.webhook_secret.expose_secret());
        if self.json {
            let line = json!({
                "id": created.id, "name": self.name, "scopes": scopes.names(), "api_key": key,
                "webhook_secret": secret,
            });
            return print(&line.to_string());
        }
        print(&format!(
            "Backend         {} ({})\nAPI key         {key}\nScopes          {scopes}\nWebhook secret  {secret}\n\nKeep the key and the secret: they are not shown again.",
            self.name, created.id
        ))?;
        let url = self.webhook_url.as_ref().and_then(|url| url::Url::parse(url.as_str()).ok());
        match url.map(|url| Guard::new(self.webhook_allow).judge_literal(&url)) {
            Some(Err(refused)) => print(&format!("\nWarning: {refused}.")),
            _ => Ok(()),
        }
    }

    /// The named workspace, registered if it is new; otherwise the only workspace, or the bot token's.
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
                crate::jobs::registration::workspace_of_token(service, &client).await?;
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
            let lines = backends.iter().map(describe);
            return print(&Value::Array(lines.collect()).to_string());
        }
        if backends.is_empty() {
            return print("No backends. Create one with `countersign backend create`.");
        }
        for backend in &backends {
            print(&format!(
                "{}  {:24}  {:11}  {:15}  {}",
                backend.id,
                backend.name,
                backend.slack_id,
                state(backend),
                backend.webhook_url.as_deref().unwrap_or(NO_ENDPOINT)
            ))?;
        }
        Ok(())
    }
}

/// A backend as JSON.
fn describe(backend: &Summary) -> Value {
    json!({
        "id": backend.id, "name": backend.name, "workspace": backend.slack_id,
        "webhook_url": backend.webhook_url, "created_at": backend.created_at,
        "disabled_at": backend.disabled_at, "webhook_stopped_at": backend.webhook_stopped_at,
        "webhook_failing_since": backend.webhook_failing_since,
    })
}

/// In place of the address of a backend without one.
const NO_ENDPOINT: &str = "no endpoint: callers long-poll";

fn state(backend: &Summary) -> &'static str {
    match (backend.disabled_at, backend.webhook_stopped_at, backend.webhook_failing_since) {
        (Some(_), ..) => "disabled",
        (None, Some(_), _) => "webhook stopped",
        (None, None, Some(_)) => "webhook failing",
        (None, None, None) => "active",
    }
}

impl Named {
    async fn find(&self) -> Result<(Service, Summary), CliError> {
        find(&self.database, &self.workspace, &self.name).await
    }
}

impl Show {
    async fn run(self) -> Result<(), CliError> {
        let (service, backend) = self.named.find().await?;
        let keys = api_keys::list(&service, &[backend.id]).await?;
        let bound = user_keys::list(&service, &[backend.id]).await?;
        let now = service.now();
        if self.json {
            let mut shown = describe(&backend);
            let keys = keys.iter().map(|key| super::api_keys::to_json(key, &backend.name, now));
            shown["api_keys"] =
                keys.chain(bound.iter().map(|key| super::user_keys::to_json(key, now))).collect();
            return print(&shown.to_string());
        }
        print(&format!(
            "Backend    {} ({})\nWorkspace  {}\nState      {}\nCreated    {}\nWebhooks   {}\n\nAPI keys",
            backend.name,
            backend.id,
            backend.slack_id,
            state(&backend),
            backend.created_at.format("%Y-%m-%d %H:%M UTC"),
            backend.webhook_url.as_deref().unwrap_or(NO_ENDPOINT)
        ))?;
        for key in &keys {
            print(&super::api_keys::line(key, now))?;
        }
        for key in &bound {
            print(&super::user_keys::line(key, now))?;
        }
        Ok(())
    }
}

impl SetWebhook {
    async fn run(self) -> Result<(), CliError> {
        let (service, backend) = self.named.find().await?;
        if !backends::set_webhook(&service, &backend, &self.webhook_url).await? {
            return print("Webhooks already go there.");
        }
        let next = if backend.webhook_stopped_at.is_some() {
            "The endpoint is still stopped. If it accepts the ping of `countersign backend test-webhook`, \
                pending deliveries are sent."
        } else {
            "Test it with `countersign backend test-webhook`."
        };
        print(&format!("Webhooks now go to {}. {next}", self.webhook_url.as_str()))
    }
}

impl TestWebhook {
    async fn run(self) -> Result<(), CliError> {
        let (service, backend) = self.named.find().await?;
        let Some(url) = &backend.webhook_url else {
            return Err(CliError::Usage(format!(
                "{0} has no webhook endpoint: its callers long-poll. `countersign backend set-webhook --name '{0}' \
                 --webhook-url URL` gives it one",
                backend.name
            )));
        };
        let sender = app::webhook_sender(self.webhook_allow)?;
        match sender.ping(&service, backend.workspace, backend.id).await? {
            Outcome::Done { status, detail } => {
                let status = status.unwrap_or_default();
                let body = detail.filter(|body| !body.is_empty()).map(|body| format!(":\n{body}"));
                print(&format!(
                    "{url} accepted the ping ({status}){}",
                    body.unwrap_or_else(|| ".".to_owned())
                ))
            }
            Outcome::Failed { why, status, .. } | Outcome::Hopeless { why, status } => {
                let status = status.map_or_else(String::new, |status| format!(" ({status})"));
                Err(CliError::Usage(format!("{url} did not accept the ping{status}: {why}")))
            }
            Outcome::Wait(_) | Outcome::NotTaken { .. } | Outcome::Refused { .. } => {
                Err(CliError::Usage("the ping was not sent".to_owned()))
            }
        }
    }
}

impl Rotate {
    fn overlap(&self) -> TimeDelta {
        TimeDelta::hours(self.overlap.into())
    }

    fn show_secret(&self, secret: &SecretString) -> Result<(), CliError> {
        let secret = secret.expose_secret();
        if self.json {
            return print(&json!({ "webhook_secret": secret }).to_string());
        }
        let previous = match self.overlap {
            0 => "The previous one stopped working.".to_owned(),
            hours => format!("The previous one works for {hours} more hours."),
        };
        print(&format!("Webhook secret  {secret}\n\nKeep it: it is not shown again. {previous}"))
    }
}
