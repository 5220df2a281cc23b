//! `POST /v1/admin/actions/{integration}/{action}/lock`.

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
        problem::{Problem, responses::Locking},
        state::Api,
    },
    service::actions as service,
    wire::examples,
};

/// Responds with the action as it is then.
#[utoipa::path(
    post, path = "/v1/admin/actions/{integration}/{action}/lock", operation_id = "lock_action", tag = "administration",
    summary = "Stop users from auto-approving an action",
    description = "From the response on, every request for the action asks. Its grants end, and do not come back when \
        it is unlocked again. Repeating it changes nothing.",
    params(
        ("integration" = String, Path, description = "The integration's key."),
        ("action" = String, Path, description = "The action's key."),
    ),
    responses((status = 200, description = "The action, locked by this call or earlier.", body = ActionJson, example = json!(examples::locked_action())), Locking),
    security(("admin_key" = [])),
)]
pub async fn lock(
    State(api): State<Api>,
    Named((integration, action)): Named<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let (integration, action) = actions::keys(integration, action)?;
    let found = service::lock(&api.service, &caller, (&integration, &action)).await?;
    Ok(Json(ActionJson::from(found)).into_response())
}
