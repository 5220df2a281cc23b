//! `POST /v1/admin/integrations/{key}/unlock-read-only`.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{
        auth,
        body::ApiBody,
        fields::{self, json_body},
        integrations,
        path::Named,
        problem::{Problem, responses::UnlockingReadOnly},
        state::Api,
    },
    domain::catalog::UnlockedFor,
    service::bulk_unlock,
    wire::examples,
};

json_body! {
    /// What users may allow for the actions.
    pub struct UnlockReadOnlyBody as "UnlockReadOnlyBody" {
        /// `conversations`: grants for one conversation. `always`: also grants for every conversation.
        unlocked_for: UnlockedFor,
    }
}

/// What was unlocked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnlockedReadOnly)]
pub struct UnlockedReadOnlyJson {
    /// How many actions this call unlocked.
    #[schema(minimum = 0)]
    unlocked: usize,
    /// How many were left as they are, because they changed after they were read.
    #[schema(minimum = 0)]
    left_out: usize,
}

/// Responds with how many actions were unlocked.
#[utoipa::path(
    post, path = "/v1/admin/integrations/{key}/unlock-read-only", operation_id = "unlock_read_only_actions", tag = "administration",
    summary = "Unlock the read-only actions of an integration",
    description = "Unlocks all locked actions that their backend declares as read-only. Those that declare nothing, or \
        run any command, stay locked. Repeating it changes nothing.",
    params(("key" = String, Path, description = "The integration's key.")),
    request_body(content = UnlockReadOnlyBody, example = json!(examples::unlock_read_only())),
    responses((status = 200, description = "They are unlocked.", body = UnlockedReadOnlyJson, example = json!(examples::unlocked_read_only())), UnlockingReadOnly),
    security(("admin_key" = [])),
)]
pub async fn unlock(
    State(api): State<Api>,
    Named(key): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let key = integrations::key(key)?;
    let body: UnlockReadOnlyBody = fields::read(fields::object(&headers, body)?)?;
    let (workspace, actor) = (caller.workspace(), caller.actor());
    let (done, _) = bulk_unlock::all(&api.service, workspace, &key, body.unlocked_for, &actor).await?;
    Ok(Json(UnlockedReadOnlyJson { unlocked: done.unlocked, left_out: done.left_out }).into_response())
}
