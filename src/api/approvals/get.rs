//! `GET /v1/approvals/{id}?wait=SECONDS`: the approval, at once or as soon as it has ended.

use std::{pin::pin, time::Duration};

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use crate::{
    api::{Api, auth, problem::Problem, query::Query},
    domain::{approvals::Approval, ids::ApprovalId},
    service::{Failure, authenticate::Caller, read},
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
        Ok(seconds) if seconds > 0 => wait_for(&api, caller, id, Duration::from_secs(seconds)).await?,
        _ => read::approval(&api.service, caller, id).await?,
    };
    Ok(Json(ApprovalJson::from(&approval)).into_response())
}

async fn wait_for(api: &Api, caller: Caller, id: ApprovalId, limit: Duration) -> Result<Approval, Failure> {
    let waiter = api.endings.subscribe(id);
    let mut deadline = pin!(tokio::time::sleep(limit));
    loop {
        let mut woken = pin!(waiter.woken());
        woken.as_mut().enable();
        let approval = read::approval(&api.service, caller, id).await?;
        if approval.decision.is_some() || api.stop.is_cancelled() {
            return Ok(approval);
        }
        tokio::select! {
            () = woken => {}
            () = api.stop.cancelled() => {}
            () = deadline.as_mut() => return read::approval(&api.service, caller, id).await,
        }
    }
}
