//! Sends webhooks to backends.

use std::{error::Error as _, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Response, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    domain::ids::{ApprovalId, BackendId, DeliveryId, WorkspaceId},
    outbox::{Claim, Kind, Outcome, receivers::Share},
    service::{
        Service, ServiceError,
        show::{self, Endpoint, Webhook},
        webhook_health::{self, EndpointResponse},
    },
    webhooks::{
        address_guard::{Guard, Refused},
        sign,
    },
    wire::{EventJson, PingJson},
};

/// Time limit of one attempt, from the connection to the last byte.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a connection to a receiver stays open for the next webhook. Each takes a file, and a burst opens many.
const IDLE: Duration = Duration::from_secs(20);
/// How much of a response is kept, in bytes.
const KEPT: usize = 16 * 1024;
/// Why a redirect is an error.
const ENDPOINT_MOVED: &str =
    "redirects are not followed: set the final URL with `countersign backend set-webhook`";
const CALLBACK_MOVED: &str = "redirects are not followed: ask with the final URL as `callback_url`";

/// What is sent, and where to.
#[derive(Debug, Clone)]
pub struct Prepared {
    backend: BackendId,
    /// `None` if the approval no longer exists.
    webhook: Option<Webhook>,
    /// Where a callback goes. `None`: the URL was deleted after the retention time.
    callback: Option<SecretString>,
}

/// Reads the approvals and endpoints of these webhooks, all at once. The result is in their order; `None` for a row that
/// names no backend or no approval.
pub async fn prepare(
    service: &Service,
    claims: &[Claim],
) -> Result<Vec<Result<Option<Prepared>, ServiceError>>, ServiceError> {
    let named = |claim: &Claim| claim.approval.zip(claim.backend);
    let wanted: Vec<(ApprovalId, BackendId)> = claims.iter().filter_map(named).collect();
    let mut webhooks = show::webhooks(service, &wanted).await?.into_iter();
    let called = |claim: &&Claim| claim.kind == Kind::Callback;
    let called: Vec<ApprovalId> = claims.iter().filter(called).filter_map(|claim| claim.approval).collect();
    let mut urls = show::callback_urls(service, &called).await?;
    let prepared = claims.iter().map(|claim| {
        let Some((approval, backend)) = named(claim) else { return Ok(None) };
        let webhook = webhooks.next().unwrap_or(Ok(None))?;
        let callback = urls.remove(&approval).transpose()?;
        Ok(Some(Prepared { backend, webhook, callback }))
    });
    Ok(prepared.collect())
}

/// Sends webhooks.
#[derive(Debug, Clone)]
pub struct Sender {
    http: reqwest::Client,
    guard: Guard,
}

impl Sender {
    /// Sends to the public internet and to what the guard also allows. Follows no redirect and uses no proxy.
    pub fn new(guard: Guard) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(LIMIT)
            .pool_max_idle_per_host(Share::MOST)
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(guard.clone()))
            .build()?;
        Ok(Self { http, guard })
    }

    /// Sends the webhook of an outbox row. `None` for a row that names no backend or no approval.
    pub async fn send(
        &self,
        service: &Service,
        claim: &Claim,
        prepared: Option<Prepared>,
    ) -> Result<Outcome, ServiceError> {
        let hopeless = |why: &str| Ok(Outcome::Hopeless { why: why.to_owned(), status: None });
        let (Some(Prepared { backend, webhook, callback }), Some(event)) = (prepared, claim.event.as_deref())
        else {
            return hopeless("the row names no backend or no approval");
        };
        let Some((approval, endpoint)) = webhook else {
            return hopeless("the approval is gone");
        };
        if claim.kind == Kind::Callback {
            let Some(url) = callback else {
                return hopeless("the callback URL was deleted when its retention period ended");
            };
            let now = service.now();
            let body = serde_json::to_vec(&EventJson::new(event, &approval)).unwrap_or_default();
            // It says nothing about the health of the backend's endpoint.
            let id = claim.id.to_string();
            return Ok(self
                .post(url.expose_secret(), &endpoint.secrets, &id, body, now, CALLBACK_MOVED)
                .await);
        }
        if endpoint.stopped && !claim.by_hand {
            // Stopped after the claim. Due, the row is claimed as soon as the endpoint is resumed.
            return Ok(Outcome::Wait(TimeDelta::zero()));
        }
        if endpoint.url.is_empty() {
            // A row of the previous version, which makes one for every backend.
            return hopeless("the backend has no webhook endpoint");
        }
        let now = service.now();
        let body = serde_json::to_vec(&EventJson::new(event, &approval)).unwrap_or_default();
        let id = claim.id.to_string();
        let outcome = self.post(&endpoint.url, &endpoint.secrets, &id, body, now, ENDPOINT_MOVED).await;
        note(service, claim.workspace, backend, &endpoint, &outcome).await?;
        Ok(outcome)
    }

    /// Sends one signed `webhook.ping`. If the endpoint accepts it, its stopped deliveries resume; if not, nothing
    /// changes.
    pub async fn ping(
        &self,
        service: &Service,
        workspace: WorkspaceId,
        backend: BackendId,
    ) -> Result<Outcome, ServiceError> {
        let endpoint = show::endpoint(service, backend).await?;
        let now = service.now();
        let body = serde_json::to_vec(&PingJson::new(now, backend)).unwrap_or_default();
        let id = DeliveryId::new(service.new_id()).to_string();
        let outcome = self.post(&endpoint.url, &endpoint.secrets, &id, body, now, ENDPOINT_MOVED).await;
        if matches!(outcome, Outcome::Done { .. }) {
            note(service, workspace, backend, &endpoint, &outcome).await?;
        }
        Ok(outcome)
    }

    async fn post(
        &self,
        url: &str,
        secrets: &[SecretString],
        id: &str,
        body: Vec<u8>,
        now: DateTime<Utc>,
        moved: &str,
    ) -> Outcome {
        let failed = |why: String| Outcome::Failed { why, status: None, after: None };
        let Ok(url) = Url::parse(url) else {
            return failed("the webhook URL is not a URL".to_owned());
        };
        if let Err(refused) = self.guard.judge_literal(&url) {
            return failed(refused.to_string());
        }
        let sent = self
            .http
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", sign::signature(secrets, id, now, &body))
            .body(body)
            .send()
            .await;
        match sent {
            Ok(response) => read(response, now, moved).await,
            Err(error) => failed(explain(&error)),
        }
    }
}

