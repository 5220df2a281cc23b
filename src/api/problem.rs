//! Errors as `application/problem+json` (RFC 9457), a closed list. What each means stands in docs/errors.md.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{domain::Rejection, service::Failure, wire::ApprovalJson};

/// A kind of error. Its code is the end of the problem's `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The body is not JSON, or JSON that two readers could read differently.
    InvalidJson,
    /// Something in the request is not as it should be; `errors` says what.
    InvalidRequest,
    /// No API key, or none that is valid.
    Unauthenticated,
    /// The backend is disabled.
    BackendDisabled,
    /// The app is no longer installed.
    WorkspaceRemoved,
    /// No such thing.
    NotFound(&'static str),
    /// There is nothing at this path.
    UnknownPath,
    /// The path does not take this method.
    MethodNotAllowed,
    /// The approval has ended.
    AlreadyEnded,
    /// The path, query and headers are too large.
    HeadTooLarge,
    /// The body is too large.
    BodyTooLarge,
    /// The body is not said to be JSON.
    UnsupportedMediaType,
    /// The idempotency key was used for another request.
    KeyReused,
    /// Slack knows nobody by this email address.
    UnknownUser,
    /// Slack can't be asked at the moment.
    LookupUnavailable,
    /// The backend makes too many requests a second.
    TooManyRequests,
    /// The backend has too many approvals pending.
    TooManyPending,
    /// The caller may not do this.
    Forbidden,
    /// The database is away; nothing has changed.
    Unavailable,
    /// The database's answer was lost; something may have changed.
    Unclear,
    /// Our fault.
    Internal,
}

impl Kind {
    const fn describe(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::InvalidJson => (
                StatusCode::BAD_REQUEST,
                "invalid-json",
                "The body is not valid JSON",
                "Send one JSON object, in UTF-8, with no member twice.",
            ),
            Self::InvalidRequest => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-request",
                "The request is not valid",
                "Correct what `errors` lists, and send it again.",
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "The API key is missing or not valid",
                "Send `Authorization: Bearer cs_…` with a key that `countersign backend create` or `rotate-key` printed.",
            ),
            Self::BackendDisabled => (
                StatusCode::FORBIDDEN,
                "backend-disabled",
                "The backend is disabled",
                "Ask whoever operates Countersign: `countersign backend list` shows it as disabled.",
            ),
            Self::WorkspaceRemoved => (
                StatusCode::FORBIDDEN,
                "workspace-removed",
                "The Slack app is no longer installed",
                "Install the app in the workspace again.",
            ),
            Self::NotFound(code) => (
                StatusCode::NOT_FOUND,
                code,
                "There is no such thing",
                "Check the id or key in the path: it must be one of this backend's own, or of its workspace.",
            ),
            Self::UnknownPath => (
                StatusCode::NOT_FOUND,
                "unknown-path",
                "There is nothing at this path",
                "Check the path against /openapi.json.",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "The path does not take this method",
                "The `Allow` header lists the methods that it takes.",
            ),
            Self::AlreadyEnded => (
                StatusCode::CONFLICT,
                "already-ended",
                "The approval has already ended",
                "It stays as it is: `approval` says how it ended.",
            ),
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head-too-large",
                "The path, query and headers are too large",
                "Send at most 16 KiB of them.",
            ),
            Self::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "The body is too large",
                "Send at most 256 KiB: pass large contents by reference.",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The body is not said to be JSON",
                "Send `Content-Type: application/json`.",
            ),
            Self::KeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "The idempotency key was used for another request",
                "Use a new key for a new request, and the same body when you repeat one.",
            ),
            Self::UnknownUser => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown-user",
                "Slack knows nobody by this email address",
                "Check the address, or send the user's Slack id. The app needs the scope users:read.email.",
            ),
            Self::LookupUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "lookup-unavailable",
                "The user can't be looked up at the moment",
                "Try again shortly, or send the user's Slack id.",
            ),
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "The backend makes too many requests",
                "Wait as long as `Retry-After` says. Wait for decisions with `?wait=` or webhooks instead of asking again and again.",
            ),
            Self::TooManyPending => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-pending",
                "The backend has too many approvals pending",
                "Wait until some have ended, or cancel those that are no longer needed.",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "This is not for the caller to do",
                "A backend asks and cancels; people decide, in Slack.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service is not available at the moment",
                "Nothing has changed. Try again shortly.",
            ),
            Self::Unclear => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unclear",
                "It is not known whether the request took effect",
                "Send it again with the same Idempotency-Key: it takes effect once.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong on our side",
                "Try again. If it stays, tell whoever operates Countersign.",
            ),
        }
    }
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Where, as a JSON pointer (RFC 6901) into the body; `null` for a header, the path or the query.
    pub pointer: Option<String>,
    /// The name of the header or parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<&'static str>,
    /// What, in words.
    pub detail: String,
}

