//! What installing needs.

use std::sync::Arc;

use crate::{
    service::Service,
    slack::{
        oauth::exchanges::Exchanges,
        scopes,
        web_api::{client::Client, oauth_access::Credentials},
    },
};

/// Where an installation begins.
pub const INSTALL: &str = "/slack/install";
/// Where Slack sends the browser back to.
pub const CALLBACK: &str = "/slack/oauth/callback";

/// What installing takes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Install {
    /// The use cases.
    pub(super) service: Service,
    /// Slack's Web API, for its tokens.
    pub(super) client: Client,
    /// How this server is known.
    pub(super) config: Arc<Config>,
    /// Limits the codes that are exchanged at once.
    pub(super) exchanges: Exchanges,
}

/// How this server is known to Slack and to browsers.
#[derive(Debug, Clone)]
pub struct Config {
    /// The app's credentials.
    pub credentials: Credentials,
    /// This server as browsers reach it, without a slash at its end.
    pub public_url: String,
    /// Slack's Web API, without a slash at its end.
    pub api_url: String,
    /// Whether workspaces are asked for the scope that finds prompts whose post Slack did not answer.
    pub find_lost_prompts: bool,
}

impl Config {
    /// Where Slack sends the browser back to; it must be among the app's redirect URLs.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.public_url)
    }

    /// Where browsers begin an installation.
    pub(super) fn install_url(&self) -> String {
        format!("{}{INSTALL}", self.public_url)
    }

    /// Slack's page on which somebody allows the installation, on the same host as the Web API.
    pub(super) fn authorize_url(&self, state: &str) -> String {
        let origin = self.api_url.trim_end_matches("/api");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.credentials.client_id)
            .append_pair("scope", &scopes::scopes(self.find_lost_prompts).join(","))
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("state", state)
            .finish();
        format!("{origin}/oauth/v2/authorize?{query}")
    }
}
