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
}

type Connector = SlackClientHyperConnector<HttpsConnector<HttpConnector>>;

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<SlackClient<Connector>>,
    token: Option<SecretString>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the API at this address (no slash at its end), with the token of the one workspace.
    pub fn new(api_url: &str, token: Option<SecretString>) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_webpki_roots()
            .with_no_client_auth();
        // slack-morphism's own connector speaks https and HTTP/2 only; GovSlack and a local stand-in don't.
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions().build();
        let connector = SlackClientHyperConnector::with_connector(connector)
            .with_slack_api_url(api_url.trim_end_matches('/'));
        Ok(Self { inner: Arc::new(SlackClient::new(connector)), token })
    }

    /// Calls a method that takes JSON, as all that write do.
    pub async fn post(&self, method: &str, body: &Value, limit: Duration) -> Result<Value, CallError> {
        let token = self.token()?;
        let session = self.inner.open_session(&token);
        let call = session.http_session_api.http_post::<_, Value>(method, body, None);
        Self::classify(method, tokio::time::timeout(limit, call).await)
    }

    /// Calls a method that reads: those take no JSON.
    pub async fn get(
        &self,
        method: &str,
        query: &[(&str, &str)],
        limit: Duration,
    ) -> Result<Value, CallError> {
        let token = self.token()?;
        let session = self.inner.open_session(&token);
        let query: Vec<(&str, Option<&str>)> =
            query.iter().map(|(name, value)| (*name, Some(*value))).collect();
        let call = session.http_session_api.http_get::<Value, _, _>(method, &query, None);
        Self::classify(method, tokio::time::timeout(limit, call).await)
    }

    fn token(&self) -> Result<SlackApiToken, CallError> {
        let token = self.token.as_ref().ok_or(CallError::NoToken)?;
        Ok(SlackApiToken::new(SlackApiTokenValue(token.expose_secret().to_owned())))
    }

    fn classify(
        method: &str,
        answer: Result<Result<Value, SlackClientError>, tokio::time::error::Elapsed>,
    ) -> Result<Value, CallError> {
        let error = match answer {
            Err(_) => CallError::Unreachable("no answer in time".to_owned()),
            // A page of HTML with status 200 is read as an empty answer: only `ok` says that it went well.
            Ok(Ok(value)) if value["ok"] == true => return Ok(value),
            Ok(Ok(_)) => CallError::Unreachable("the answer is none of Slack's".to_owned()),
            Ok(Err(error)) => Self::read(&error),
        };
        metrics::counter!("countersign_slack_failures_total", "method" => method.to_owned()).increment(1);
        Err(error)
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
