//! Slack's Web API: one call, one time limit, one classified answer. Pacing and repeating are the outbox's.

use std::{fmt, sync::Arc, time::Duration};

use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use slack_morphism::{
    SlackApiToken, SlackApiTokenValue, SlackClient, errors::SlackClientError,
    hyper_tokio::SlackClientHyperConnector,
};

use super::tokens::Keeper;

/// The time limit of a call that nobody waits for.
pub const PATIENT: Duration = Duration::from_secs(10);

/// Why a call did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Too many calls (429): again after this long.
    #[error("Slack asks to wait {} s", .0.as_secs())]
    RateLimited(Duration),
    /// Slack said no, with one of its error names.
    #[error("Slack says {0}")]
    Refused(String),
    /// No answer, or none that means anything: a server error, a time-out, a page of HTML. It may have had its effect.
    #[error("Slack can't be reached: {0}")]
    Unreachable(String),
    /// There is no token for the workspace.
    #[error("there is no Slack token for the workspace")]
    NoToken,
    /// Its token could not be read or stored.
    #[error("the workspace's Slack token can't be read: {0}")]
    Unreadable(String),
    /// Its token ran out, and for a reason that lies with this server Slack gives no other. It may once that is set
    /// right.
    #[error("the workspace's Slack token ran out and can't be replaced: {0}")]
    NotReplaced(String),
}

impl CallError {
    /// Slack knows nobody by the id that was asked for, or nobody whom the workspace sees.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        matches!(self, Self::Refused(code) if matches!(code.as_str(), "user_not_found" | "user_not_visible"))
    }
}

/// How many tokens a call is tried with: the configured one, the installation's, and the one that replaced it.
const TOKENS: usize = 3;

const NOT_SLACK: &str = "the answer is none of Slack's";

/// Whether Slack means that the token is none, or none any more: the app was removed, or the token ran out.
#[must_use]
pub fn is_about_the_token(code: &str) -> bool {
    matches!(
        code,
        "invalid_auth"
            | "account_inactive"
            | "token_revoked"
            | "token_expired"
            | "not_authed"
            | "org_login_required"
    )
}

/// TLS as every connection to Slack uses it: ring, and Mozilla's certificate authorities.
pub fn tls_config() -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_webpki_roots()
        .with_no_client_auth())
}

type Connector = SlackClientHyperConnector<HttpsConnector<HttpConnector>>;

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<SlackClient<Connector>>,
    tokens: Keeper,
}

