//! `POST /v1/admin/pauses/{id}/resume`.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
};

use crate::{
    api::{
        auth,
        path::Named,
        problem::{Kind, Missing, Problem, responses::Resuming},
        state::Api,
    },
    domain::ids::PauseId,
    service::pauses,
};

/// Responds with 204.
#[utoipa::path(
    post, path = "/v1/admin/pauses/{id}/resume", operation_id = "end_pause", tag = "administration",
    summary = "Resume an agent or a backend",
    description = "From the response on, its requests can be approved again, and auto-approvals that were given before \
        hold again. Another pause that covers it stays. Repeating it responds with 404: the pause has ended.",
    params(("id" = String, Path, description = "The pause, `pau_…`.")),
    responses((status = 204, description = "It is resumed."), Resuming),
    security(("admin_key" = [])),
)]
pub async fn resume(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let id: PauseId = id.parse().map_err(|_| Problem::new(Kind::NotFound(Missing::Pause)))?;
    pauses::resume(&api.service, caller.workspace(), id, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
