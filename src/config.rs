//! Configuration, by flag or environment variable. `--help` is the reference.
#![expect(clippy::doc_markdown, reason = "clap prints these comments as they are")]

use std::{net::SocketAddr, path::PathBuf};

use chrono::TimeDelta;
use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    domain::retention::{Retention, SHORTEST, SHORTEST_FOR_ARGUMENTS},
    slack::{
        oauth,
        web_api::{admins::ConfiguredAdmin, oauth_access::Credentials},
    },
};

/// What every command needs: the database, and the keys for the secrets in it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseConfig {
    /// Postgres, 14 or newer: postgres://user:password@host/database. Several hosts, as host1,host2:5433, are tried
    /// until one accepts writes. Over a network, add sslmode=verify-full and sslrootcert, or the server is not verified
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = postgres_url)]
    pub database_url: SecretString,

    /// Encrypts secrets at rest: 32 bytes in base64, as `openssl rand -base64 32` prints them. A comma separates older
    /// keys, which still decrypt what they encrypted
    #[arg(long, env = "COUNTERSIGN_ENCRYPTION_KEY", hide_env_values = true, value_parser = encryption_key)]
    pub encryption_key: Option<SecretString>,

    /// Time limits for Postgres.
    #[arg(skip)]
    pub limits: crate::storage::Limits,
}

impl DatabaseConfig {
    /// Whether a key is configured. An empty value seals nothing.
    #[must_use]
    pub fn has_encryption_key(&self) -> bool {
        self.encryption_key.as_ref().is_some_and(names_a_key)
    }
}

fn names_a_key(keys: &SecretString) -> bool {
    keys.expose_secret().split(',').any(|key| !key.trim().is_empty())
}

/// How Slack is reached.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Slack")]
pub struct SlackConfig {
    /// The bot's token of the one workspace: xoxb-…
    #[arg(long, env = "SLACK_BOT_TOKEN", hide_env_values = true, value_parser = bot_token)]
    pub slack_bot_token: Option<SecretString>,

    /// Lets any number of workspaces install the app at /slack/install: "Client ID" in the app's Basic Information
    #[arg(long, env = "SLACK_CLIENT_ID", value_parser = client_id)]
    pub slack_client_id: Option<String>,

    /// "Client Secret" in the app's Basic Information
    #[arg(long, env = "SLACK_CLIENT_SECRET", hide_env_values = true, value_parser = client_secret)]
    pub slack_client_secret: Option<SecretString>,

    /// Slack's Web API. Change it for GovSlack or a test server
    #[arg(long, env = "SLACK_API_URL", default_value = "https://slack.com/api", value_parser = web_url)]
    pub slack_api_url: String,

    /// Find prompts that Slack posted without confirming it: /slack/install then asks for metadata.message:read. The app
    /// also needs the event: `countersign manifest --find-lost-prompts`
    #[arg(long, env = "COUNTERSIGN_FIND_LOST_PROMPTS")]
    pub find_lost_prompts: bool,

    /// An HTTP proxy (CONNECT) for all connections to Slack: http://proxy.internal:3128, with user:password@ if the proxy
    /// requires them. Webhooks don't use it
    #[arg(long, env = "COUNTERSIGN_SLACK_PROXY", hide_env_values = true, value_parser = proxy_url)]
    pub slack_proxy: Option<SecretString>,
}

impl SlackConfig {
    /// The app's credentials for OAuth, if they are configured.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials> {
        let (client_id, client_secret) =
            self.slack_client_id.clone().zip(self.slack_client_secret.clone())?;
        Some(Credentials { client_id, client_secret })
    }
}

/// Limits for one backend.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Limits for each backend")]
pub struct LimitsConfig {
    /// Requests a second that a backend may make of one instance
    #[arg(long = "backend-requests-per-second", env = "COUNTERSIGN_BACKEND_REQUESTS_PER_SECOND", default_value_t = 1000,
          value_parser = whole("a whole number", 1, u32::MAX))]
    pub requests_per_second: u32,

    /// Approvals of a backend that may be pending
    #[arg(long = "backend-pending-approvals", env = "COUNTERSIGN_BACKEND_PENDING_APPROVALS", default_value_t = 5000,
          value_parser = whole("a whole number", 1, u32::MAX))]
    pub pending_approvals: u32,

    /// Approvals asked for with keys bound to one user that may be pending. They have no other limit
    #[arg(long = "user-pending-approvals", env = "COUNTERSIGN_USER_PENDING_APPROVALS", default_value_t = 500,
          value_parser = whole("a whole number", 1, u32::MAX))]
    pub user_pending_approvals: u32,

    /// Calls of a backend that may wait for decisions, or stream, at one instance
    #[arg(long = "backend-waiters", env = "COUNTERSIGN_BACKEND_WAITERS", default_value_t = 1000,
          value_parser = whole("a whole number", 1, u32::MAX))]
    pub waiters: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            requests_per_second: 1000,
            pending_approvals: 5000,
            user_pending_approvals: 500,
            waiters: 1000,
        }
    }
}

