//! `PUT` and `DELETE /v1/users/{user}/connections/{integration}`: a backend reports that the user connected or
//! disconnected an integration.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
};

use super::{
    auth, integrations,
    path::Named,
    problem::{Problem, responses::Connecting},
};
use crate::{
    api::state::Api,
    domain::{api_keys::KeyScope, ids::UserId},
    service::{
        authenticate::Caller,
        connect::{self, Report},
    },
};

/// Responds with 204: the user has connected the integration.
#[utoipa::path(
    put, path = "/v1/users/{user}/connections/{integration}", operation_id = "connect_user", tag = "integrations",
    summary = "Report that a user has connected an integration",
    params(
        ("user" = String, Path, description = "The user's Slack id.", pattern = "^[UW][A-Z0-9]{1,29}$"),
        ("integration" = String, Path, description = "The integration's key."),
    ),
    responses((status = 204, description = "The connection is recorded."), Connecting),
    security(("api_key" = ["connections"])),
)]
pub async fn connect(
    State(api): State<Api>,
    Named((user, integration)): Named<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Connections).await?;
    report(&api, &caller, &user, integration, Report::Connected).await
}

/// Responds with 204: the user has disconnected the integration, and their grants for it have ended.
#[utoipa::path(
    delete, path = "/v1/users/{user}/connections/{integration}", operation_id = "disconnect_user", tag = "integrations",
    summary = "Report that a user has disconnected an integration",
    params(
        ("user" = String, Path, description = "The user's Slack id.", pattern = "^[UW][A-Z0-9]{1,29}$"),
        ("integration" = String, Path, description = "The integration's key."),
    ),
    responses((status = 204, description = "The connection is removed, and the user's grants for the \
        integration have ended."), Connecting),
    security(("api_key" = ["connections"])),
)]
pub async fn disconnect(
    State(api): State<Api>,
    Named((user, integration)): Named<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Connections).await?;
    report(&api, &caller, &user, integration, Report::Disconnected).await
}

async fn report(
    api: &Api,
    caller: &Caller,
    user: &str,
    integration: String,
    report: Report,
) -> Result<StatusCode, Problem> {
    let user =
        UserId::parse(user).ok_or_else(|| Problem::parameter("user", "must be a Slack user id (U…)"))?;
    let key = integrations::key(integration)?;
    connect::connect(&api.service, caller, &user, &key, report).await?;
    Ok(StatusCode::NO_CONTENT)
}
