//! The closed list of errors.

use axum::http::StatusCode;

/// What was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// An approval of this backend.
    Approval,
    /// An integration of its workspace.
    Integration,
    /// A conversation of this backend.
    Conversation,
    /// A webhook delivery to this backend.
    Delivery,
    /// A backend of the workspace.
    Backend,
    /// A grant of the workspace.
    Grant,
    /// An action of the workspace.
    Action,
    /// A delegation of the workspace.
    Delegation,
    /// A seal of the audit log on the entry, or on so many entries.
    Seal,
    /// A pause of the workspace.
    Pause,
}

/// A kind of error. Its code is the last part of the problem's `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The body is not JSON, or JSON that parsers read differently.
    InvalidJson,
    /// The request is invalid; `errors` says where and why.
    InvalidRequest,
    /// The API key is missing or invalid.
    Unauthenticated,
    /// The API key lacks the scope for this call.
    InsufficientScope,
    /// An admin key was sent where a backend's is needed, or the other way round.
    WrongKey,
    /// The API key is bound to one user, and the call reaches further.
    UserBoundKey,
    /// The API key is not bound to a user, whom the call would ask.
    NoUser,
    /// The backend is disabled.
    BackendDisabled,
    /// The app is no longer installed.
    WorkspaceRemoved,
    /// Not found, or another backend's.
    NotFound(Missing),
    /// Path not found.
    UnknownPath,
    /// Method not allowed.
    MethodNotAllowed,
    /// The approval has ended.
    AlreadyEnded,
    /// A result was reported for an approval that is not approved.
    NotApproved,
    /// A receipt was asked for an approval that has not ended.
    StillPending,
    /// Another result stands.
    AlreadyReported,
    /// The permit was used before.
    PermitUsed,
    /// The grant behind the approval was ended.
    PermitRevoked,
    /// The permit was not used in time.
    PermitLapsed,
    /// The agent or its backend is paused.
    Paused,
    /// The workspace has as many pauses as it may have.
    TooManyPauses,
    /// What is about to run is not what was approved.
    OtherArguments,
    /// The action's description or lock is not the one that the caller saw.
    ChangedSinceShown,
    /// The path, query and headers are too large.
    HeadTooLarge,
    /// The body is too large.
    BodyTooLarge,
    /// Content-Type must be application/json.
    UnsupportedMediaType,
    /// The idempotency key was used for another request.
    KeyReused,
    /// No Slack user has this email address.
    UnknownUser,
    /// The workspace has the most integrations or actions that it may have.
    CatalogFull,
    /// The Slack app may not look users up.
    MissingScope,
    /// Slack could not be reached.
    LookupUnavailable,
    /// Too many requests a second.
    TooManyRequests,
    /// Too many pending approvals.
    TooManyPending,
    /// Too many calls of the backend wait or stream.
    TooManyWaiting,
    /// The body took too long to arrive.
    BodyTooSlow,
    /// Not permitted.
    Forbidden,
    /// The integration is another backend's.
    NotOwner,
    /// The key that signs receipts can't be opened.
    NoSigningKey,
    /// The database is unavailable; nothing has changed.
    Unavailable,
    /// The database's response was lost; the change may have been saved.
    Unclear,
    /// Internal error.
    Internal,
}

