//! A client of the public API.

use std::{fmt::Write as _, time::Duration};

use reqwest::{Method, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use crate::{
    domain::{
        arguments::{Digest, Exact},
        ids::ApprovalId,
        results::ResultStatus,
        text::IntegrationKey,
    },
    entropy::Entropy,
    gateway::approval::{Approval, NotUnderstood, Request},
};

/// Time limit of one attempt, from the connection to the last byte. Waiting comes on top of it.
const LIMIT: Duration = Duration::from_secs(15);
/// Time limit of connecting.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// The longest `?wait=` of the API, in seconds.
const LONGEST_WAIT: u64 = 55;
/// The pause before the second attempt; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The most bytes of a response that are read: an approval has its arguments twice at most.
const LARGEST: usize = 2 * 1024 * 1024;

const NOT_OURS: &str = "the response is not Countersign's; check COUNTERSIGN_URL and the proxies before it";

/// Why a call failed. Never contains the API key.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address can't be used.
    #[error(
        "{0:?} is not the address of a Countersign service: set COUNTERSIGN_URL to its http or https address"
    )]
    Address(String),
    /// The API key has characters that no key has.
    #[error(
        "the API key is malformed: set COUNTERSIGN_API_KEY to the key that `countersign key create` printed"
    )]
    Key,
    /// The client could not be built.
    #[error("could not set up HTTP: {0}")]
    Setup(String),
    /// No response.
    #[error("could not reach Countersign at {origin}: {reason}")]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// The innermost cause.
        reason: String,
    },
    /// The service refused the call.
    #[error("Countersign refused the request ({status}): {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The last part of the problem's `type`, such as `unknown-user`. Empty if the response is not a problem.
        code: String,
        /// What to do, with the faults of an invalid request.
        detail: String,
    },
    /// The response can't be acted on.
    #[error("could not understand Countersign's response: {0}")]
    NotUnderstood(String),
}

impl ClientError {
    /// Whether Countersign does not know the API key.
    #[must_use]
    pub fn is_invalid_key(&self) -> bool {
        matches!(self, Self::Refused { status: 401, code, .. } if !code.is_empty())
    }

    /// Whether the permit of an approval was refused.
    #[must_use]
    pub fn is_refused_permit(&self) -> bool {
        let codes =
            ["not-approved", "permit-used", "permit-revoked", "permit-lapsed", "paused", "other-arguments"];
        matches!(self, Self::Refused { code, .. } if codes.contains(&code.as_str()))
    }

    /// Whether the member with this JSON pointer is a reason why the request was refused.
    #[must_use]
    pub fn names_fault(&self, pointer: &str) -> bool {
        matches!(self, Self::Refused { detail, .. } if detail.split(' ').any(|word| word == pointer))
    }
}

impl From<NotUnderstood> for ClientError {
    fn from(error: NotUnderstood) -> Self {
        Self::NotUnderstood(error.to_string())
    }
}

/// What came of an approved call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `succeeded` or `failed`.
    #[serde(serialize_with = "status")]
    pub status: ResultStatus,
    /// What came of it, in a few words: at most 3000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn status<S: serde::Serializer>(status: &ResultStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.as_str())
}

/// Calls the API with one key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: header::HeaderValue,
    entropy: Entropy,
}

/// One call, the same in every attempt.
struct Call<'a> {
    method: Method,
    path: &'a [&'a str],
    wait: bool,
    idempotency_key: Option<&'a str>,
    body: Option<Value>,
}

impl<'a> Call<'a> {
    const fn new(method: Method, path: &'a [&'a str]) -> Self {
        Self { method, path, wait: false, idempotency_key: None, body: None }
    }
}

/// A failed attempt.
enum Failed {
    Finally(ClientError),
    ForNow { error: ClientError, retry_after: Option<Duration> },
}

/// An RFC 9457 problem. Every member may be missing: a proxy may have answered.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    detail: String,
    errors: Vec<Fault>,
    approval: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    pointer: Option<String>,
    parameter: Option<String>,
    detail: String,
}

