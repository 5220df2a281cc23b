//! Errors as `application/problem+json` (RFC 9457), from a closed list ([`kind`]). docs/errors.md explains each one.

pub mod kind;
pub mod responses;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use serde_json::{Value, json};
use utoipa::ToSchema;

pub use self::kind::{Kind, Missing};
use crate::{
    domain::{approvals::Approval, callers::BoundKeyFault, permits::Permit, rejection::Rejection},
    service::{ErrorClass, ServiceError, classify, is_worth_retrying},
    wire::{ApprovalJson, PermitJson},
};

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, ToSchema)]
pub struct Fault {
    /// Where, as a JSON pointer (RFC 6901) into the body; `null` for a header, the path or the query.
    #[schema(required)]
    pub pointer: Option<String>,
    /// The name of the header or parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<&'static str>,
    /// What is wrong, in words.
    pub detail: String,
}

/// An error response.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: Option<String>,
    errors: Vec<Fault>,
    approval: Option<Box<Value>>,
    permit: Option<Box<Value>>,
    retry_after: Option<u32>,
}

impl Problem {
    /// A problem of this kind, with its standard texts.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self { kind, detail: None, errors: Vec::new(), approval: None, permit: None, retry_after: None }
    }

    /// Whether it is a problem of this kind.
    #[must_use]
    pub fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    /// Replaces the detail by a more precise one.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the approval as it stands.
    fn about(self, approval: &Approval) -> Self {
        let json = serde_json::to_value(ApprovalJson::from(approval)).ok().map(Box::new);
        Self { approval: json, ..self }
    }

    /// Adds the permit that was taken.
    fn with_permit(self, permit: &Permit) -> Self {
        let json = serde_json::to_value(PermitJson::from(permit)).ok().map(Box::new);
        Self { permit: json, ..self }
    }

    /// Adds `Retry-After`, in seconds.
    #[must_use]
    pub const fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The problem of an invalid request, with its faults.
    #[must_use]
    pub fn invalid(errors: Vec<Fault>) -> Self {
        Self { errors, ..Self::new(Kind::InvalidRequest) }
    }

    /// The problem of one invalid header, path or query parameter.
    #[must_use]
    pub fn parameter(name: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![Fault { pointer: None, parameter: Some(name), detail: detail.into() }])
    }
}

