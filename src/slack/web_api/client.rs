//! Slack's Web API: each call has a time limit and a classified result. While a method is rate limited, no call is
//! sent. Retries are left to the outbox.

use std::{fmt, sync::Arc, time::Duration};

use base64::Engine as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slack_morphism::{
    SlackApiToken, SlackApiTokenValue, SlackClient, errors::SlackClientError,
    hyper_tokio::SlackClientHyperConnector,
};

use crate::slack::web_api::{
    cause::cause,
    dialer::{Dialer, tls_config},
    error::{CallError, Refusal},
    rate_limiter::RateLimiter,
    tokens::TokenStore,
};

/// Time limit of a call that no user waits for.
pub const PATIENT: Duration = Duration::from_secs(10);

const POST_MESSAGE: &str = "chat.postMessage";

/// Most tokens that a call is tried with: the configured one, the installation's, and the one that replaced it.
const TOKENS: usize = 3;

type Connector = SlackClientHyperConnector<HttpsConnector<Dialer>>;

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<SlackClient<Connector>>,
    tokens: TokenStore,
    limiter: Arc<RateLimiter>,
    dialer: Dialer,
}

/// The encoding of one call.
enum Call<'a> {
    Post(&'a Value),
    Get(&'a [(&'a str, &'a str)]),
}

/// The workspace that a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Slack's id of the workspace, or of the organisation for an organisation-wide installation.
    pub slack_id: String,
    /// The name of the workspace, as people see it.
    pub name: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the API at this address (no slash at its end), with the tokens of all workspaces.
    pub fn new(
        api_url: &str,
        tokens: TokenStore,
        limiter: Arc<RateLimiter>,
        dialer: Dialer,
    ) -> Result<Self, rustls::Error> {
        // slack-morphism's own connector only supports https and HTTP/2, unlike GovSlack and local test servers.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config()?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(dialer.clone());
        let connector = SlackClientHyperConnector::with_connector(connector)
            .with_slack_api_url(api_url.trim_end_matches('/'));
        Ok(Self { inner: Arc::new(SlackClient::new(connector)), tokens, limiter, dialer })
    }

    /// Opens connections to Slack.
    #[must_use]
    pub const fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// The tokens of all workspaces.
    #[must_use]
    pub const fn tokens(&self) -> &TokenStore {
        &self.tokens
    }

    /// Calls a method with a JSON body, as all writing methods take, in the workspace with this Slack id.
    pub async fn post(
        &self,
        workspace: &str,
        method: &str,
        body: &Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        self.in_time(method, limit, self.call(workspace, method, Call::Post(body))).await
    }

    /// Posts a message, no faster than its channel accepts: otherwise `RateLimited`. `in_turn`: the message has waited
    /// already, and goes ahead of those that have not.
    pub async fn post_message(
        &self,
        workspace: &str,
        body: &Value,
        in_turn: bool,
        limit: Duration,
    ) -> Result<Value, CallError> {
        let now = self.tokens.now();
        // A message that Slack would refuse anyway must not use up a slot of its channel.
        self.limiter.check(workspace, POST_MESSAGE, now).map_err(CallError::RateLimited)?;
        let channel = body["channel"].as_str().unwrap_or_default();
        self.limiter
            .admit(channel, in_turn, now)
            .map_err(|wait| CallError::RateLimited(wait.to_std().unwrap_or_default()))?;
        self.post(workspace, POST_MESSAGE, body, limit).await
    }

    /// Calls a reading method, in the workspace with this Slack id. Those methods take a form instead of JSON.
    pub async fn get(
        &self,
        workspace: &str,
        method: &str,
        query: &[(&str, &str)],
        limit: Duration,
    ) -> Result<Value, CallError> {
        self.in_time(method, limit, self.call(workspace, method, Call::Get(query))).await
    }

    /// Calls a method with a JSON body and a given token, such as an app-level token.
    pub async fn post_with(
        &self,
        token: &SecretString,
        method: &str,
        body: &Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        let digest = Sha256::digest(token.expose_secret());
        let caller = base64::engine::general_purpose::STANDARD.encode(digest);
        self.in_time(method, limit, self.once(&caller, token, method, &Call::Post(body))).await
    }

    /// Asks Slack which workspace a token belongs to.
    pub async fn identify_token(&self, token: &SecretString) -> Result<Identity, CallError> {
        let answer = self.post_with(token, "auth.test", &json!({}), PATIENT).await?;
        let org_wide = answer["is_enterprise_install"] == true;
        let id = if org_wide { &answer["enterprise_id"] } else { &answer["team_id"] };
        let slack_id = id.as_str().filter(|id| !id.is_empty());
        let slack_id = slack_id.ok_or_else(|| CallError::of_answer("auth.test", &Value::Null))?.to_owned();
        let name = answer["team"].as_str().unwrap_or(&slack_id).to_owned();
        Ok(Identity { slack_id, name })
    }

    /// Asks Slack which workspace the configured token belongs to; `None` without one.
    pub async fn identify(&self) -> Result<Option<Identity>, CallError> {
        let Some(token) = self.tokens.configured() else { return Ok(None) };
        let identity = self.identify_token(token).await?;
        self.tokens.settle(&identity.slack_id);
        Ok(Some(identity))
    }

    /// Calls with the workspace's token. If Slack refuses it, the call is repeated with the token that replaces it.
    async fn call(&self, workspace: &str, method: &str, call: Call<'_>) -> Result<Value, CallError> {
        let mut token = match self.tokens.token_for(workspace).await {
            // No installation has a token. The configured one may be for this workspace; ask Slack.
            Err(CallError::NoToken) if self.tokens.is_unsettled() => {
                self.identify().await?;
                self.tokens.token_for(workspace).await?
            }
            found => found?,
        };
        for _ in 1..TOKENS {
            match self.once(workspace, &token, method, &call).await {
                Err(CallError::Refused(refusal)) if refusal.is_about_the_token() => {
                    token = self.replacement(workspace, &token, refusal).await?;
                }
                answer => return answer,
            }
        }
        self.once(workspace, &token, method, &call).await
    }

    /// A different token than the one that Slack refused. If both are refused, the error of the workspace's own token
    /// counts.
    async fn replacement(
        &self,
        workspace: &str,
        refused: &SecretString,
        refusal: Refusal,
    ) -> Result<SecretString, CallError> {
        match self.tokens.replacement_for(workspace, refused, refusal).await {
            Err(CallError::Refused(refusal)) if self.tokens.is_unsettled() => match self.identify().await {
                Ok(Some(identity)) if identity.slack_id == workspace => {
                    self.tokens.token_for(workspace).await
                }
                Ok(_) | Err(CallError::Refused(_)) => Err(CallError::Refused(refusal)),
                // The configured token may still belong to this workspace, so report this temporary error.
                Err(error) => Err(error),
            },
            found => found,
        }
    }

    /// Sends one request, unless the method is limited for the caller: a workspace, or a token of an unknown workspace.
    async fn once(
        &self,
        caller: &str,
        token: &SecretString,
        method: &str,
        call: &Call<'_>,
    ) -> Result<Value, CallError> {
        self.limiter.check(caller, method, self.tokens.now()).map_err(CallError::RateLimited)?;
        let answer = self.send(token, method, call).await;
        match &answer {
            Ok(_) => return answer,
            Err(CallError::RateLimited(wait)) => {
                self.limiter.block(caller, method, *wait, self.tokens.now());
                tracing::warn!(method, caller, wait_s = wait.as_secs(), "Slack rate limited a method");
            }
            Err(CallError::MissingScope(scope)) => {
                tracing::error!(
                    method,
                    caller,
                    scope,
                    "The Slack app lacks a scope: add it in the app's OAuth & Permissions, and install the app again"
                );
            }
            Err(_) => {}
        }
        count(method, &answer);
        answer
    }

    async fn send(&self, token: &SecretString, method: &str, call: &Call<'_>) -> Result<Value, CallError> {
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
            // slack-morphism reads an HTML page with status 200 as an empty response, so only `ok` proves success.
            Ok(value) if value["ok"] == true => Ok(value),
            Ok(value) => Err(CallError::of_answer(method, &value)),
            Err(error) => Err(read(method, &error)),
        }
    }

    async fn in_time(
        &self,
        method: &str,
        limit: Duration,
        call: impl Future<Output = Result<Value, CallError>>,
    ) -> Result<Value, CallError> {
        let late = |_| {
            let late = Err(CallError::Unreachable("timed out".to_owned()));
            count(method, &late);
            late
        };
        tokio::time::timeout(limit, call).await.unwrap_or_else(late)
    }
}

