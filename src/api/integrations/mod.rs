//! `/v1/integrations`: the catalogue of integrations and their actions.

mod body;
mod json;
mod members;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use self::json::describe;
pub use self::{
    body::{CatalogActionBody, CatalogBody, FieldBody},
    json::{ActionJson, FieldJson, IntegrationJson, RiskName, UnlockedForName},
};
use super::{
    auth,
    body::ApiBody,
    fields,
    page::Page,
    path::Named,
    problem::{
        Kind, Missing, Problem,
        responses::{Listing, OneIntegration, PuttingIntegration},
    },
    query::Query,
};
use crate::{
    api::state::Api,
    domain::{api_keys::KeyScope, text::IntegrationKey},
    service::{put_integration, read},
    wire::examples,
};

/// `PUT /v1/integrations/{key}`: the whole integration. What is left out is retired; locks stay as they are.
#[utoipa::path(
    put, path = "/v1/integrations/{key}", operation_id = "put_integration", tag = "integrations",
    summary = "Describe an integration and all its actions",
    description = "The first backend to describe an integration owns it; others get 403, unless an operator shares or moves it. Actions that are left out are retired: their grants end, and they come back locked. Other actions keep their locks. If the description of an unlocked action changes, its grants are paused until an admin confirms the change.",
    params(("key" = String, Path, description = "The integration's key: parts of letters, digits, `_` and `-`, separated by dots.")),
    request_body(content = CatalogBody, example = json!(examples::catalog())),
    responses((status = 200, description = "The integration.", body = IntegrationJson, example = json!(examples::integration())), PuttingIntegration),
    security(("api_key" = ["catalog"])),
)]
pub async fn put(
    State(api): State<Api>,
    Named(key): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Catalog).await?;
    let key = IntegrationKey::new(key).map_err(|fault| Problem::parameter("key", fault.to_string()))?;
    let body: CatalogBody = fields::read(fields::object(&headers, body)?)?;
    let catalog = body.into();
    let stored = put_integration::put_for(&api.service, &caller, &key, &catalog).await?;
    Ok(Json(describe(stored)).into_response())
}

/// `GET /v1/integrations/{key}`.
#[utoipa::path(
    get, path = "/v1/integrations/{key}", operation_id = "get_integration", tag = "integrations",
    summary = "Read one integration of the workspace",
    params(("key" = String, Path, description = "The integration's key: parts of letters, digits, `_` and `-`, separated by dots.")),
    responses((status = 200, description = "The integration.", body = IntegrationJson, example = json!(examples::integration())), OneIntegration),
    security(("api_key" = ["read"])),
)]
pub async fn get(
    State(api): State<Api>,
    Named(key): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Read).await?;
    let key = self::key(key)?;
    let stored = read::integration(&api.service, &caller, &key).await?;
    Ok(Json(describe(stored)).into_response())
}

/// `GET /v1/integrations`, in the order of their keys.
#[utoipa::path(
    get, path = "/v1/integrations", operation_id = "list_integrations", tag = "integrations",
    summary = "List the workspace's integrations, ordered by key",
    params(
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of integrations.", body = Page<IntegrationJson>, example = json!(examples::integrations())), Listing),
    security(("api_key" = ["read"])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers, KeyScope::Read).await?;
    let mut query = Query::read(query.as_deref());
    let after = query.cursor(|text| IntegrationKey::new(text).ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let after = after.as_ref().map(IntegrationKey::as_str);
    let found = read::integrations(&api.service, &caller, after, limit + 1).await?;
    let page = Page::cut(found, limit, |(last, _)| last.key.clone());
    Ok(Json(page.map(describe)).into_response())
}

/// Parses an integration's key from a path. A malformed key is *not found*, like an unknown one.
pub(super) fn key(text: String) -> Result<IntegrationKey, Problem> {
    IntegrationKey::new(text).map_err(|_| Problem::new(Kind::NotFound(Missing::Integration)))
}