/// The text with a full stop, unless it has its own.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Unauthenticated => Self::new(Kind::Unauthenticated),
            Rejection::InsufficientScope { needed, held } => Self::new(Kind::InsufficientScope)
                .because(format!("This call needs the scope `{needed}`; the key has: {held}.")),
            Rejection::BoundKey(fault) => Self::new(Kind::UserBoundKey).because(match fault {
                BoundKeyFault::OtherUser(user) => {
                    format!("The key is bound to {user}: leave `user` out, or name {user}.")
                }
                BoundKeyFault::OutsidePrefix(prefix) => format!(
                    "The key may change only the integration `{prefix}` and those whose keys begin with `{prefix}.`."
                ),
                BoundKeyFault::WholeBackend => "This call concerns the whole backend.".to_owned(),
            }),
            Rejection::BackendDisabled => Self::new(Kind::BackendDisabled),
            Rejection::WorkspaceRemoved => Self::new(Kind::WorkspaceRemoved),
            Rejection::UnknownApproval => Self::new(Kind::NotFound(Missing::Approval)),
            Rejection::UnknownIntegration => Self::new(Kind::NotFound(Missing::Integration)),
            Rejection::NotOwner => Self::new(Kind::NotOwner),
            Rejection::UnknownDelivery => Self::new(Kind::NotFound(Missing::Delivery)),
            Rejection::UnknownConversation => Self::new(Kind::NotFound(Missing::Conversation)),
            Rejection::UnknownUser => Self::new(Kind::UnknownUser),
            Rejection::LookupUnavailable => Self::new(Kind::LookupUnavailable).after(5),
            Rejection::SlackBusy(seconds) => Self::new(Kind::LookupUnavailable)
                .because(format!("Slack is rate limiting look-ups; retry after {seconds} s."))
                .after(seconds),
            Rejection::MissingScope(ref scope) => {
                Self::new(Kind::MissingScope).because(format!("The scope {scope} is missing."))
            }
            Rejection::TooManyPending => Self::new(Kind::TooManyPending).after(30),
            Rejection::KeyReused(_) => Self::new(Kind::KeyReused),
            Rejection::CatalogFull => Self::new(Kind::CatalogFull),
            Rejection::AlreadyEnded(approval) => Self::new(Kind::AlreadyEnded).about(&approval),
            Rejection::NotApproved(approval) => Self::new(Kind::NotApproved)
                .because(format!("The approval is {}.", approval.status().as_str()))
                .about(&approval),
            Rejection::StillPending(approval) => Self::new(Kind::StillPending).about(&approval),
            Rejection::AlreadyReported(approval) => Self::new(Kind::AlreadyReported).about(&approval),
            Rejection::PermitUsed(approval, permit) => Self::new(Kind::PermitUsed)
                .because(format!("It was used at {} with the API key {}.", permit.used_at.to_rfc3339_opts(SecondsFormat::Secs, true), permit.key))
                .with_permit(&permit)
                .about(&approval),
            Rejection::PermitRevoked(approval) => Self::new(Kind::PermitRevoked).about(&approval),
            Rejection::PermitLapsed(approval) => Self::new(Kind::PermitLapsed).about(&approval),
            Rejection::Paused(pause) => Self::new(Kind::Paused).because(sentence(pause.why().as_str())),
            Rejection::NotPaused => Self::new(Kind::NotFound(Missing::Pause)),
            Rejection::TooManyPauses => Self::new(Kind::TooManyPauses),
            Rejection::OtherArguments(approval) => Self::new(Kind::OtherArguments).about(&approval),
            Rejection::UnknownBackend => Self::new(Kind::NotFound(Missing::Backend)),
            Rejection::UnknownAction => Self::new(Kind::NotFound(Missing::Action)),
            Rejection::UnknownGrant => Self::new(Kind::NotFound(Missing::Grant)),
            Rejection::UnknownDelegation => Self::new(Kind::NotFound(Missing::Delegation)),
            Rejection::ChangedSinceShown => Self::new(Kind::ChangedSinceShown),
            // Rejections that only users of Slack cause.
            Rejection::UnknownUnlockRequest
            | Rejection::AlreadyAnswered(_)
            | Rejection::AlreadyUnlocked
            | Rejection::Expired
            | Rejection::WrongPerson { .. }
            | Rejection::NotApprover
            | Rejection::AnsweredBefore
            | Rejection::OnlyOnce
            | Rejection::OwnDelegate
            | Rejection::NoDelegate
            | Rejection::DelegationTime
            | Rejection::Guest
            | Rejection::NotEditable
            | Rejection::OtherWorkspace
            | Rejection::NotAdmin
            | Rejection::Locked
            | Rejection::OnlyConversations
            | Rejection::TooManyNarrowed
            | Rejection::NoLimit
            | Rejection::MustBeRead
            | Rejection::UnknownAgent
            | Rejection::ChangedSinceUnlocked
            | Rejection::ChangedSinceAsked
            | Rejection::NotConnected
            | Rejection::ConversationClosed
            | Rejection::RuleAsks
            | Rejection::BlockedByRule
            | Rejection::PolicyChanged
            | Rejection::OthersDecide
            | Rejection::ApproverNotMember(_) => Self::new(Kind::Forbidden).because(rejection.to_string()),
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(failure: ServiceError) -> Self {
        match failure {
            ServiceError::Rejected(rejection) => rejection.into(),
            ServiceError::Unclear(_) => {
                tracing::error!(%failure, "Commit outcome unknown");
                Self::new(Kind::Unclear).after(1)
            }
            ServiceError::Database(ref error) => {
                let class = classify(error);
                match class {
                    // An operator must fix this, so clients should not retry every second.
                    ErrorClass::ReadOnly
                    | ErrorClass::Full
                    | ErrorClass::NotMigrated
                    | ErrorClass::NoPartition
                    | ErrorClass::TransactionPooling => {
                        tracing::error!(%failure, ?class, "Call failed: Postgres unavailable");
                        Self::new(Kind::Unavailable).after(5)
                    }
                    ErrorClass::Unreachable | ErrorClass::Contended => {
                        tracing::error!(%failure, ?class, "Call failed: Postgres timed out");
                        Self::new(Kind::Unavailable).after(1)
                    }
                    // The use case has already retried this several times.
                    ErrorClass::Internal if is_worth_retrying(&failure) => {
                        tracing::error!(%failure, "Call failed after retries");
                        Self::new(Kind::Unavailable).after(1)
                    }
                    ErrorClass::UnstorableText => {
                        tracing::warn!("Call refused: a text contains U+0000");
                        Self::new(Kind::InvalidRequest).because("A text contains the character U+0000.")
                    }
                    ErrorClass::Internal => {
                        tracing::error!(%failure, "Call failed");
                        Self::new(Kind::Internal)
                    }
                }
            }
            // Only calls from Slack or from the command line cause these.
            ServiceError::Sealed(_) | ServiceError::Repeated => {
                tracing::error!(%failure, "Call failed");
                Self::new(Kind::Internal)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = (self.kind.status(), self.kind.code());
        let (title, what_to_do) = (self.kind.title(), self.kind.what_to_do());
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
            body["approval"] = *approval;
        }
        if let Some(permit) = self.permit {
            body["permit"] = *permit;
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
