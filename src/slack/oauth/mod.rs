//! Installing the app into any number of workspaces (<https://docs.slack.dev/authentication/installing-with-oauth>):
//! `/slack/install` sends the browser to Slack's page, which sends it back to `/slack/oauth/callback`.

pub mod access;
mod begin;
mod browser;
mod callback;
mod exchanges;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::{Slack, manifest, view::install};
use access::Credentials;
use exchanges::Exchanges;

/// Where an installation begins.
pub const INSTALL: &str = "/slack/install";
/// Where Slack sends the browser back to.
pub const CALLBACK: &str = "/slack/oauth/callback";

/// What installing takes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Install {
    slack: Slack,
    config: Arc<Config>,
    exchanges: Exchanges,
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
    fn install_url(&self) -> String {
        format!("{}{INSTALL}", self.public_url)
    }

    /// Slack's page on which somebody allows the installation, on the same host as the Web API.
    fn authorize_url(&self, state: &str) -> String {
        let origin = self.api_url.trim_end_matches("/api");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.credentials.client_id)
            .append_pair("scope", &manifest::scopes(self.find_lost_prompts).join(","))
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("state", state)
            .finish();
        format!("{origin}/oauth/v2/authorize?{query}")
    }
}

/// The routes that browsers meet.
pub fn routes(slack: Slack, config: Config) -> Router {
    Router::new()
        .route(INSTALL, get(begin::begin))
        .route(CALLBACK, get(callback::callback))
        .with_state(Install { slack, config: Arc::new(config), exchanges: Exchanges::default() })
}

/// A page, with what a browser may do with it.
fn page(status: StatusCode, html: String) -> Response {
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(install::STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = (status, axum::response::Html(html)).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The address holds a code: it is good once, and nobody else needs to see it.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn trouble(config: &Config, which: install::Trouble) -> Response {
    use install::Trouble;
    let status = match which {
        Trouble::Declined => StatusCode::OK,
        Trouble::Stale | Trouble::Late | Trouble::CodeRefused => StatusCode::BAD_REQUEST,
        Trouble::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
        Trouble::SlackDown => StatusCode::BAD_GATEWAY,
        Trouble::OursDown | Trouble::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    page(status, install::trouble(which, &config.install_url()))
}
