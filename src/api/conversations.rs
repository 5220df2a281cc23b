//! `POST /v1/conversations/{id}/close`: the run is over, and its grants end.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
};

use super::{
    auth,
    path::Named,
    problem::{Kind, Missing, Problem, responses::Closing},
};
use crate::{
    api::state::Api,
    domain::{api_keys::KeyScope, text::ForeignId},
    service::close_conversation,
};

/// Responds with 204, also if the conversation was closed before.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/close", operation_id = "close_conversation", tag = "conversations",
    summary = "End a conversation",
    description = "Ends the conversation's grants. A later request in the conversation reopens it, without \
        those grants.",
    params(("id" = String, Path, description = "The backend's id for the conversation.")),
    responses((status = 204, description = "The conversation is closed, by this call or an earlier one."), Closing),
    security(("api_key" = ["ask"])),
)]
pub async fn close(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Ask).await?;
    let id = ForeignId::new(id).map_err(|_| Problem::new(Kind::NotFound(Missing::Conversation)))?;
    close_conversation::close(&api.service, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