/// One call.
enum Call<'a> {
    Post(&'a Value),
    Get(&'a [(&'a str, &'a str)]),
}

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Slack's id of the workspace, or of the organisation for an organisation-wide installation.
    pub slack_id: String,
    /// What people call it.
    pub name: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the API at this address (no slash at its end), with the tokens of all workspaces.
    pub fn new(api_url: &str, tokens: Keeper) -> Result<Self, rustls::Error> {
        // slack-morphism's own connector speaks https and HTTP/2 only; GovSlack and a local stand-in don't.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config()?)
            .https_or_http()
            .enable_all_versions()
            .build();
        let connector = SlackClientHyperConnector::with_connector(connector)
            .with_slack_api_url(api_url.trim_end_matches('/'));
        Ok(Self { inner: Arc::new(SlackClient::new(connector)), tokens })
    }

    /// Where the tokens come from.
    #[must_use]
    pub const fn tokens(&self) -> &Keeper {
        &self.tokens
    }

    /// Calls a method that takes JSON, as all that write do, in the workspace with this Slack id.
    pub async fn post(
        &self,
        workspace: &str,
        method: &str,
        body: &Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        self.in_time(method, limit, self.call(workspace, method, Call::Post(body))).await
    }

    /// Calls a method that reads, in the workspace with this Slack id: those take no JSON.
    pub async fn get(
        &self,
        workspace: &str,
        method: &str,
        query: &[(&str, &str)],
        limit: Duration,
    ) -> Result<Value, CallError> {
        self.in_time(method, limit, self.call(workspace, method, Call::Get(query))).await
    }

    /// Calls a method that takes JSON with a token of its own, whoever's it is.
    pub async fn post_with(
        &self,
        token: &SecretString,
        method: &str,
        body: &Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        self.in_time(method, limit, self.once(token, method, &Call::Post(body))).await
    }

    /// Asks Slack whose token this is.
    pub async fn whose(&self, token: &SecretString) -> Result<Identity, CallError> {
        let answer = self.post_with(token, "auth.test", &serde_json::json!({}), PATIENT).await?;
        let org_wide = answer["is_enterprise_install"] == true;
        let id = if org_wide { &answer["enterprise_id"] } else { &answer["team_id"] };
        let slack_id = id.as_str().filter(|id| !id.is_empty());
        let slack_id = slack_id.ok_or_else(|| CallError::Unreachable(NOT_SLACK.to_owned()))?.to_owned();
        let name = answer["team"].as_str().unwrap_or(&slack_id).to_owned();
        Ok(Identity { slack_id, name })
    }

    /// Asks Slack whose the configured token is, if there is one.
    pub async fn identify(&self) -> Result<Option<Identity>, CallError> {
        let Some(token) = self.tokens.configured() else { return Ok(None) };
        let identity = self.whose(token).await?;
        self.tokens.settle(&identity.slack_id);
        Ok(Some(identity))
    }

    /// Calls with the workspace's token; where Slack refuses it, again with the one that takes its place.
    async fn call(&self, workspace: &str, method: &str, call: Call<'_>) -> Result<Value, CallError> {
        let mut token = match self.tokens.of(workspace).await {
            // No installation speaks for it: the configured token may, once Slack has said whose that is.
            Err(CallError::NoToken) if self.tokens.is_unsettled() => {
                self.identify().await?;
                self.tokens.of(workspace).await?
            }
            found => found?,
        };
        for _ in 1..TOKENS {
            match self.once(&token, method, &call).await {
                Err(CallError::Refused(code)) if is_about_the_token(&code) => {
                    token = self.another(workspace, &token, &code).await?;
                }
                answer => return answer,
            }
        }
        self.once(&token, method, &call).await
    }

    /// Another token than this one, which Slack refused with `code`. What Slack says of the configured token decides
    /// nothing for a workspace that has one of its own.
    async fn another(
        &self,
        workspace: &str,
        refused: &SecretString,
        code: &str,
    ) -> Result<SecretString, CallError> {
        match self.tokens.instead_of(workspace, refused, code).await {
            Err(CallError::Refused(code)) if self.tokens.is_unsettled() => match self.identify().await {
                Ok(Some(identity)) if identity.slack_id == workspace => self.tokens.of(workspace).await,
                Ok(_) | Err(CallError::Refused(_)) => Err(CallError::Refused(code)),
                // It may be the one that speaks for it.
                Err(error) => Err(error),
            },
            found => found,
        }
    }

    async fn once(&self, token: &SecretString, method: &str, call: &Call<'_>) -> Result<Value, CallError> {
        let token = SlackApiToken::new(SlackApiTokenValue(token.expose_secret().to_owned()));
        let session = self.inner.open_session(&token);
        let api = &session.http_session_api;
        let answer = match call {
            Call::Post(body) => api.http_post::<_, Value>(method, body, None).await,
            Call::Get(query) => {
                let query: Vec<(&str, Option<&str>)> =
                    query.iter().map(|(name, value)| (*name, Some(*value))).collect();
                api.http_get::<Value, _, _>(method, &query, None).await
            }
        };
        match answer {
            // A page of HTML with status 200 is read as an empty answer: only `ok` says that it went well.
            Ok(value) if value["ok"] == true => Ok(value),
            Ok(_) => Err(CallError::Unreachable(NOT_SLACK.to_owned())),
            Err(error) => Err(Self::read(&error)),
        }
    }

    async fn in_time(
        &self,
        method: &str,
        limit: Duration,
        call: impl Future<Output = Result<Value, CallError>>,
    ) -> Result<Value, CallError> {
        let answer = tokio::time::timeout(limit, call)
            .await
            .unwrap_or_else(|_| Err(CallError::Unreachable("no answer in time".to_owned())));
        if answer.is_err() {
            metrics::counter!("countersign_slack_failures_total", "method" => method.to_owned()).increment(1);
        }
        answer
    }

    /// Keeps what is needed of an error: never its body, which may hold what users wrote.
    fn read(error: &SlackClientError) -> CallError {
        match error {
            SlackClientError::ApiError(error) => match error.code.as_str() {
                "ratelimited" | "rate_limited" => CallError::RateLimited(Duration::from_secs(30)),
                "internal_error"
                | "fatal_error"
                | "service_unavailable"
                | "request_timeout"
                | "team_added_to_org" => CallError::Unreachable(error.code.clone()),
                code => CallError::Refused(code.to_owned()),
            },
            SlackClientError::RateLimitError(error) => {
                CallError::RateLimited(error.retry_after.unwrap_or(Duration::from_secs(30)))
            }
            SlackClientError::HttpError(error) => {
                CallError::Unreachable(format!("HTTP status {}", error.status_code.as_u16()))
            }
            SlackClientError::ProtocolError(_) => CallError::Unreachable("the answer is not JSON".to_owned()),
            _ => CallError::Unreachable("the connection failed".to_owned()),
        }
    }
}
