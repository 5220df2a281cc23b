//! `POST /v1/approvals/{id}/use`: a caller takes the permit, right before it runs the call.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse as _, Response},
};

use crate::{
    api::{
        approvals::ask,
        auth,
        body::ApiBody,
        fields::{self, json_body},
        path::Named,
        problem::{Problem, responses::Using},
        state::Api,
    },
    domain::{api_keys::KeyScope, arguments::Digest, permits::Usage},
    service::permits,
    wire::{PermitJson, examples},
};

json_body! {
    /// What is about to run.
    pub struct UseBody as "UseBody" {
        /// The digest of the arguments that are about to run, computed from them: `sha256:` and 64 hexadecimal digits. Not a
        /// copy of the approval's `arguments_digest`, which would always match.
        arguments_digest: Digest,
    }
}

/// Responds with the permit, to one caller.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/use", operation_id = "use_approval", tag = "approvals",
    summary = "Take the permit, right before running the call",
    description = "An approval permits one run. Call this as the last thing before the call runs, and run it only after \
        a 200: the first caller gets it, and only with the digest of what was approved, which is that of \
        `decision.arguments` if the user changed arguments. Every other answer means: do not run the call. A permit can be \
        used for 24 hours after `decision.decided_at`. It is refused once the auto-approval that the decision used or \
        left was turned off, by its user, an admin or a backend. A call with other arguments is recorded, and its user is told. Use a \
        new random `Idempotency-Key` for each run, and the same one when you repeat a call whose response was lost: the \
        response is the same, unless the auto-approval was turned off since. A key that outlives a crash would let a \
        restarted program run the call twice.",
    params(
        ("id" = String, Path, description = "The approval, `apr_…`."),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters, chosen by the caller. It counts \
            for this approval only.", min_length = 1, max_length = 255),
    ),
    request_body(content = UseBody, example = json!(examples::usage())),
    responses(
        (status = 200, description = "The permit: run the call.", body = PermitJson, headers(
            ("Idempotency-Replayed" = String, description = "`true` if an earlier call with this key took it.")
        ), example = json!(examples::permit())),
        Using,
    ),
    security(("api_key" = ["ask"])),
)]
pub async fn take(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Ask).await?;
    let id = crate::api::approvals::id::parse(&id)?;
    let idempotency_key = ask::idempotency_key(&headers)?;
    let body: UseBody = fields::read(fields::object(&headers, body)?)?;
    let usage = Usage { digest: body.arguments_digest, key: caller.key(), idempotency_key };
    let taken = permits::take(&api.service, &caller, id, &usage).await?;
    tracing::info!(approval = %id, repeated = taken.repeated, "Permit used");
    let mut response = Json(PermitJson::from(&taken.permit)).into_response();
    if taken.repeated {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}
