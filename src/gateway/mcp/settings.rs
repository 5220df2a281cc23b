//! What the gateway is told to do.

use std::{ffi::OsString, time::Duration};

use reqwest::header::HeaderMap;
use url::Url;

use crate::domain::text::IntegrationKey;

/// Settings of a gateway.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The integration whose actions the server's tools are.
    pub integration: IntegrationKey,
    /// Its name for people.
    pub name: String,
    /// Whether users must have connected the integration before anything is auto-approved.
    pub requires_connection: bool,
    /// The Slack id or email address of the user who is asked. `None`: the user whom the API key is bound to.
    pub user: Option<String>,
    /// Whether tools whose `readOnlyHint` is true run without being asked for.
    pub trust_annotations: bool,
    /// How long the user has to answer, in seconds.
    pub expires_in: u32,
    /// How long a call may take if its client can't be told that it is still waiting.
    pub client_limit: Duration,
    /// How long the server may take for a call without a sign of life.
    pub upstream_limit: Duration,
    /// How long asking may take while Countersign is away.
    pub ask_limit: Duration,
    /// How long Countersign may be away while a call waits.
    pub outage_limit: Duration,
    /// How often a client is told that its call is still waiting.
    pub progress_interval: Duration,
}

/// The server behind the gateway.
#[derive(Debug, Clone)]
pub enum Server {
    /// A program that speaks MCP on its standard input and output, with its arguments.
    Program(Vec<OsString>),
    /// A server that is reached by streamable HTTP, with headers for every request.
    Remote(Url, HeaderMap),
}
