//! `/v1/integrations`: the catalogue of integrations and their actions.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, RefOr, Schema},
};

use super::{
    auth,
    body::ApiBody,
    fields::{self, Field, Pointer, json_body},
    page::Page,
    path::Named,
    problem::{
        Fault, Kind, Missing, Problem,
        responses::{Listing, OneIntegration, PuttingIntegration},
    },
    query::Query,
};
use crate::{
    api::state::Api,
    domain::{
        api_keys::KeyScope,
        audit::Actor,
        catalog::MOST_ACTIONS,
        text::{ActionKey, IntegrationKey, Link, Name, Prose},
    },
    service::{
        put_integration::{self, Catalog, CatalogAction, Stored},
        read,
    },
    wire::examples,
};

/// `PUT /v1/integrations/{key}`: the whole integration. What is left out is retired; locks stay as they are.
#[utoipa::path(
    put, path = "/v1/integrations/{key}", operation_id = "put_integration", tag = "integrations",
    summary = "Describe an integration and all its actions",
    description = "The first backend to describe an integration owns it; others get 403, unless an operator shares or moves it. Actions that are left out are retired: their grants end, and they are locked if they return. Other actions keep their locks. If the description of an unlocked action changes, its grants are paused until an admin confirms the change.",
    params(("key" = String, Path, description = "The integration's key: letters, digits, `_` and `-`.")),
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
    let actor = Actor::Backend(caller.backend);
    let stored = put_integration::put(&api.service, caller.workspace, &actor, &key, &catalog).await?;
    Ok(Json(describe(stored)).into_response())
}

/// `GET /v1/integrations/{key}`.
#[utoipa::path(
    get, path = "/v1/integrations/{key}", operation_id = "get_integration", tag = "integrations",
    summary = "Read one integration of the workspace",
    params(("key" = String, Path, description = "The integration's key: letters, digits, `_` and `-`.")),
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
    let stored = read::integration(&api.service, caller, &key).await?;
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
    let found = read::integrations(&api.service, caller, after, limit + 1).await?;
    let page = Page::cut(found, limit, |(last, _)| last.key.clone());
    Ok(Json(page.map(describe)).into_response())
}

/// Parses an integration's key from a path. A malformed key is *not found*, like an unknown one.
pub(super) fn key(text: String) -> Result<IntegrationKey, Problem> {
    IntegrationKey::new(text).map_err(|_| Problem::new(Kind::NotFound(Missing::Integration)))
}

/// What an agent uses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Integration)]
pub struct IntegrationJson {
    key: String,
    name: String,
    #[schema(required)]
    description: Option<String>,
    /// Whether a user must have connected it before anything is auto-approved.
    requires_connection: bool,
    /// The address where users connect it.
    #[schema(required)]
    connect_url: Option<String>,
    actions: Vec<ActionJson>,
}

/// What an agent does with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Action)]
pub struct ActionJson {
    key: String,
    name: String,
    #[schema(required)]
    description: Option<String>,
    read_only: bool,
    destructive: bool,
    /// Whether an admin has unlocked it. A change of its description pauses grants until an admin confirms it.
    unlocked: bool,
}

fn describe((integration, actions): Stored) -> IntegrationJson {
    let actions = actions.into_iter().map(|action| ActionJson {
        key: action.key,
        name: action.name,
        description: action.description,
        read_only: action.read_only,
        destructive: action.destructive,
        unlocked: action.unlocked_at.is_some(),
    });
    IntegrationJson {
        key: integration.key,
        name: integration.name,
        description: integration.description,
        requires_connection: integration.requires_connection,
        connect_url: integration.connect_url,
        actions: actions.collect(),
    }
}

json_body! {
    /// The whole integration. What is left out is retired.
    pub struct CatalogBody as "IntegrationBody" {
        name: Name,
        description: Option<Prose>,
        /// Whether a user must have connected it before anything is auto-approved. Default: `true`.
        requires_connection: Option<bool>,
        /// The address where users connect it: an absolute http or https URL.
        connect_url: Option<Link>,
        actions: Actions,
    }

    /// An action of an integration. A new one is locked.
    pub struct CatalogActionBody as "ActionBody" {
        key: ActionKey,
        name: Name,
        description: Option<Prose>,
        /// Whether the action changes nothing. Default: `false`.
        read_only: Option<bool>,
        /// Whether the action deletes or overwrites data. Default: `false`.
        destructive: Option<bool>,
    }
}

/// The actions of an integration: of limited number, and with unique keys.
#[derive(Debug)]
struct Actions(Vec<CatalogActionBody>);

impl Field for Actions {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let actions: Vec<CatalogActionBody> = Vec::read(value, at, faults)?;
        if actions.len() > usize::from(MOST_ACTIONS) {
            faults.push(at.fault(format!("must have at most {MOST_ACTIONS} items; got {}", actions.len())));
        }
        for (index, action) in actions.iter().enumerate() {
            if actions[..index].iter().any(|other| other.key == action.key) {
                faults.push(at.fault(format!("has a duplicate key: `{}`", action.key)));
            }
        }
        Some(Self(actions))
    }

    fn schema() -> RefOr<Schema> {
        let items = CatalogActionBody::schema();
        ArrayBuilder::new().items(items).max_items(Some(MOST_ACTIONS.into())).into()
    }

    fn components(found: &mut Vec<(String, RefOr<Schema>)>) {
        CatalogActionBody::components(found);
    }
}

impl From<CatalogBody> for Catalog {
    fn from(body: CatalogBody) -> Self {
        let actions = body.actions.0.into_iter().map(|action| CatalogAction {
            key: action.key,
            name: action.name,
            description: action.description,
            read_only: action.read_only.unwrap_or(false),
            destructive: action.destructive.unwrap_or(false),
        });
        Self {
            name: body.name,
            description: body.description,
            requires_connection: body.requires_connection.unwrap_or(true),
            connect_url: body.connect_url,
            actions: actions.collect(),
        }
    }
}
