//! `POST /v1/admin/delegations/{id}/end`.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
};

use crate::{
    api::{
        auth,
        path::Named,
        problem::{Kind, Missing, Problem, responses::EndingDelegation},
        state::Api,
    },
    domain::ids::DelegationId,
    service::delegations,
};

/// Responds with 204, also if the delegation had ended before.
#[utoipa::path(
    post, path = "/v1/admin/delegations/{id}/end", operation_id = "end_delegation", tag = "administration",
    summary = "End a delegation",
    description = "From the response on, the delegate decides none of the user's approvals. Both get a message.",
    params(("id" = String, Path, description = "The delegation, `dlg_…`.")),
    responses((status = 204, description = "The delegation has ended, by this call or earlier."), EndingDelegation),
    security(("admin_key" = [])),
)]
pub async fn end(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let id: DelegationId = id.parse().map_err(|_| Problem::new(Kind::NotFound(Missing::Delegation)))?;
    delegations::end_by_operator(&api.service, caller.workspace(), id, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
