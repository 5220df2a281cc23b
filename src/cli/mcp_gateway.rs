//! `countersign mcp-gateway`.

use std::{ffi::OsString, net::SocketAddr, time::Duration};

use reqwest::header::{HeaderName, HeaderValue};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    cli::error::CliError,
    domain::{
        text::IntegrationKey,
        tool_key::{backend_key, server_key},
    },
    entropy::Entropy,
    gateway::{
        client::Client,
        mcp::{
            listen::{self, Listen},
            settings::{Server, Settings},
            stdio,
        },
    },
    shutdown,
};

#[derive(Debug, clap::Args)]
pub(super) struct Command {
    /// The server's name: people read it, and the server's tools are the actions of the integration with this key
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The name of the backend that the API key belongs to, if the key is bound to a user: the integration is then
    /// BACKEND.mcp.NAME
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// The key of the integration, if it is another: for example one that several gateways share
    #[arg(long, value_name = "KEY", value_parser = key, conflicts_with = "backend")]
    integration: Option<IntegrationKey>,
    /// The address of the Countersign service
    #[arg(long, env = "COUNTERSIGN_URL", value_name = "URL")]
    url: String,
    /// The API key. Needs the scopes `ask`, `read` and `catalog`. With --listen, each caller sends its own
    #[arg(
        long,
        env = "COUNTERSIGN_API_KEY",
        value_name = "cs_…",
        hide_env_values = true,
        required_unless_present = "listen"
    )]
    api_key: Option<SecretString>,
    /// Who is asked: a Slack user id or an email address. Not needed with an API key that is bound to a user
    #[arg(long, env = "COUNTERSIGN_USER", value_name = "USER")]
    user: Option<String>,
    /// Run tools whose `readOnlyHint` is true without asking. The hint is the server's own claim: use this only for
    /// servers that you trust
    #[arg(long)]
    trust_annotations: bool,
    /// Users must have connected the integration before anything is auto-approved
    #[arg(long)]
    requires_connection: bool,
    /// How many seconds the user has to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u32).range(10..=604_800))]
    expires_in: u32,
    /// How many seconds a call may wait if its client sends no progress token, and so can't be told to wait: a little
    /// less than the client's time limit
    #[arg(long, value_name = "SECONDS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    client_limit: u64,
    /// How many seconds the server may take for a call without an answer or progress
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    upstream_limit: u64,
    /// How many seconds to retry a request for approval while Countersign can't be reached
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    ask_limit: u64,
    /// How many seconds Countersign may be unreachable while a call waits
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    outage_limit: u64,
    /// How often a waiting client is told so, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 15_000, hide = true)]
    progress_interval: u64,
    /// The address of an MCP server that is reached by streamable HTTP, instead of a program
    #[arg(long, value_name = "URL", conflicts_with = "server")]
    upstream: Option<Url>,
    /// A header for every request to that server. `$NAME` in it is taken from the environment, so that no secret
    /// appears in the list of processes
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header, requires = "upstream")]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Listen for clients on this address, by streamable HTTP under /mcp, instead of standard input and output. Each
    /// session gets a server process of its own
    #[arg(long, value_name = "ADDRESS", value_parser = crate::config::listen_address)]
    listen: Option<SocketAddr>,
    /// The address at which clients reach the gateway, if there is a proxy in front of it
    #[arg(long, value_name = "URL", requires = "listen")]
    public_url: Option<Url>,
    /// Another name that the Host header may have: the gateway's own, for example
    #[arg(long = "allow-host", value_name = "HOST", requires = "listen")]
    hosts: Vec<String>,
    /// An origin from which browsers may call the gateway
    #[arg(long = "allow-origin", value_name = "ORIGIN", requires = "listen")]
    origins: Vec<String>,
    /// Where clients get tokens, for the metadata of RFC 9728
    #[arg(long = "authorization-server", value_name = "URL", requires = "listen")]
    authorization_servers: Vec<Url>,
    /// The MCP server's program and its arguments
    #[arg(last = true, value_name = "COMMAND", required_unless_present = "upstream")]
    server: Vec<OsString>,
}

fn key(text: &str) -> Result<IntegrationKey, String> {
    IntegrationKey::new(text).map_err(|fault| format!("it {fault}"))
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("it must look like `Name: value`")?;
    let name = HeaderName::try_from(name.trim()).map_err(|error| error.to_string())?;
    let mut parts = value.trim().split('$');
    let mut value = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let (variable, rest) = part.split_at(end.unwrap_or(part.len()));
        let found =
            std::env::var(variable).map_err(|_| format!("the environment variable {variable} is not set"))?;
        value.push_str(&found);
        value.push_str(rest);
    }
    let mut value = HeaderValue::try_from(value).map_err(|_| "its value can't be sent".to_owned())?;
    value.set_sensitive(true);
    Ok((name, value))
}

impl Command {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let entropy = Entropy::system();
        let integration = match (self.integration, &self.backend) {
            (Some(integration), _) => Ok(integration),
            (None, Some(backend)) => server_key(&backend_key(backend), &self.name),
            (None, None) => IntegrationKey::new(self.name.as_str()),
        };
        let integration = integration
            .map_err(|fault| CliError::Usage(format!("the name {fault}; or give --integration")))?;
        let settings = Settings {
            name: self.name,
            integration,
            requires_connection: self.requires_connection,
            user: self.user,
            trust_annotations: self.trust_annotations,
            expires_in: self.expires_in,
            client_limit: Duration::from_secs(self.client_limit),
            upstream_limit: Duration::from_secs(self.upstream_limit),
            ask_limit: Duration::from_secs(self.ask_limit),
            outage_limit: Duration::from_secs(self.outage_limit),
            progress_interval: Duration::from_millis(self.progress_interval),
        };
        let stop = CancellationToken::new();
        let requested = stop.clone();
        tokio::spawn(async move {
            shutdown::requested().await;
            requested.cancel();
        });
        let server = match self.upstream {
            Some(url) => Server::Remote(url, self.headers.into_iter().collect()),
            None => Server::Program(self.server),
        };
        if let Some(address) = self.listen {
            let listen = Listen {
                address,
                public_url: self.public_url,
                hosts: self.hosts,
                origins: self.origins,
                authorization_servers: self.authorization_servers,
                service: self.url,
            };
            return listen::serve(settings, server, listen, entropy, stop).await.map_err(CliError::Usage);
        }
        let key = self.api_key.unwrap_or_default();
        let api = Client::new(&self.url, &key, entropy.clone());
        let api = api.map_err(|error| CliError::Usage(error.to_string()))?;
        stdio::serve(settings, &server, api, entropy, stop).await.map_err(CliError::Usage)
    }
}
