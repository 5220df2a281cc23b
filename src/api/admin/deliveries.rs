//! `GET /v1/admin/backends/{backend}/webhook-deliveries`.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use crate::{
    api::{
        auth,
        deliveries::DeliveryJson,
        page::Page,
        path::Named,
        problem::{Kind, Missing, Problem, responses::ListingDeliveries},
        query::Query,
        state::Api,
    },
    domain::ids::BackendId,
    service::{
        failing_webhooks,
        read::{DeliveryFilter, DeliveryState},
    },
    wire::examples,
};

/// Responds with a page of the webhooks to a backend of the workspace.
#[utoipa::path(
    get, path = "/v1/admin/backends/{backend}/webhook-deliveries", operation_id = "list_backend_deliveries", tag = "administration",
    summary = "List the webhooks sent to a backend, newest first",
    params(
        ("backend" = String, Path, description = "The backend, `bck_…`."),
        ("status" = Option<String>, Query, description = "Only deliveries that are `pending`, `delivered` or \
            `dead`: given up.", pattern = "^(pending|delivered|dead)$"),
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of deliveries.", body = Page<DeliveryJson>, example = json!(examples::deliveries())), ListingDeliveries),
    security(("admin_key" = [])),
)]
pub async fn list(
    State(api): State<Api>,
    Named(backend): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let state = query.text("status", |text| {
        let found = DeliveryState::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or("must be pending, delivered or dead")
    })?;
    let before = query.cursor(|text| text.parse().ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let backend = self::backend(&backend).ok_or(Problem::new(Kind::NotFound(Missing::Backend)))?;
    let filter = DeliveryFilter { state, before, ..DeliveryFilter::default() };
    let found = failing_webhooks::deliveries(&api.service, &caller, backend, &filter, limit + 1).await?;
    let page = Page::cut(found, limit, |last| last.id.to_string());
    Ok(Json(page.map(DeliveryJson::from)).into_response())
}

/// Parses a backend's id in a path. A malformed id is *not found*, like an unknown one.
pub(super) fn backend(text: &str) -> Option<BackendId> {
    text.parse().ok()
}
