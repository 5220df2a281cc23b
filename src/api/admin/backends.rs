//! `GET /v1/admin/backends`: the backends of the workspace, and whether their webhooks get through.

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
    domain::ids::BackendId,
    service::failing_webhooks::{self, BackendHealth},
    wire::{self, examples, schema},
};

/// A backend, and whether its webhooks get through.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backend)]
pub struct BackendJson {
    #[schema(schema_with = schema::backend_id)]
    id: BackendId,
    name: String,
    /// Whether it has a webhook endpoint.
    has_webhook_endpoint: bool,
    /// Since when every webhook to it has failed.
    #[schema(required, schema_with = schema::maybe_time)]
    #[serde(serialize_with = "wire::maybe_time")]
    webhook_failing_since: Option<DateTime<Utc>>,
    /// When its deliveries were stopped, because its endpoint failed for too long or said that it is gone.
    #[schema(required, schema_with = schema::maybe_time)]
    #[serde(serialize_with = "wire::maybe_time")]
    webhook_stopped_at: Option<DateTime<Utc>>,
    /// Since when it may no longer ask.
    #[schema(required, schema_with = schema::maybe_time)]
    #[serde(serialize_with = "wire::maybe_time")]
    disabled_at: Option<DateTime<Utc>>,
}

impl From<BackendHealth> for BackendJson {
    fn from(backend: BackendHealth) -> Self {
        Self {
            id: backend.id,
            name: backend.name,
            has_webhook_endpoint: backend.has_endpoint,
            webhook_failing_since: backend.failing_since,
            webhook_stopped_at: backend.stopped_at,
            disabled_at: backend.disabled_at,
        }
    }
}

/// Responds with a page of the workspace's backends.
#[utoipa::path(
    get, path = "/v1/admin/backends", operation_id = "list_backends", tag = "administration",
    summary = "List the backends and whether their webhooks get through, oldest first",
    params(
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of backends.", body = Page<BackendJson>, example = json!(examples::backends())), AdminListing),
    security(("admin_key" = [])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let after = query.cursor(|text| text.parse().ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let found = failing_webhooks::backends(&api.service, &caller, after, limit + 1).await?;
    let page = Page::cut(found, limit, |last| last.id.to_string());
    Ok(Json(page.map(BackendJson::from)).into_response())
}