/// The address of a service, which may have a path.
pub fn base(address: &str) -> Result<Url, ClientError> {
    Url::parse(address.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .filter(|url| url.query().is_none() && url.fragment().is_none() && url.username().is_empty())
        .ok_or_else(|| ClientError::Address(address.to_owned()))
}

impl Client {
    /// A client of the service at this address, which may have a path.
    pub fn new(address: &str, key: &SecretString, entropy: Entropy) -> Result<Self, ClientError> {
        // reqwest is built without a TLS provider. A second call finds the first one's.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = base(address)?;
        let mut key = header::HeaderValue::try_from(format!("Bearer {}", key.expose_secret().trim()))
            .map_err(|_| ClientError::Key)?;
        key.set_sensitive(true);
        let http = reqwest::Client::builder()
            // A redirect would carry the key to another place.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_LIMIT)
            .user_agent(concat!("countersign-gateway/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::Setup(innermost(&error)))?;
        Ok(Self { http, base, key, entropy })
    }

    /// Scheme, host and port of the service.
    #[must_use]
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Asks. Attempts that fail for now are repeated under the same idempotency key, until `until`.
    pub async fn ask(
        &self,
        request: &Request,
        idempotency_key: &str,
        until: Instant,
    ) -> Result<Approval, ClientError> {
        let body = serde_json::to_value(request).map_err(|error| ClientError::Setup(error.to_string()))?;
        let call = Call {
            idempotency_key: Some(idempotency_key),
            body: Some(body),
            ..Call::new(Method::POST, &["v1", "approvals"])
        };
        let approval = Approval::read(&self.call(&call, until).await?)?;
        approval.check(request)?;
        Ok(approval)
    }

    /// Waits until the approval has ended, at most until `until`: then it may still be pending.
    pub async fn wait(&self, approval: Approval, until: Instant) -> Result<Approval, ClientError> {
        let mut approval = approval;
        let id = approval.id.to_string();
        while approval.decision.is_none() && Instant::now() < until {
            let path = ["v1", "approvals", id.as_str()];
            let call = Call { wait: true, ..Call::new(Method::GET, &path) };
            let next = Approval::read(&self.call(&call, until).await?)?;
            if next.id != approval.id || !next.is_of_the_same_call(&approval) {
                return Err(NotUnderstood::AnotherCall.into());
            }
            approval = next;
        }
        Ok(approval)
    }

    /// Cancels the approval. If it has ended already, returns how.
    pub async fn cancel(&self, id: ApprovalId, until: Instant) -> Result<Approval, ClientError> {
        let id = id.to_string();
        let path = ["v1", "approvals", id.as_str(), "cancel"];
        Ok(Approval::read(&self.call(&Call::new(Method::POST, &path), until).await?)?)
    }

    /// Takes the permit of an approval, right before its call runs with arguments of this digest. Unless this succeeds, the
    /// call must not run. Versions before permits have none to take, and their approvals are enough.
    pub async fn take_permit(
        &self,
        id: ApprovalId,
        digest: Digest,
        idempotency_key: &str,
        until: Instant,
    ) -> Result<(), ClientError> {
        let (id, digest) = (id.to_string(), digest.to_string());
        let path = ["v1", "approvals", id.as_str(), "use"];
        let call = Call {
            idempotency_key: Some(idempotency_key),
            body: Some(json!({ "arguments_digest": digest })),
            ..Call::new(Method::POST, &path)
        };
        let permit = match self.call(&call, until).await {
            Ok(body) => parsed(&body)?,
            Err(ClientError::Refused { status: 404, code, .. }) if code == "unknown-path" => return Ok(()),
            Err(error) => return Err(error),
        };
        if permit["approval"] == id && permit["arguments_digest"] == digest {
            Ok(())
        } else {
            Err(ClientError::NotUnderstood("it is not the permit of this call".to_owned()))
        }
    }

    /// Reports what came of an approved call. The same report may be sent again.
    pub async fn report_result(
        &self,
        id: ApprovalId,
        report: &Report,
        until: Instant,
    ) -> Result<(), ClientError> {
        let id = id.to_string();
        let path = ["v1", "approvals", id.as_str(), "result"];
        let body = serde_json::to_value(report).map_err(|error| ClientError::Setup(error.to_string()))?;
        let call = Call { body: Some(body), ..Call::new(Method::POST, &path) };
        self.call(&call, until).await.map(drop)
    }

    /// Describes an integration with all its actions: the body of `PUT /v1/integrations/{key}`.
    pub async fn put_integration(
        &self,
        key: &IntegrationKey,
        integration: Value,
        until: Instant,
    ) -> Result<Value, ClientError> {
        let path = ["v1", "integrations", key.as_str()];
        let call = Call { body: Some(integration), ..Call::new(Method::PUT, &path) };
        parsed(&self.call(&call, until).await?)
    }

    /// Reads an integration; `None` if the workspace has none of this key.
    pub async fn get_integration(
        &self,
        key: &IntegrationKey,
        until: Instant,
    ) -> Result<Option<Value>, ClientError> {
        let path = ["v1", "integrations", key.as_str()];
        match self.call(&Call::new(Method::GET, &path), until).await {
            Ok(body) => parsed(&body).map(Some),
            Err(ClientError::Refused { code, .. }) if code == "unknown-integration" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Attempts a call until it succeeds, is refused, or the next attempt would begin after `until`.
    async fn call(&self, call: &Call<'_>, until: Instant) -> Result<Vec<u8>, ClientError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let (error, retry_after) = match self.attempt(call, until).await {
                Ok(body) => return Ok(body),
                Err(Failed::Finally(error)) => return Err(error),
                Err(Failed::ForNow { error, retry_after }) => (error, retry_after),
            };
            // Many callers may have failed at the same moment.
            let jittered = pause.mul_f64(0.5 + self.entropy.fraction() / 2.0);
            let next = Instant::now() + retry_after.unwrap_or_default().max(jittered);
            if next >= until {
                return Err(error);
            }
            tokio::time::sleep_until(next).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(&self, call: &Call<'_>, until: Instant) -> Result<Vec<u8>, Failed> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(call.path);
        }
        let left = until.saturating_duration_since(Instant::now());
        let wait = if call.wait { left.as_secs().clamp(1, LONGEST_WAIT) } else { 0 };
        if call.wait {
            url.query_pairs_mut().append_pair("wait", &wait.to_string());
        }
        let mut request = self
            .http
            .request(call.method.clone(), url)
            .header(header::AUTHORIZATION, self.key.clone())
            .timeout(LIMIT + Duration::from_secs(wait));
        if let Some(key) = call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                let why = format!("it is larger than {LARGEST} bytes");
                return Err(Failed::Finally(ClientError::NotUnderstood(why)));
            }
        }
        if status.is_success() {
            return Ok(body);
        }
        let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
        if let (StatusCode::CONFLICT, Some(approval), true) =
            (status, &problem.approval, call.path.ends_with(&["cancel"]))
        {
            return Ok(approval.to_string().into_bytes());
        }
        let error = problem.into_error(status);
        // 502 and 504 are a proxy's words for "unavailable".
        if matches!(status.as_u16(), 429 | 502..=504) {
            Err(Failed::ForNow { error, retry_after })
        } else {
            Err(Failed::Finally(error))
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failed {
        let reason = if error.is_timeout() { "timed out".to_owned() } else { innermost(error) };
        let error = ClientError::Unreachable { origin: self.origin(), reason };
        Failed::ForNow { error, retry_after: None }
    }
}

impl Problem {
    fn into_error(self, status: StatusCode) -> ClientError {
        let code = self.kind.strip_prefix("urn:countersign:problem:").unwrap_or_default().to_owned();
        let said = [self.detail, self.title].into_iter().find(|text| !text.is_empty());
        let mut detail = said.unwrap_or_else(|| NOT_OURS.to_owned());
        for fault in self.errors {
            let place = fault.pointer.or(fault.parameter).unwrap_or_default();
            let _ = write!(detail, " {place} {}.", fault.detail);
        }
        ClientError::Refused { status: status.as_u16(), code, detail }
    }
}

fn parsed(body: &[u8]) -> Result<Value, ClientError> {
    Exact::read(body).map(|exact| exact.0).map_err(|error| ClientError::NotUnderstood(format!("it {error}")))
}

/// How long to pause at most, whatever a proxy says.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// `Retry-After` in seconds. The service sends no dates.
fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

/// The last of an error's causes: the ones before it only name layers of the client.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
