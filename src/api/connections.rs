//! `PUT` and `DELETE /v1/users/{user}/connections/{integration}`: this user connected or disconnected it.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};

use super::{Api, auth, integrations, problem::Problem};
use crate::{
    domain::ids::UserId,
    service::connect::{self, Report},
};

/// Answers 204: the user has it connected.
pub async fn connect(
    State(api): State<Api>,
    Path((user, integration)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    report(&api, &headers, &user, integration, Report::Connected).await
}

/// Answers 204: the user has it no longer, and what they allowed for it has ended.
pub async fn disconnect(
    State(api): State<Api>,
    Path((user, integration)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    report(&api, &headers, &user, integration, Report::Disconnected).await
}

async fn report(
    api: &Api,
    headers: &HeaderMap,
    user: &str,
    integration: String,
    report: Report,
) -> Result<StatusCode, Problem> {
    let caller = auth::caller(api, headers).await?;
    let user =
        UserId::parse(user).ok_or_else(|| Problem::parameter("user", "must be a Slack user id (U…)"))?;
    let key = integrations::key(integration)?;
    connect::connect(&api.service, caller, &user, &key, report).await?;
    Ok(StatusCode::NO_CONTENT)
}
