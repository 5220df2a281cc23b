//! `GET /v1/admin/pauses`: what is paused.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{
        auth,
        page::Page,
        problem::{Problem, responses::AdminListing},
        query::Query,
        state::Api,
    },
    domain::{
        ids::{BackendId, PauseId},
        overview::PauseLine,
    },
    service::pauses,
    wire::{self, examples, schema},
};

/// A backend or an agent of which nothing is approved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pause)]
pub struct PauseJson {
    #[schema(schema_with = schema::pause_id)]
    id: PauseId,
    /// The backend. `null`: the agent with this id of every backend.
    #[schema(required, schema_with = schema::maybe_backend_id)]
    backend: Option<BackendId>,
    #[schema(required)]
    backend_name: Option<String>,
    /// The backend's id for the agent. `null`: the whole backend.
    #[schema(required)]
    agent: Option<String>,
    /// `held`: its requests wait and can only be denied. `denied`: new ones are denied at once, and those that wait are
    /// held.
    #[schema(schema_with = schema::paused_requests)]
    requests: &'static str,
    reason: String,
    paused_by: PausedByJson,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "wire::time")]
    paused_at: DateTime<Utc>,
}

/// Who paused something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PausedBy)]
struct PausedByJson {
    /// `user`: an admin in Slack. `operator`: the person at the command line, or a program with an admin key.
    kind: &'static str,
    /// The Slack id of the admin, or the name and id of the key. `null` for the person at the command line.
    #[schema(required)]
    id: Option<String>,
}

impl From<PauseLine> for PauseJson {
    fn from(line: PauseLine) -> Self {
        let PauseLine { pause, backend } = line;
        Self {
            id: pause.id,
            backend: pause.target.backend(),
            backend_name: backend,
            agent: pause.target.agent().map(|agent| agent.as_str().to_owned()),
            requests: pause.requests.as_str(),
            reason: pause.reason.as_str().to_owned(),
            paused_by: PausedByJson { kind: pause.by.kind(), id: pause.by.id() },
            paused_at: pause.at,
        }
    }
}

/// Responds with a page of what is paused in the workspace.
#[utoipa::path(
    get, path = "/v1/admin/pauses", operation_id = "list_pauses", tag = "administration",
    summary = "List the agents and backends that are paused, oldest first",
    params(
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of pauses.", body = Page<PauseJson>, example = json!(examples::pauses())), AdminListing),
    security(("admin_key" = [])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let after: Option<PauseId> = query.cursor(|text| text.parse().ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let most = usize::try_from(limit).unwrap_or_default().saturating_add(1);
    let mut all = pauses::list(&api.service, caller.workspace()).await?;
    all.sort_unstable_by_key(|line| line.pause.id);
    let found = all.into_iter().filter(|line| after.is_none_or(|after| line.pause.id > after)).take(most);
    let page = Page::cut(found.collect(), limit, |last| last.pause.id.to_string());
    Ok(Json(page.map(PauseJson::from)).into_response())
}
