//! `GET /v1/admin/delegations`: who decides for whom.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{
        auth,
        page::Page,
        problem::{Problem, responses::AdminListing},
        query::Query,
        state::Api,
    },
    domain::{
        delegations::Delegation,
        ids::{DelegationId, UserId},
    },
    service::delegations,
    wire::{self, examples, schema},
};

/// A person decides another's approvals until a time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delegation)]
pub struct DelegationJson {
    #[schema(schema_with = schema::delegation_id)]
    id: DelegationId,
    /// The Slack id of the user whose approvals they are.
    user: String,
    /// The Slack id of the person who may decide them.
    delegate: String,
    /// Why, in the user's words.
    #[schema(required)]
    reason: Option<String>,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "wire::time")]
    began_at: DateTime<Utc>,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "wire::time")]
    until: DateTime<Utc>,
}

impl From<Delegation> for DelegationJson {
    fn from(delegation: Delegation) -> Self {
        Self {
            id: delegation.id,
            user: delegation.user.to_string(),
            delegate: delegation.delegate.to_string(),
            reason: delegation.reason.map(|reason| reason.as_str().to_owned()),
            began_at: delegation.began_at,
            until: delegation.until,
        }
    }
}

/// Responds with a page of the workspace's live delegations.
#[utoipa::path(
    get, path = "/v1/admin/delegations", operation_id = "list_delegations", tag = "administration",
    summary = "List the live delegations, newest first",
    params(
        ("user" = Option<String>, Query, description = "Only those that this Slack user gave or received.", pattern = "^[UW][A-Z0-9]{1,29}$"),
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of delegations.", body = Page<DelegationJson>, example = json!(examples::delegations())), AdminListing),
    security(("admin_key" = [])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let user = query.text("user", |text| UserId::parse(text).ok_or("must be a Slack user id (U…)"))?;
    let before = query.cursor(|text| text.parse().ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let workspace = caller.workspace();
    let found = delegations::list(&api.service, workspace, user.as_ref(), before, limit + 1).await?;
    let page = Page::cut(found, limit, |last| last.id.to_string());
    Ok(Json(page.map(DelegationJson::from)).into_response())
}
