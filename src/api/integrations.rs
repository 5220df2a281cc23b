//! `/v1/integrations`: what agents use and what they do with it.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery, State, rejection::BytesRejection},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{
    Api, auth,
    fields::{self, Fields},
    page::Page,
    problem::{Kind, Problem},
    query::Query,
};
use crate::{
    domain::{
        Rejection,
        audit::Actor,
        text::{ActionKey, IntegrationKey, Link, Name, Prose},
    },
    service::{
        put_integration::{self, Catalog, CatalogAction, Stored},
        read,
    },
};

/// The most actions that an integration may have.
const MOST_ACTIONS: usize = 500;

/// `PUT /v1/integrations/{key}`: the whole integration. What is left out is retired; locks stay as they are.
pub async fn put(
    State(api): State<Api>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers).await?;
    let key = IntegrationKey::new(key).map_err(|fault| Problem::parameter("key", fault.to_string()))?;
    let mut faults = Vec::new();
    let mut fields = Fields::new(fields::object(&headers, body)?, &mut faults);
    let catalog = read_catalog(&mut fields);
    fields.finish();
    let catalog = match catalog {
        Some(catalog) if faults.is_empty() => catalog,
        _ => return Err(Problem::invalid(faults)),
    };
    let actor = Actor::Backend(caller.backend);
    let stored = put_integration::put(&api.service, caller.workspace, &actor, &key, &catalog).await?;
    Ok(Json(describe(&stored)).into_response())
}

/// `GET /v1/integrations/{key}`.
pub async fn get(
    State(api): State<Api>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers).await?;
    let key = self::key(key)?;
    let stored = read::integration(&api.service, caller, &key).await?;
    Ok(Json(describe(&stored)).into_response())
}

/// `GET /v1/integrations`, in the order of their keys.
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let after = query.cursor(|text| IntegrationKey::new(text).ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let after = after.as_ref().map(IntegrationKey::as_str);
    let found = read::integrations(&api.service, caller, after, limit + 1).await?;
    let page = Page::cut(found, limit, |(last, _)| last.key.clone());
    Ok(Json(page.map(|stored| describe(&stored))).into_response())
}

/// Reads an integration's key from a path. What is no key names no integration.
pub(super) fn key(text: String) -> Result<IntegrationKey, Problem> {
    IntegrationKey::new(text).map_err(|_| Problem::of(Kind::NotFound(Rejection::UnknownIntegration.code())))
}

fn describe((integration, actions): &Stored) -> Value {
    let actions: Vec<Value> = actions
        .iter()
        .map(|action| {
            json!({
                "key": action.key,
                "name": action.name,
                "description": action.description,
                "read_only": action.read_only,
                "destructive": action.destructive,
                "unlocked": action.unlocked_at.is_some(),
            })
        })
        .collect();
    json!({
        "key": integration.key,
        "name": integration.name,
        "description": integration.description,
        "requires_connection": integration.requires_connection,
        "connect_url": integration.connect_url,
        "actions": actions,
    })
}

fn read_catalog(fields: &mut Fields<'_>) -> Option<Catalog> {
    let name = fields.required_text("name", Name::new);
    let description = fields.text("description", Prose::new);
    let requires_connection = fields.flag("requires_connection", true);
    let connect_url = fields.text("connect_url", Link::new);
    fields.require("actions");
    let actions = fields.each("actions", |action| {
        let key = action.required_text("key", ActionKey::new);
        let name = action.required_text("name", Name::new);
        let description = action.text("description", Prose::new);
        let read_only = action.flag("read_only", false);
        let destructive = action.flag("destructive", false);
        Some(CatalogAction { key: key?, name: name?, description, read_only, destructive })
    });
    if actions.len() > MOST_ACTIONS {
        fields.fault("actions", format!("must be at most {MOST_ACTIONS}, these are {}", actions.len()));
    }
    for (index, action) in actions.iter().enumerate() {
        if actions[..index].iter().any(|other| other.key == action.key) {
            fields.fault("actions", format!("has the key `{}` twice", action.key));
        }
    }
    Some(Catalog { name: name?, description, requires_connection, connect_url, actions })
}
