//! `GET /v1/approvals?status=&user=&conversation=&limit=&cursor=`: newest first.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use crate::{
    api::{
        auth,
        page::Page,
        problem::{Problem, responses::Listing},
        query::Query,
        state::Api,
    },
    domain::{
        api_keys::KeyScope,
        approvals::Status,
        ids::{ApprovalId, UserId},
    },
    service::read::{self, Filter},
    wire::{ApprovalJson, examples},
};

/// Responds with a page of this backend's approvals.
#[utoipa::path(
    get, path = "/v1/approvals", operation_id = "list_approvals", tag = "approvals",
    summary = "List this backend's approvals, newest first",
    params(
        ("status" = Option<String>, Query, description = "Only approvals with this status.", pattern = "^(pending|approved|denied|expired|cancelled|undeliverable)$"),
        ("user" = Option<String>, Query, description = "Only approvals for this user, by Slack user id.", pattern = "^[UW][A-Z0-9]{1,29}$"),
        ("conversation" = Option<String>, Query, description = "Only approvals in this conversation."),
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of approvals.", body = Page<ApprovalJson<'_>>, example = json!(examples::approvals())), Listing),
    security(("api_key" = ["read"])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers, KeyScope::Read).await?;
    let mut query = Query::read(query.as_deref());
    let status = query.text("status", |text| {
        Status::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or("must be pending, approved, denied, expired, cancelled or undeliverable")
    })?;
    let user = query.text("user", |text| UserId::parse(text).ok_or("must be a Slack user id (U…)"))?;
    let conversation = query.text("conversation", |text| Ok(text.to_owned()))?;
    let before: Option<ApprovalId> = query.cursor(|text| text.parse().ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let filter = Filter { status, user, conversation, before };
    let approvals = read::approvals(&api.service, &caller, &filter, limit + 1).await?;
    let page = Page::cut(approvals, limit, |last| last.id().to_string());
    Ok(Json(page.as_ref().map(ApprovalJson::from)).into_response())
}