/// How long records are kept.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Retention")]
pub struct RetentionConfig {
    /// Days for which approvals, prompts and deliveries are kept, at least 30. They are dropped by whole months, unless
    /// one of them is still pending or waiting. Default: for ever
    #[arg(long = "retention", env = "COUNTERSIGN_RETENTION", value_name = "DAYS", value_parser = days(SHORTEST))]
    pub records: Option<u32>,

    /// Days for which audit entries are kept, at least 30. Default: for ever
    #[arg(long = "audit-retention", env = "COUNTERSIGN_AUDIT_RETENTION", value_name = "DAYS", value_parser = days(SHORTEST))]
    pub audit: Option<u32>,

    /// Days after which arguments, reasons and metadata of ended approvals, and the words of their results, are deleted,
    /// at least 8. Their digests stay.
    /// Default: never
    #[arg(long = "arguments-retention", env = "COUNTERSIGN_ARGUMENTS_RETENTION", value_name = "DAYS",
          value_parser = days(SHORTEST_FOR_ARGUMENTS))]
    pub arguments: Option<u32>,
}

impl RetentionConfig {
    /// The times.
    #[must_use]
    pub fn kept(&self) -> Retention {
        let days = |days: u32| TimeDelta::days(days.into());
        Retention {
            records: self.records.map(days),
            audit: self.audit.map(days),
            arguments: self.arguments.map(days),
        }
    }
}

fn days(shortest: TimeDelta) -> impl Fn(&str) -> Result<u32, String> + Clone + Send + Sync + 'static {
    // A century and more is for ever.
    whole("a number of days", u32::try_from(shortest.num_days()).unwrap_or(u32::MAX), 36_500)
}

/// Parses a whole number from `least` to `most`. `what`: what it should be, for the error.
fn whole(
    what: &'static str,
    least: u32,
    most: u32,
) -> impl Fn(&str) -> Result<u32, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| match most {
            u32::MAX => format!("it should be {what}, at least {least}"),
            most => format!("it should be {what} from {least} to {most}"),
        })
    }
}

/// The configuration of `countersign serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeConfig {
    #[command(flatten)]
    /// The database.
    pub database: DatabaseConfig,

    #[command(flatten)]
    /// Slack.
    pub slack: SlackConfig,

    /// The address to listen at
    #[arg(long, env = "COUNTERSIGN_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT",
          value_parser = listen_address, help_heading = "Server")]
    pub listen: SocketAddr,

    /// Verifies that requests come from Slack: "Signing Secret" in the app's Basic Information. A comma separates the
    /// previous one while it is being rotated
    #[arg(long, env = "SLACK_SIGNING_SECRET", help_heading = "Slack", hide_env_values = true, value_parser = non_empty)]
    pub slack_signing_secret: Option<SecretString>,

    /// Socket Mode: Slack sends through connections that this service opens, instead of posting to it. An "App-Level
    /// Token" with connections:write from the app's Basic Information: xapp-…
    #[arg(long, env = "SLACK_APP_TOKEN", help_heading = "Slack", hide_env_values = true, value_parser = app_token)]
    pub slack_app_token: Option<SecretString>,

    /// The address at which browsers and Slack reach this service: https://countersign.example.com. Needed for
    /// SLACK_CLIENT_ID
    #[arg(long, env = "COUNTERSIGN_PUBLIC_URL", help_heading = "Server", value_parser = public_url)]
    pub public_url: Option<String>,

    /// Additional admins, separated by commas, each for one workspace (T012AB3CD:U012AB3CD) or organisation
    /// (E012AB3CD:U012AB3CD). A bare user id means the workspace of SLACK_BOT_TOKEN, and is refused with SLACK_CLIENT_ID
    #[arg(long, env = "COUNTERSIGN_ADMINS", help_heading = "Slack", value_delimiter = ',', value_parser = appointed_admin)]
    pub admins: Vec<ConfiguredAdmin>,

    /// Networks that webhooks may go to in addition to the public internet, separated by commas: 10.20.0.0/16
    #[arg(long, env = "COUNTERSIGN_WEBHOOK_ALLOW", help_heading = "Server", value_delimiter = ',', value_parser = network)]
    pub webhook_allow: Vec<IpNet>,

    /// Sign receipts with the Ed25519 key in this PEM file (PKCS#8), instead of keys in the database:
    /// `openssl genpkey -algorithm ed25519`. A comma separates keys that are only published, such as the next one
    #[arg(
        long,
        env = "COUNTERSIGN_SIGNING_KEY_FILE",
        help_heading = "Server",
        value_name = "FILE",
        value_delimiter = ','
    )]
    pub signing_key_file: Vec<PathBuf>,

    /// A directory to which the log that seals the audit is copied. Every instance must reach the same one
    #[arg(long, env = "COUNTERSIGN_LOG_EXPORT", help_heading = "Server", value_name = "DIRECTORY")]
    pub log_export: Option<PathBuf>,

    #[command(flatten)]
    /// Limits for one backend.
    pub limits: LimitsConfig,

    #[command(flatten)]
    /// How long records are kept.
    pub retention: RetentionConfig,

    /// The most connections that the instance opens to Postgres
    #[arg(long, env = "COUNTERSIGN_DATABASE_CONNECTIONS", help_heading = "Database", default_value_t = 20,
          value_parser = whole("a whole number", 2, 500))]
    pub database_connections: u32,
}

