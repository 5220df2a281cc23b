//! Requests to the app, with Slack's signatures and time limits.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::slack::{core::Core, signature, socket};

/// The app must answer within three seconds
/// (<https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response>).
const PATIENCE: Duration = Duration::from_secs(3);
/// The largest answer that is read. No answer of an app is larger than a view.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The three addresses of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `{base}/slack/events`
    Events,
    /// `{base}/slack/interactivity`
    Interactivity,
    /// `{base}/slack/commands`
    Commands,
}

impl Endpoint {
    /// Its path below the app's base URL.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Events => "/slack/events",
            Self::Interactivity => "/slack/interactivity",
            Self::Commands => "/slack/commands",
        }
    }

    /// The content type of Slack's requests to this address.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Events => "application/json",
            Self::Interactivity | Self::Commands => "application/x-www-form-urlencoded",
        }
    }
}

/// How to sign a request. [`Signing::default`] signs as Slack does.
#[derive(Clone, Debug, Default)]
pub struct Signing {
    secret: Option<String>,
    timestamp: Option<i64>,
    signature: Option<String>,
}

impl Signing {
    /// Signs with another secret instead of the app's.
    #[must_use]
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.secret = Some(secret.to_owned());
        self
    }

    /// Signs as if the request were sent at this time (Unix seconds).
    #[must_use]
    pub fn at(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Sends this text instead of the signature.
    #[must_use]
    pub fn with_signature(mut self, signature: &str) -> Self {
        self.signature = Some(signature.to_owned());
        self
    }
}

/// Why a request to the app failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// [`connect_app`](crate::slack::Slack::connect_app) was not called yet.
    #[error("no app is connected")]
    NotConnected,
    /// No answer within three seconds.
    #[error("the app did not answer within 3 seconds")]
    TimedOut,
    /// The connection failed or broke.
    #[error("the app could not be reached: {0}")]
    Unreachable(String),
    /// The app answered with another status than 200.
    #[error("the app answered with status {0}")]
    Status(u16),
    /// Slack would not accept the app's answer, for these reasons.
    #[error("the app's answer was refused: {}", .0.join("; "))]
    BadAnswer(Vec<String>),
}

/// One request to the app, as recorded.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When, by the sandbox's clock.
    pub at: DateTime<Utc>,
    /// The address of the app that it went to.
    pub endpoint: Endpoint,
    /// The body as sent.
    pub body: String,
    /// The number of the retry of an event. 0 for the first attempt, and for requests that are never retried.
    pub retry: u32,
    /// The status of the answer, if one came.
    pub status: Option<u16>,
    /// The error, if the request failed.
    pub error: Option<DeliveryError>,
}

/// The app's answer before it is interpreted.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: Option<u16>,
    pub(crate) body: String,
    pub(crate) no_retry: bool,
    pub(crate) elapsed: Duration,
    pub(crate) error: Option<DeliveryError>,
}

/// Sends the body, signed.
pub(crate) async fn deliver(
    core: &Core,
    endpoint: Endpoint,
    content_type: &str,
    body: Vec<u8>,
    signing: &Signing,
    retry: Option<(u32, &str)>,
) -> Reply {
    let timestamp = signing.timestamp.unwrap_or_else(|| core.clock.now().timestamp());
    let secret =
        signing.secret.clone().unwrap_or_else(|| core.read(|state| state.app.signing_secret.clone()));
    let signature = signing.signature.clone().unwrap_or_else(|| signature::sign(&secret, timestamp, &body));
    let mut headers = vec![
        ("content-type".to_owned(), content_type.to_owned()),
        ("x-slack-request-timestamp".to_owned(), timestamp.to_string()),
        ("x-slack-signature".to_owned(), signature),
    ];
    if let Some((number, reason)) = retry {
        headers.push(("x-slack-retry-num".to_owned(), number.to_string()));
        headers.push(("x-slack-retry-reason".to_owned(), reason.to_owned()));
    }
    deliver_raw(core, endpoint, body, &headers, retry.map_or(0, |(number, _)| number)).await
}

/// Sends the body with exactly these headers, and records the request.
pub(crate) async fn deliver_raw(
    core: &Core,
    endpoint: Endpoint,
    body: Vec<u8>,
    headers: &[(String, String)],
    retry: u32,
) -> Reply {
    let at = core.clock.now();
    let text = String::from_utf8_lossy(&body).into_owned();
    let started = Instant::now();
    let (base_url, socket_mode) = core.read(|state| (state.app.base_url.clone(), state.app.socket_mode));
    let mut reply = match base_url {
        _ if socket_mode => socket::deliver(core, endpoint, &body, retry).await,
        None => failed(DeliveryError::NotConnected),
        Some(base) => {
            let mut request = core.http.post(format!("{base}{}", endpoint.path())).body(body);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            match tokio::time::timeout(PATIENCE, exchange(request)).await {
                Ok(Ok(reply)) => reply,
                Ok(Err(error)) => failed(DeliveryError::Unreachable(causes(&error))),
                Err(_) => failed(DeliveryError::TimedOut),
            }
        }
    };
    reply.elapsed = started.elapsed();
    let sent = Sent { at, endpoint, body: text, retry, status: reply.status, error: reply.error.clone() };
    core.change(|state| state.sent.push(sent));
    reply
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Reply, reqwest::Error> {
    let mut response =
        request.header("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)").send().await?;
    let status = response.status().as_u16();
    let no_retry = response.headers().get("x-slack-no-retry").is_some_and(|value| value == "1");
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_ANSWER {
            break;
        }
    }
    Ok(Reply {
        status: Some(status),
        body: String::from_utf8_lossy(&body).into_owned(),
        no_retry,
        elapsed: Duration::ZERO,
        error: (status != 200).then_some(DeliveryError::Status(status)),
    })
}

fn failed(error: DeliveryError) -> Reply {
    Reply { status: None, body: String::new(), no_retry: false, elapsed: Duration::ZERO, error: Some(error) }
}

/// The messages of an error and all its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        words = format!("{words}: {deeper}");
        cause = deeper.source();
    }
    words
}

/// A form with the single field `payload`, the format of interactions.
pub(crate) fn payload_form(payload: &serde_json::Value) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish()
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::payload_form;

    #[test]
    fn the_form_of_a_payload_is_one_field() {
        let form = payload_form(&serde_json::json!({ "type": "a&b" }));
        assert_eq!(String::from_utf8(form).unwrap(), "payload=%7B%22type%22%3A%22a%26b%22%7D");
    }
}