/// An error, ready to be answered.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: Option<String>,
    errors: Vec<Fault>,
    approval: Option<Value>,
    retry_after: Option<u32>,
}

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        Self { kind, detail: None, errors: Vec::new(), approval: None, retry_after: None }
    }

    /// Says more exactly what is wrong.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub const fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The faults of a request.
    #[must_use]
    pub fn invalid(errors: Vec<Fault>) -> Self {
        Self { errors, ..Self::of(Kind::InvalidRequest) }
    }

    /// One fault of a header, of the path or of the query.
    #[must_use]
    pub fn parameter(name: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![Fault { pointer: None, parameter: Some(name), detail: detail.into() }])
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Unauthenticated => Self::of(Kind::Unauthenticated),
            Rejection::BackendDisabled => Self::of(Kind::BackendDisabled),
            Rejection::WorkspaceRemoved => Self::of(Kind::WorkspaceRemoved),
            Rejection::UnknownApproval
            | Rejection::UnknownIntegration
            | Rejection::UnknownAction
            | Rejection::UnknownGrant
            | Rejection::UnknownDelivery
            | Rejection::UnknownConversation => Self::of(Kind::NotFound(rejection.code())),
            Rejection::UnknownUser => Self::of(Kind::UnknownUser),
            Rejection::LookupUnavailable => Self::of(Kind::LookupUnavailable).after(5),
            Rejection::TooManyPending => Self::of(Kind::TooManyPending).after(30),
            Rejection::KeyReused(_) => Self::of(Kind::KeyReused),
            Rejection::AlreadyEnded(approval) => {
                let json = serde_json::to_value(ApprovalJson::from(&*approval)).ok();
                Self { approval: json, ..Self::of(Kind::AlreadyEnded) }
            }
            Rejection::Expired
            | Rejection::WrongPerson { .. }
            | Rejection::Guest
            | Rejection::OtherWorkspace
            | Rejection::NotAdmin
            | Rejection::Locked
            | Rejection::NotConnected
            | Rejection::ConversationClosed => Self::of(Kind::Forbidden).because(rejection.to_string()),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Rejected(rejection) => rejection.into(),
            Failure::Database(
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Tls(_),
            ) => {
                tracing::error!(%failure, "A call failed because the database is away");
                Self::of(Kind::Unavailable).after(1)
            }
            Failure::Unclear(_) => {
                tracing::error!(%failure, "A call's commit was not answered");
                Self::of(Kind::Unclear).after(1)
            }
            Failure::Database(ref error) if crate::storage::is_worth_retrying(error) => {
                tracing::error!(%failure, "A call was given up after several tries");
                Self::of(Kind::Unavailable).after(1)
            }
            Failure::Database(_) | Failure::Sealed(_) => {
                tracing::error!(%failure, "A call failed");
                Self::of(Kind::Internal)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, title, what_to_do) = self.kind.describe();
        let mut body = json!({
            "type": format!("urn:countersign:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail.map_or_else(|| what_to_do.to_owned(), |detail| format!("{detail} {what_to_do}")),
        });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        if let Some(approval) = self.approval {
            body["approval"] = approval;
        }
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
