//! `GET /v1/approvals?status=&user=&conversation=&limit=&cursor=`: newest first.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use crate::{
    api::{Api, auth, page::Page, problem::Problem, query::Query},
    domain::{
        approvals::Status,
        ids::{ApprovalId, UserId},
    },
    service::read,
    storage::approvals::Filter,
    wire::ApprovalJson,
};

/// Answers a page of this backend's approvals.
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let status = query.text("status", |text| {
        Status::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .map(|_| text.to_owned())
            .ok_or("must be pending, approved, denied, expired, cancelled or undeliverable")
    })?;
    let user = query.text("user", |text| UserId::parse(text).ok_or("must be a Slack user id (U…)"))?;
    let conversation = query.text("conversation", |text| Ok(text.to_owned()))?;
    let before: Option<ApprovalId> = query.cursor(|text| text.parse().ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let filter = Filter { status, user, conversation, before };
    let approvals = read::approvals(&api.service, caller, &filter, limit + 1).await?;
    let page = Page::cut(approvals, limit, |last| last.id().to_string());
    Ok(Json(page.as_ref().map(ApprovalJson::from)).into_response())
}
