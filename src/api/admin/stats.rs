//! `GET /v1/admin/stats`: who approves so much that they may no longer look.

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
        problem::{Problem, responses::AdminListing},
        query::Query,
        state::Api,
    },
    domain::fatigue::{Advice, PersonFigures, QUICK_SECONDS},
    service::fatigue,
    wire::{examples, schema},
};

/// Figures of those who approve most manually.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stats)]
pub struct StatsJson {
    /// An approval within so many seconds of its prompt counts as quick.
    #[schema(minimum = 0)]
    quick_seconds: i64,
    /// The people, those who approve most first.
    data: Vec<PersonJson>,
}

/// What a person approved manually.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonStats)]
pub struct PersonJson {
    /// Their Slack id.
    user: String,
    approved_last_7_days: u64,
    approved_last_30_days: u64,
    /// They approved more than was counted.
    is_lower_bound: bool,
    /// How many of the newest approvals were looked at for the following.
    sampled: u64,
    /// The percentage of quick approvals; `null`: too few to tell.
    #[schema(required)]
    quick_percent: Option<u64>,
    /// The action that they approve most, as `salesforce.create_record`.
    #[schema(required)]
    most_frequent_action: Option<String>,
    /// What could help: `unlock` that action; `auto_approve` it, which the person could do; `confirm` its changed
    /// description; `review` what agents do.
    #[schema(required, schema_with = schema::maybe_advice)]
    advice: Option<&'static str>,
}

impl From<PersonFigures> for PersonJson {
    fn from(figures: PersonFigures) -> Self {
        Self {
            approved_last_7_days: figures.last_week,
            approved_last_30_days: figures.last_month,
            is_lower_bound: figures.is_more,
            sampled: figures.sampled,
            quick_percent: figures.quick_percent(),
            advice: figures.advice().map(Advice::as_str),
            most_frequent_action: figures.most.map(|most| most.path),
            user: figures.user.to_string(),
        }
    }
}

/// Responds with the figures.
#[utoipa::path(
    get, path = "/v1/admin/stats", operation_id = "get_stats", tag = "administration",
    summary = "Read who approves most manually, and how quickly",
    params(("limit" = Option<i64>, Query, description = "How many people. Default: 50.", minimum = 1, maximum = 100)),
    responses((status = 200, description = "The figures.", body = StatsJson, example = json!(examples::stats())), AdminListing),
    security(("admin_key" = [])),
)]
pub async fn get(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let limit = query.limit()?;
    query.finish()?;
    let figures = fatigue::of_workspace(&api.service, caller.workspace(), limit).await?;
    let data = figures.into_iter().map(PersonJson::from).collect();
    Ok(Json(StatsJson { quick_seconds: QUICK_SECONDS, data }).into_response())
}
