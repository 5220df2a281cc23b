//! `POST /v1/conversations/{id}/close`: the run is over, and its grants stop.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};

use super::{
    Api, auth,
    problem::{Kind, Problem},
};
use crate::{
    domain::{Rejection, text::ForeignId},
    service::close_conversation,
};

/// Answers 204, also when it was closed before.
pub async fn close(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = auth::caller(&api, &headers).await?;
    let id =
        ForeignId::new(id).map_err(|_| Problem::of(Kind::NotFound(Rejection::UnknownConversation.code())))?;
    close_conversation::close(&api.service, caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
