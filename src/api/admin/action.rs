//! `GET /v1/admin/actions/{integration}/{action}`.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use super::actions::{self, ActionJson};
use crate::{
    api::{
        auth,
        path::Named,
        problem::{Problem, responses::OneAction},
        state::Api,
    },
    service::actions as service,
    wire::examples,
};

/// Responds with one action and its lock.
#[utoipa::path(
    get, path = "/v1/admin/actions/{integration}/{action}", operation_id = "get_action", tag = "administration",
    summary = "Read an action and its lock",
    params(
        ("integration" = String, Path, description = "The integration's key."),
        ("action" = String, Path, description = "The action's key."),
    ),
    responses((status = 200, description = "The action.", body = ActionJson, example = json!(examples::action())), OneAction),
    security(("admin_key" = [])),
)]
pub async fn get(
    State(api): State<Api>,
    Named((integration, action)): Named<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let (integration, action) = actions::keys(integration, action)?;
    let found = service::find(&api.service, &caller, (&integration, &action)).await?;
    Ok(Json(ActionJson::from(found)).into_response())
}
