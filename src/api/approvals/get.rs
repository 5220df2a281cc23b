//! `GET /v1/approvals/{id}?wait=SECONDS`: the approval, at once or as soon as it has ended.

use std::time::Duration;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use tokio::time::Instant;

use super::waiting::{self, Begun};
use crate::{
    api::{
        auth,
        path::Named,
        problem::{Problem, responses::OneApproval},
        query::Query,
        state::Api,
    },
    domain::api_keys::KeyScope,
    server::later::Later,
    service::read,
    wire::{ApprovalJson, examples},
};

/// The longest wait, in seconds: below the minute after which proxies close an idle connection.
const LONGEST: i64 = 55;

/// Responds with the approval. With `wait`, this may take that long, and the approval may still be pending.
#[utoipa::path(
    get, path = "/v1/approvals/{id}", operation_id = "get_approval", tag = "approvals",
    summary = "Read an approval, at once or as soon as it has ended",
    params(
        ("id" = String, Path, description = "The approval, `apr_…`."),
        ("wait" = Option<i64>, Query, description = "How many seconds to wait for the approval to end. If \
            the response still says `pending`, call again.", minimum = 0, maximum = 55),
    ),
    responses(
        (status = 200, description = "The approval.", body = ApprovalJson<'_>, examples(
            ("pending" = (summary = "Still pending", value = json!(examples::pending()))),
            ("approved" = (summary = "The user approved", value = json!(examples::approved()))),
            ("edited" = (summary = "The user changed an argument and approved", value = json!(examples::edited()))),
            ("denied" = (summary = "The user denied", value = json!(examples::denied()))),
        )),
        OneApproval,
    ),
    security(("api_key" = ["read"])),
)]
pub async fn get(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let began = Instant::now();
    let caller = auth::caller(&api, &headers, KeyScope::Read).await?;
    let mut query = Query::read(query.as_deref());
    let wait = query.number("wait", 0..=LONGEST)?.unwrap_or(0);
    query.finish()?;
    let id = crate::api::approvals::id::parse(&id)?;
    let wait = Duration::from_secs(wait.try_into().unwrap_or_default());
    if wait.is_zero() {
        let approval = read::approval(&api.service.db, &caller, id).await?;
        return Ok(Json(ApprovalJson::from(&approval)).into_response());
    }
    match waiting::begin(&api, caller, id).await? {
        Begun::Over(approval) => Ok(Json(ApprovalJson::from(&*approval)).into_response()),
        Begun::Pending(_, mut waiting) => Ok(Later::response(async move {
            let ended = waiting.ended(began + wait).await.map_err(Problem::from);
            ended.map(|approval| Json(ApprovalJson::from(&*approval)).into_response()).into_response()
        })),
    }
}