/// Counts a failed call by method and error label. Both come from closed sets.
fn count(method: &str, answer: &Result<Value, CallError>) {
    if let Err(error) = answer {
        metrics::counter!("countersign_slack_failures_total", "method" => method.to_owned(), "code" => error.label())
            .increment(1);
    }
}

/// Reduces an error to what is needed. It never keeps the response body, which may contain what users wrote.
fn read(method: &str, error: &SlackClientError) -> CallError {
    match error {
        // The library keeps only the code. Details, such as the missing scope, are in the body.
        SlackClientError::ApiError(error) => {
            let body = error.http_response_body.as_deref().and_then(|body| serde_json::from_str(body).ok());
            CallError::of_answer(method, &body.unwrap_or_else(|| json!({ "error": error.code })))
        }
        SlackClientError::RateLimitError(error) => CallError::limited(error.retry_after),
        SlackClientError::HttpError(error) => {
            CallError::Unreachable(format!("HTTP status {}", error.status_code.as_u16()))
        }
        SlackClientError::ProtocolError(_) => CallError::Unreachable("the response is not JSON".to_owned()),
        SlackClientError::HttpProtocolError(error) => {
            let cause = error.cause.as_deref().map(|error| cause(error));
            CallError::Unreachable(cause.unwrap_or_else(|| "the connection failed".to_owned()))
        }
        _ => CallError::Unreachable("the connection failed".to_owned()),
    }
}
