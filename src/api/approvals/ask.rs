//! `POST /v1/approvals`: an agent asks for approval.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};
use tracing::field::display;

use crate::{
    api::{
        approvals::body::AskBody,
        auth,
        body::ApiBody,
        fields::{self, Pointer},
        problem::{Problem, responses::Asking},
        query::Query,
        state::Api,
    },
    domain::{api_keys::KeyScope, arguments::Digest, ids::UserId, text::ForeignId},
    service::{
        ask::{Ask, Asked, UserRef},
        authenticate::ApiKey,
        request,
    },
    wire::{ApprovalJson, examples},
};

/// Responds with 201 and a new approval, or with 200 and the one that an earlier call with the same idempotency key created.
#[utoipa::path(
    post, path = "/v1/approvals", operation_id = "create_approval", tag = "approvals",
    summary = "Ask for an approval",
    description = "Returns `approved` at once if one of the user's grants covers the request. Otherwise the \
        approval is `pending` and the user is asked in Slack. While an admin has paused the agent or the backend, \
        nothing is approved: the approval is `pending` with `paused`, or `denied` at once, as the admin chose. Repeating the request with the same \
        `Idempotency-Key` returns the same approval.",
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters, chosen by the \
        backend, kept until 24 hours after the approval has ended.", min_length = 1, max_length = 255)),
    request_body(content = AskBody, examples(
        ("whole" = (summary = "All fields", value = json!(examples::ask()))),
        ("short" = (summary = "Required fields only", value = json!(examples::short_ask()))),
    )),
    responses(
        (status = 201, description = "The new approval.", body = ApprovalJson<'_>, examples(
            ("pending" = (summary = "The user is asked", value = json!(examples::pending()))),
            ("approved" = (summary = "A grant covers it", value = json!(examples::auto_approved()))),
            ("held" = (summary = "The agent is paused, and its requests are held", value = json!(examples::held()))),
            ("denied" = (summary = "The agent is paused, and its requests are denied",
                value = json!(examples::denied_by_policy()))),
        )),
        (status = 200, description = "The approval that an earlier request with this idempotency key \
            created, as it is now.", body = ApprovalJson<'_>, headers(
            ("Idempotency-Replayed" = String, description = "`true`.")
        ), example = json!(examples::approved())),
        Asking,
    ),
    security(("api_key" = ["ask"])),
)]
pub async fn ask(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let key = auth::api_key(&headers)?;
    auth::admit(&api, &key)?;
    if !api.limits.knows(&key) {
        // Only once for each key and instance: later calls authenticate in the statement that reads everything else.
        auth::whose(&api, &key, KeyScope::Ask).await?;
    }
    let bound = api.limits.bound_user(&key);
    let (body, user, idempotency_key, digest) = match read(query.as_deref(), &headers, body, bound) {
        Ok(read) => read,
        Err(problem) => {
            // A caller whose key is no longer valid must not learn what is wrong with the request.
            auth::whose(&api, &key, KeyScope::Ask).await?;
            return Err(problem);
        }
    };
    let asked = create(&api, &key, body.into_ask(user, key.clone(), idempotency_key, digest)).await?;
    let code = if asked.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = (code, Json(ApprovalJson::from(&asked.approval))).into_response();
    if asked.replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Creates an approval, and records that in the log and the metrics.
pub(in crate::api) async fn create(api: &Api, key: &ApiKey, ask: Ask) -> Result<Asked, Problem> {
    let asked = request::request(&api.service, &api.asks, &*api.directory, ask).await;
    let asked = asked.inspect_err(|failure| auth::forget_refused(api, key, failure))?;
    let status = asked.approval.status().as_str();
    let approval = asked.approval.id();
    let asked_for = &asked.approval.request;
    tracing::Span::current()
        .record("workspace", display(asked_for.workspace))
        .record("backend", display(asked_for.backend))
        .record("approval", display(approval))
        .record("user", display(&asked_for.user));
    metrics::counter!("countersign_asks_total", "status" => status, "replayed" => asked.replayed.to_string())
        .increment(1);
    tracing::info!(%approval, status, replayed = asked.replayed, "Approval requested");
    if asked.replayed && asked.approval.decision.is_none() {
        // A caller that repeats its request is alive.
        drop(api.service.listeners.listen(approval));
    }
    Ok(asked)
}

/// Of a request that names no user.
const NO_USER: &str = "is required, unless the API key is bound to a user";

fn read(
    query: Option<&str>,
    headers: &HeaderMap,
    body: ApiBody,
    bound: Option<UserId>,
) -> Result<(AskBody, UserRef, Option<ForeignId>, Digest), Problem> {
    Query::read(query).finish()?;
    let members = fields::object(headers, body)?;
    let digest = Digest::for_json(&members);
    let idempotency_key = idempotency_key(headers)?;
    let no_user = || Pointer::ROOT.child("user").fault(NO_USER);
    let names_user = members.get("user").is_some_and(|user| !user.is_null());
    let body: AskBody = fields::read_beside(members, (!names_user && bound.is_none()).then(no_user))?;
    let user = body.user().or(bound.map(UserRef::Id)).ok_or_else(|| Problem::invalid(vec![no_user()]))?;
    Ok((body, user, idempotency_key, digest))
}

/// The header `Idempotency-Key`.
pub(in crate::api) fn idempotency_key(headers: &HeaderMap) -> Result<Option<ForeignId>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text =
        value.to_str().map_err(|_| Problem::parameter("Idempotency-Key", "must be printable ASCII"))?;
    ForeignId::new(text).map(Some).map_err(|fault| Problem::parameter("Idempotency-Key", fault.to_string()))
}