/// What is missing in a configuration, or contradictory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Neither a bot token nor OAuth is configured, so no workspace can use the service.
    #[error(
        "no Slack workspace is configured: set SLACK_BOT_TOKEN for one workspace, or SLACK_CLIENT_ID and SLACK_CLIENT_SECRET to let many install the app"
    )]
    NoWorkspace,
    /// Only one of the client id and the client secret is set.
    #[error("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET go together: set both, or neither")]
    HalfCredentials,
    /// Slack needs the address to which it redirects browsers.
    #[error(
        "SLACK_CLIENT_ID is set, and COUNTERSIGN_PUBLIC_URL is not: set it to this service's address, as https://countersign.example.com"
    )]
    NoPublicUrl,
    /// Tokens of other workspaces must not be stored unencrypted.
    #[error(
        "SLACK_CLIENT_ID is set, and COUNTERSIGN_ENCRYPTION_KEY is not: create a key with `openssl rand \
            -base64 32`"
    )]
    NoEncryptionKey,
    /// Nothing would distinguish Slack's requests from forged ones.
    #[error(
        "SLACK_SIGNING_SECRET is not set: copy \"Signing Secret\" from the app's Basic Information, or set SLACK_APP_TOKEN to use Socket Mode"
    )]
    NoSigningSecret,
    /// The id may belong to a different user in another workspace.
    #[error(
        "COUNTERSIGN_ADMINS names {0} without a workspace, and SLACK_CLIENT_ID is set, so that any workspace may install the app. Write T…:{0} with the workspace's id, or E…:{0} with the organisation's: `countersign doctor` prints them"
    )]
    AdminOfNoWorkspace(ConfiguredAdmin),
    /// Several of these.
    #[error("{}", list(.0))]
    Several(Vec<ConfigError>),
}

fn list(errors: &[ConfigError]) -> String {
    let lines: Vec<String> = errors.iter().map(|error| format!("\n  {error}")).collect();
    format!("settings are missing or wrong:{}", lines.concat())
}

impl ServeConfig {
    /// Checks that the settings go together.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut faults = self.faults();
        match faults.len() {
            0 => Ok(()),
            1 => Err(faults.remove(0)),
            _ => Err(ConfigError::Several(faults)),
        }
    }

    /// What is missing in the settings, or contradictory.
    #[must_use]
    pub fn faults(&self) -> Vec<ConfigError> {
        let slack = &self.slack;
        let oauth = slack.slack_client_id.is_some();
        let bare = self.admins.iter().find(|admin| oauth && admin.is_bare());
        let faults = [
            (oauth != slack.slack_client_secret.is_some()).then_some(ConfigError::HalfCredentials),
            (!oauth && slack.slack_client_secret.is_none() && slack.slack_bot_token.is_none())
                .then_some(ConfigError::NoWorkspace),
            (oauth && self.public_url.is_none()).then_some(ConfigError::NoPublicUrl),
            (oauth && !self.database.has_encryption_key()).then_some(ConfigError::NoEncryptionKey),
            (self.slack_signing_secret.is_none() && self.slack_app_token.is_none())
                .then_some(ConfigError::NoSigningSecret),
            bare.map(|bare| ConfigError::AdminOfNoWorkspace(bare.clone())),
        ];
        faults.into_iter().flatten().collect()
    }

    /// The configuration of OAuth installation, if it is enabled.
    #[must_use]
    pub fn oauth(&self) -> Option<oauth::config::Config> {
        let (credentials, public_url) = self.slack.credentials().zip(self.public_url.clone())?;
        Some(oauth::config::Config {
            credentials,
            public_url,
            api_url: self.slack.slack_api_url.clone(),
            find_lost_prompts: self.slack.find_lost_prompts,
        })
    }
}