/// Why a request failed, without the URL, which may contain a secret.
fn explain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out after 10 s".to_owned();
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return refused.to_string();
        }
        source = cause.source();
    }
    if error.is_connect() {
        "the connection failed".to_owned()
    } else {
        "the response was cut off".to_owned()
    }
}

/// Reads the response. `moved`: what to say about a redirect.
async fn read(mut response: Response, now: DateTime<Utc>, moved: &str) -> Outcome {
    let status = response.status();
    let after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| retry_after(text, now));
    let mut kept = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        kept.extend_from_slice(&chunk[..chunk.len().min(KEPT - kept.len())]);
        if kept.len() >= KEPT {
            break;
        }
    }
    let detail = text(&kept);
    let number = Some(status.as_u16());
    if status.is_success() {
        Outcome::Done { status: number, detail: Some(detail) }
    } else if status == StatusCode::GONE {
        let why = format!("the endpoint is gone (410). {detail}");
        Outcome::Hopeless { why: why.trim_end().to_owned(), status: number }
    } else if status.is_redirection() {
        Outcome::Failed { why: moved.to_owned(), status: number, after }
    } else {
        let silent = detail.trim().is_empty();
        let why = if silent { format!("the endpoint answered {}", status.as_u16()) } else { detail };
        Outcome::Failed { why, status: number, after }
    }
}

/// The beginning of a response, as text that Postgres can store: without U+0000.
fn text(kept: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(kept).replace('\0', "\u{fffd}");
    // The replacement character for an invalid byte takes three bytes, so the text may have grown.
    text.truncate(text.floor_char_boundary(KEPT));
    text
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3) in any of the three formats (section 5.6.7).
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(TimeDelta::seconds(seconds.into()));
    }
    let at = DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?);
    Some((at - now).max(TimeDelta::zero()))
}

async fn note(
    service: &Service,
    workspace: WorkspaceId,
    backend: BackendId,
    endpoint: &Endpoint,
    outcome: &Outcome,
) -> Result<(), ServiceError> {
    let answer = match outcome {
        Outcome::Done { .. } => EndpointResponse::Took,
        Outcome::Hopeless { status: Some(410), .. } => EndpointResponse::Gone,
        Outcome::Failed { .. } | Outcome::Hopeless { .. } => EndpointResponse::Failed,
        Outcome::Wait(_) | Outcome::NotTaken { .. } | Outcome::Refused { .. } => return Ok(()),
    };
    webhook_health::note(service, workspace, backend, &endpoint.health, answer).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_no_text_grows_no_larger_than_what_is_kept() {
        assert_eq!(text(b"a\0\xff"), "a\u{fffd}\u{fffd}");
        assert_eq!(text(&[0; KEPT]).len(), KEPT / 3 * 3);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::from_timestamp(1_445_412_480, 0).unwrap();
        assert_eq!(retry_after("120", now), Some(TimeDelta::seconds(120)));
        for date in
            ["Wed, 21 Oct 2015 07:30:00 GMT", "Wednesday, 21-Oct-15 07:30:00 GMT", "Wed Oct 21 07:30:00 2015"]
        {
            assert_eq!(retry_after(date, now), Some(TimeDelta::seconds(120)), "{date}");
        }
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(TimeDelta::zero()));
        assert_eq!(retry_after("soon", now), None);
    }
}
