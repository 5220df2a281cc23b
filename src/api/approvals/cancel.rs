//! `POST /v1/approvals/{id}/cancel`: the backend withdraws its request.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use crate::{
    api::{
        auth,
        path::Named,
        problem::{Problem, responses::Cancelling},
        state::Api,
    },
    domain::api_keys::KeyScope,
    service::cancel,
    wire::{ApprovalJson, examples},
};

/// Responds with the cancelled approval, or with 409 and the one that had ended before.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/cancel", operation_id = "cancel_approval", tag = "approvals",
    summary = "Cancel an approval",
    params(("id" = String, Path, description = "The approval, `apr_…`.")),
    responses(
        (status = 200, description = "The approval, now cancelled.", body = ApprovalJson<'_>, example = json!(examples::cancelled())),
        Cancelling,
    ),
    security(("api_key" = ["ask"])),
)]
pub async fn cancel(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Ask).await?;
    let approval = cancel::cancel(&api.service, &caller, crate::api::approvals::id::parse(&id)?).await?;
    Ok(Json(ApprovalJson::from(&approval)).into_response())
}
