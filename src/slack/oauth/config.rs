//! Configuration of OAuth installation.

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
/// Where Slack redirects the browser afterwards.
pub const CALLBACK: &str = "/slack/oauth/callback";

/// The state of the OAuth endpoints. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Install {
    /// The use cases.
    pub(super) service: Service,
    /// The client whose token store exchanges the code.
    pub(super) client: Client,
    /// The app's credentials and addresses.
    pub(super) config: Arc<Config>,
    /// Limits how many codes are exchanged at once.
    pub(super) exchanges: Exchanges,
}

/// The app's credentials, and the addresses of this server and of Slack.
#[derive(Debug, Clone)]
pub struct Config {
    /// The app's credentials.
    pub credentials: Credentials,
    /// This server's public address, without a slash at its end.
    pub public_url: String,
    /// Slack's Web API, without a slash at its end.
    pub api_url: String,
    /// Whether installations request the scope that finds prompts whose post Slack did not confirm.
    pub find_lost_prompts: bool,
}

impl Config {
    /// Where Slack redirects the browser; the app's redirect URLs must contain it.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.public_url)
    }

    /// Where browsers begin an installation.
    pub(super) fn install_url(&self) -> String {
        format!("{}{INSTALL}", self.public_url)
    }

    /// Slack's page on which a user allows the installation, on the same host as the Web API.
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