fn proxy_url(text: &str) -> Result<SecretString, String> {
    match url::Url::parse(text) {
        Ok(url) if url.scheme() == "http" && url.has_host() && matches!(url.path(), "" | "/") => {
            Ok(text.into())
        }
        _ => Err("it should look like http://proxy.internal:3128".to_owned()),
    }
}

pub(crate) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.trim().parse() {
        return Ok(address);
    }
    let port = text.trim().rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let host = text.trim().rsplit_once(':').map_or("", |(host, _)| host);
    Err(match port {
        Some(port) if host.is_empty() => format!(
            "it is only a port: write 127.0.0.1:{port} for this machine, or 0.0.0.0:{port} for all networks"
        ),
        Some(port) => {
            format!("use an IP address instead of {host}: 127.0.0.1:{port}, or 0.0.0.0:{port}")
        }
        None => "it should be an IP address and a port: 127.0.0.1:8080".to_owned(),
    })
}

fn app_token(text: &str) -> Result<SecretString, String> {
    if text.starts_with("xapp-") {
        Ok(text.into())
    } else {
        Err("it should start with xapp-: create an \"App-Level Token\" with connections:write in the app's \
            Basic Information"
            .to_owned())
    }
}

pub(crate) fn public_url(text: &str) -> Result<String, String> {
    let local = |url: &url::Url| {
        let host = url.host_str().unwrap_or_default();
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    match url::Url::parse(text) {
        Ok(url)
            if (url.scheme() == "https" || (url.scheme() == "http" && local(&url)))
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("it should look like https://countersign.example.com: Slack sends to https only".to_owned()),
    }
}

pub(crate) fn postgres_url(text: &str) -> Result<SecretString, String> {
    let usual = "it should look like postgres://user:password@host:5432/database";
    crate::storage::Hosts::parse(text).map(|_| text.into()).map_err(|error| {
        std::error::Error::source(&error).map_or(usual.to_owned(), |why| format!("{why}: {usual}"))
    })
}

fn encryption_key(text: &str) -> Result<SecretString, String> {
    let keys = SecretString::from(text);
    if !names_a_key(&keys) {
        return Err(
            "it is empty, so secrets would not be encrypted: create a key with `openssl rand -base64 \
            32`, or unset it"
                .to_owned(),
        );
    }
    crate::seal::Sealer::new(Some(&keys)).map(|_| keys).map_err(|error| error.to_string())
}

fn bot_token(text: &str) -> Result<SecretString, String> {
    if text.starts_with("xoxb-") {
        Ok(text.into())
    } else if text.starts_with("xoxe.xoxb-") {
        Err("this app's tokens rotate: this one expires within twelve hours, and only OAuth installation \
            gets the next one. Set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET instead, and open /slack/install"
            .to_owned())
    } else {
        Err("it should start with xoxb-: copy \"Bot User OAuth Token\" from the app's OAuth & Permissions"
            .to_owned())
    }
}

fn client_id(text: &str) -> Result<String, String> {
    let plausible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    plausible.then(|| text.to_owned()).ok_or_else(|| {
        "it should look like 1234567890.1234567890: copy \"Client ID\" from the app's Basic Information"
            .to_owned()
    })
}

fn client_secret(text: &str) -> Result<SecretString, String> {
    if text.trim().is_empty() {
        Err("it is empty: copy \"Client Secret\" from the app's Basic Information".to_owned())
    } else {
        Ok(text.trim().into())
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

fn appointed_admin(text: &str) -> Result<ConfiguredAdmin, String> {
    ConfiguredAdmin::parse(text.trim()).ok_or_else(|| {
        "admins look like T012AB3CD:U012AB3CD, or E012AB3CD:U012AB3CD in an organisation: `countersign doctor` prints the id of each workspace, \"Copy member ID\" in a profile gives the user's"
            .to_owned()
    })
}

pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| "networks look like 10.20.0.0/16 or 10.20.0.7".to_owned())
}
