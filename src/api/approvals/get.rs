//! `GET /v1/approvals/{id}?wait=SECONDS`: the approval, at once or as soon as it has ended.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use super::waiting;
use crate::{
    api::{Api, auth, problem::Problem, query::Query},
    service::read,
    wire::ApprovalJson,
};

/// The longest wait, in seconds: below the minute after which proxies cut a silent connection.
const LONGEST: i64 = 55;

/// Answers with the approval. With `wait`, an answer may take that long, and may say `pending` all the same.
pub async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let wait = query.number("wait", 0..=LONGEST)?.unwrap_or(0);
    query.finish()?;
    let id = super::id(&id)?;
    let approval = match u64::try_from(wait) {
        Ok(seconds) if seconds > 0 => {
            let ended = waiting::until_ended(&api, caller, id);
            match tokio::time::timeout(Duration::from_secs(seconds), ended).await {
                Ok(ended) => ended?,
                Err(_) => read::approval(&api.service, caller, id).await?,
            }
        }
        _ => read::approval(&api.service, caller, id).await?,
    };
    Ok(Json(ApprovalJson::from(&approval)).into_response())
}
