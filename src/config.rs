//! Configuration, by flag or environment variable. `--help` is the reference.

use std::net::SocketAddr;

use ipnet::IpNet;
use secrecy::SecretString;

/// What every command needs: the database, and what opens the secrets in it.
#[derive(Debug, Clone, clap::Args)]
pub struct DatabaseConfig {
    /// Postgres, 14 or newer: postgres://user:password@host/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = postgres_url)]
    pub database_url: SecretString,

    /// Seals secrets at rest: 32 bytes in base64, as `openssl rand -base64 32` prints them. A comma separates older
    /// keys, which still open what they sealed
    #[arg(long, env = "COUNTERSIGN_ENCRYPTION_KEY", hide_env_values = true, value_parser = encryption_key)]
    pub encryption_key: Option<SecretString>,
}

/// How Slack is reached.
#[derive(Debug, Clone, clap::Args)]
pub struct SlackConfig {
    /// The bot's token of the one workspace: xoxb-…
    #[arg(long, env = "SLACK_BOT_TOKEN", hide_env_values = true, value_parser = bot_token)]
    pub slack_bot_token: Option<SecretString>,

    /// Slack's Web API: another address for GovSlack, or for a stand-in
    #[arg(long, env = "SLACK_API_URL", default_value = "https://slack.com/api", value_parser = web_url)]
    pub slack_api_url: String,
}

/// What one backend may use.
#[derive(Debug, Clone, clap::Args)]
pub struct LimitsConfig {
    /// Requests a second that a backend may make of one instance
    #[arg(long = "backend-requests-per-second", env = "COUNTERSIGN_BACKEND_REQUESTS_PER_SECOND", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub requests_per_second: u32,

    /// Approvals of a backend that may be pending
    #[arg(long = "backend-pending-approvals", env = "COUNTERSIGN_BACKEND_PENDING_APPROVALS", default_value_t = 5000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub pending_approvals: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { requests_per_second: 1000, pending_approvals: 5000 }
    }
}

/// What `countersign serve` needs.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeConfig {
    #[command(flatten)]
    /// The database.
    pub database: DatabaseConfig,

    #[command(flatten)]
    /// Slack.
    pub slack: SlackConfig,

    /// The address to listen at
    #[arg(long, env = "COUNTERSIGN_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Verifies that requests come from Slack: "Signing Secret" in the app's Basic Information. A comma separates the
    /// previous one while it is being rotated
    #[arg(long, env = "SLACK_SIGNING_SECRET", hide_env_values = true, value_parser = non_empty)]
    pub slack_signing_secret: SecretString,

    /// Slack user ids, separated by commas, that are admins besides Slack's own
    #[arg(long, env = "COUNTERSIGN_ADMINS", value_delimiter = ',', value_parser = user_id)]
    pub admins: Vec<crate::domain::ids::UserId>,

    /// Networks that webhooks may go to besides the public internet, separated by commas: 10.20.0.0/16
    #[arg(long, env = "COUNTERSIGN_WEBHOOK_ALLOW", value_delimiter = ',', value_parser = network)]
    pub webhook_allow: Vec<IpNet>,

    #[command(flatten)]
    /// What a backend may use.
    pub limits: LimitsConfig,

    /// Connections to Postgres at most
    #[arg(long, env = "COUNTERSIGN_DATABASE_CONNECTIONS", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(2..=500))]
    pub database_connections: u32,
}

fn postgres_url(text: &str) -> Result<SecretString, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") => Ok(text.into()),
        _ => Err("it should look like postgres://user:password@host:5432/database".to_owned()),
    }
}

fn encryption_key(text: &str) -> Result<SecretString, String> {
    let keys = SecretString::from(text);
    crate::seal::Sealer::new(Some(&keys)).map(|_| keys).map_err(|error| error.to_string())
}

fn bot_token(text: &str) -> Result<SecretString, String> {
    if text.starts_with("xoxb-") || text.starts_with("xoxe.xoxb-") {
        Ok(text.into())
    } else {
        Err("it should start with xoxb-: copy \"Bot User OAuth Token\" from the app's OAuth & Permissions"
            .to_owned())
    }
}

fn non_empty(text: &str) -> Result<SecretString, String> {
    if text.trim().is_empty() {
        Err("it is empty: copy \"Signing Secret\" from the app's Basic Information".to_owned())
    } else {
        Ok(text.into())
    }
}

fn web_url(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("it should look like https://slack.com/api".to_owned()),
    }
}

fn user_id(text: &str) -> Result<crate::domain::ids::UserId, String> {
    crate::domain::ids::UserId::parse(text.trim())
        .ok_or_else(|| "Slack user ids look like U012AB3CD: copy \"member ID\" from a profile".to_owned())
}

pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| "networks look like 10.20.0.0/16 or 10.20.0.7".to_owned())
}
