//! `POST /v1/approvals/{id}/cancel`: the backend no longer asks.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use crate::{
    api::{Api, auth, problem::Problem},
    service::cancel,
    wire::ApprovalJson,
};

/// Answers with the cancelled approval, or 409 with the one that had ended.
pub async fn cancel(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers).await?;
    let approval = cancel::cancel(&api.service, caller, super::id(&id)?).await?;
    Ok(Json(ApprovalJson::from(&approval)).into_response())
}