impl Kind {
    /// Every kind, in the order of docs/errors.md.
    pub const ALL: [Self; 50] = [
        Self::InvalidJson,
        Self::Unauthenticated,
        Self::InsufficientScope,
        Self::WrongKey,
        Self::UserBoundKey,
        Self::NoUser,
        Self::BackendDisabled,
        Self::WorkspaceRemoved,
        Self::MissingScope,
        Self::Forbidden,
        Self::NotOwner,
        Self::NotFound(Missing::Approval),
        Self::NotFound(Missing::Integration),
        Self::NotFound(Missing::Conversation),
        Self::NotFound(Missing::Delivery),
        Self::NotFound(Missing::Backend),
        Self::NotFound(Missing::Grant),
        Self::NotFound(Missing::Action),
        Self::NotFound(Missing::Delegation),
        Self::NotFound(Missing::Seal),
        Self::NotFound(Missing::Pause),
        Self::UnknownPath,
        Self::MethodNotAllowed,
        Self::BodyTooSlow,
        Self::AlreadyEnded,
        Self::NotApproved,
        Self::StillPending,
        Self::AlreadyReported,
        Self::PermitUsed,
        Self::PermitRevoked,
        Self::PermitLapsed,
        Self::Paused,
        Self::ChangedSinceShown,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidRequest,
        Self::OtherArguments,
        Self::KeyReused,
        Self::UnknownUser,
        Self::CatalogFull,
        Self::TooManyPauses,
        Self::TooManyRequests,
        Self::TooManyPending,
        Self::TooManyWaiting,
        Self::HeadTooLarge,
        Self::Internal,
        Self::LookupUnavailable,
        Self::NoSigningKey,
        Self::Unavailable,
        Self::Unclear,
    ];

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.describe().0
    }

    /// The last part of the problem's `type`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.describe().1
    }

    /// What is wrong, in short.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.describe().2
    }

    /// What to do, as the `detail` says it.
    #[must_use]
    pub const fn what_to_do(self) -> &'static str {
        self.describe().3
    }

    #[expect(clippy::too_many_lines, reason = "a list reads best in one piece")]
    const fn describe(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::InvalidJson => (
                StatusCode::BAD_REQUEST,
                "invalid-json",
                "The body is not valid JSON",
                "Send one JSON object in UTF-8, without duplicate members.",
            ),
            Self::InvalidRequest => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-request",
                "The request is not valid",
                "Correct the fields that `errors` lists, and send the request again.",
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "The API key is missing or not valid",
                "Send `Authorization: Bearer cs_…` with a key that `countersign backend create` or `countersign key create` printed.",
            ),
            Self::InsufficientScope => (
                StatusCode::FORBIDDEN,
                "insufficient-scope",
                "The API key lacks a scope",
                "Use a key that has the scope, or ask the operator for one: `countersign key create --scopes …`.",
            ),
            Self::WrongKey => (
                StatusCode::FORBIDDEN,
                "wrong-key",
                "The API key is of another kind",
                "Calls below /v1/admin need an admin key, which `countersign key create --admin` prints; all others need a backend's.",
            ),
            Self::UserBoundKey => (
                StatusCode::FORBIDDEN,
                "user-bound-key",
                "The API key is bound to one user",
                "To make this call, ask the operator for a key of the whole backend: `countersign key create` without `--user`.",
            ),
            Self::NoUser => (
                StatusCode::FORBIDDEN,
                "no-user",
                "The API key is not bound to a user",
                "Ask the operator for a key that is: `countersign key create --backend claude --user alice@example.com`.",
            ),
            Self::BackendDisabled => (
                StatusCode::FORBIDDEN,
                "backend-disabled",
                "The backend is disabled",
                "Ask the operator of Countersign. `countersign backend list` shows the backend as disabled.",
            ),
            Self::WorkspaceRemoved => (
                StatusCode::FORBIDDEN,
                "workspace-removed",
                "The Slack app is no longer installed",
                "Install the app in the workspace again.",
            ),
            Self::NotFound(Missing::Approval) => (
                StatusCode::NOT_FOUND,
                "unknown-approval",
                "Approval not found",
                "Check the id in the path: it must be an approval that this backend asked for.",
            ),
            Self::NotFound(Missing::Integration) => (
                StatusCode::NOT_FOUND,
                "unknown-integration",
                "Integration not found",
                "Check the key in the path, or describe the integration with PUT first.",
            ),
            Self::NotFound(Missing::Conversation) => (
                StatusCode::NOT_FOUND,
                "unknown-conversation",
                "Conversation not found",
                "Check the id in the path: it must be a conversation in which this backend asked.",
            ),
            Self::NotFound(Missing::Delivery) => (
                StatusCode::NOT_FOUND,
                "unknown-delivery",
                "Delivery not found",
                "Check the id in the path: it must be a webhook delivery to this backend, or with an admin key to a backend of the workspace.",
            ),
            Self::NotFound(Missing::Backend) => (
                StatusCode::NOT_FOUND,
                "unknown-backend",
                "Backend not found",
                "Check the id in the path: it must be a backend of the workspace.",
            ),
            Self::NotFound(Missing::Grant) => (
                StatusCode::NOT_FOUND,
                "unknown-grant",
                "Grant not found",
                "Check the id in the path: it must be a grant of the workspace.",
            ),
            Self::NotFound(Missing::Action) => (
                StatusCode::NOT_FOUND,
                "unknown-action",
                "Action not found",
                "Check the keys in the path: they must be an integration of the workspace and one of its actions that is not retired.",
            ),
            Self::NotFound(Missing::Delegation) => (
                StatusCode::NOT_FOUND,
                "unknown-delegation",
                "Delegation not found",
                "Check the id in the path: it must be a delegation of the workspace.",
            ),
            Self::NotFound(Missing::Seal) => (
                StatusCode::NOT_FOUND,
                "not-sealed",
                "Not sealed",
                "Try again in a few seconds, or check the cursor or the number: no checkpoint of the audit log seals it.",
            ),
            Self::NotFound(Missing::Pause) => (
                StatusCode::NOT_FOUND,
                "unknown-pause",
                "Not paused",
                "Check the id in the path: it must be a live pause of the workspace, as `GET /v1/admin/pauses` lists it.",
            ),
            Self::UnknownPath => (
                StatusCode::NOT_FOUND,
                "unknown-path",
                "Path not found",
                "Check the path against /openapi.json.",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Method not allowed",
                "Use one of the methods that the `Allow` header lists.",
            ),
            Self::AlreadyEnded => (
                StatusCode::CONFLICT,
                "already-ended",
                "The approval has already ended",
                "Nothing was changed: `approval` says how it ended.",
            ),
            Self::NotApproved => (
                StatusCode::CONFLICT,
                "not-approved",
                "The approval is not approved",
                "Nothing was changed. Run calls, and report their results, only if they were approved.",
            ),
            Self::StillPending => (
                StatusCode::CONFLICT,
                "still-pending",
                "The approval has not ended",
                "There is no receipt of it yet. Wait with `GET /v1/approvals/{id}?wait=55` until it has ended.",
            ),
            Self::AlreadyReported => (
                StatusCode::CONFLICT,
                "already-reported",
                "Another result was already reported",
                "Nothing was changed: `approval.result` is the result that stands.",
            ),
            Self::PermitUsed => (
                StatusCode::CONFLICT,
                "permit-used",
                "The permit was already used",
                "Do not run the call: each approval permits one run. Ask again to run it again.",
            ),
            Self::PermitRevoked => (
                StatusCode::CONFLICT,
                "permit-revoked",
                "The auto-approval behind the approval was turned off",
                "Do not run the call. Ask again.",
            ),
            Self::PermitLapsed => (
                StatusCode::CONFLICT,
                "permit-lapsed",
                "The permit has lapsed",
                "Do not run the call: a permit can be used for 24 hours after the decision. Ask again.",
            ),
            Self::Paused => (
                StatusCode::CONFLICT,
                "paused",
                "The agent or its backend is paused",
                "Do not run the call. Stop, and take the permit once an admin has resumed it.",
            ),
            Self::TooManyPauses => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "too-many-pauses",
                "Too many pauses",
                "A workspace has at most 100 pauses. Resume what need not be paused, or pause whole backends.",
            ),
            Self::OtherArguments => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "other-arguments",
                "The arguments are not those that were approved",
                "Do not run the call. Run `approval.decision.arguments` if they are given, else `approval.arguments`, or ask again.",
            ),
            Self::ChangedSinceShown => (
                StatusCode::CONFLICT,
                "changed-since-shown",
                "The action has changed since you read it",
                "Nothing was changed. Read the action again, and decide by its present description.",
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
                "Content-Type must be application/json",
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
                "No Slack user has this email address",
                "Check the address, or send the user's Slack id. The app needs the scope users:read.email.",
            ),
            Self::CatalogFull => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "catalog-full",
                "Too many integrations or actions",
                "Ask for an existing action, or send the complete integration: actions that it leaves out \
                    are retired and make room.",
            ),
            Self::MissingScope => (
                StatusCode::FORBIDDEN,
                "missing-scope",
                "The Slack app lacks a scope",
                "Send the user's Slack id. To look up users by email, an operator adds the scope in the \
                    app's OAuth & Permissions and installs the app again.",
            ),
            Self::LookupUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "lookup-unavailable",
                "Could not look up the user",
                "Wait as long as `Retry-After` says, or send the user's Slack id.",
            ),
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "Too many requests",
                "Wait as long as `Retry-After` says. Use `?wait=` or webhooks instead of polling.",
            ),
            Self::TooManyPending => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-pending",
                "Too many pending approvals",
                "Wait until some have ended, or cancel approvals that you no longer need.",
            ),
            Self::TooManyWaiting => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-waiting",
                "Too many waiting calls",
                "Wait for fewer decisions at once, or receive them by webhook.",
            ),
            Self::BodyTooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "body-too-slow",
                "The body did not arrive in time",
                "Nothing has changed. Send the whole body within 10 seconds.",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "Not permitted",
                "A backend asks and cancels; people decide, in Slack.",
            ),
            Self::NotOwner => (
                StatusCode::FORBIDDEN,
                "not-owner",
                "The integration belongs to another backend",
                "Any backend may ask for its actions; only its owner may describe it and report connections. To change the owner, an operator runs `countersign integration share KEY` or `countersign integration move KEY --to BACKEND`.",
            ),
            Self::NoSigningKey => (
                StatusCode::SERVICE_UNAVAILABLE,
                "no-signing-key",
                "The key that signs receipts can't be opened",
                "Ask the operator of Countersign to run `countersign doctor`: it says which key is missing.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Service unavailable",
                "Nothing has changed. Try again shortly.",
            ),
            Self::Unclear => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unclear",
                "Could not confirm whether the request took effect",
                "Send it again with the same Idempotency-Key: it takes effect once.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Internal error",
                "Try again. If the problem persists, contact the operator of Countersign.",
            ),
        }
    }
}
