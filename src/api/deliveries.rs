//! `/v1/webhook-deliveries`: the webhooks to this backend, their attempts, and redelivery.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth,
    page::Page,
    path::Named,
    problem::{
        Kind, Missing, Problem,
        responses::{Listing, OneDelivery, Redelivering},
    },
    query::Query,
};
use crate::{
    api::state::Api,
    domain::{
        api_keys::KeyScope,
        ids::{ApprovalId, DeliveryId},
    },
    service::{
        read::{self, AttemptOutcome, Delivery, DeliveryFilter, DeliveryState, Noted},
        redeliver,
    },
    wire::{self, examples, schema},
};

/// A webhook to this backend.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryJson {
    /// The `webhook-id`.
    #[schema(schema_with = schema::delivery_id)]
    id: DeliveryId,
    #[schema(schema_with = schema::approval_id)]
    approval: ApprovalId,
    #[schema(schema_with = schema::event)]
    #[serde(rename = "type")]
    event: String,
    #[schema(schema_with = schema::delivery_status)]
    status: &'static str,
    /// How many attempts were made.
    #[schema(minimum = 0)]
    attempt_count: i32,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    /// Deliveries to the endpoint are stopped: this one waits until they resume, or until you redeliver it.
    paused: bool,
    /// When it is tried the next time; `null` if it isn't, or while it is paused.
    #[schema(required, schema_with = schema::maybe_time)]
    #[serde(serialize_with = "wire::maybe_time")]
    next_attempt_at: Option<DateTime<Utc>>,
    #[schema(required, schema_with = schema::maybe_time)]
    #[serde(serialize_with = "wire::maybe_time")]
    delivered_at: Option<DateTime<Utc>>,
    #[schema(required, schema_with = schema::maybe_time)]
    #[serde(serialize_with = "wire::maybe_time")]
    dead_at: Option<DateTime<Utc>>,
    /// What went wrong last.
    #[schema(required)]
    last_error: Option<String>,
    /// The host of the request's `callback_url`, if this went there; `null` for your endpoint.
    #[schema(required)]
    callback_host: Option<String>,
}

/// A webhook to this backend with every attempt at it, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryWithAttempts)]
pub struct DeliveryWithAttemptsJson {
    #[serde(flatten)]
    delivery: DeliveryJson,
    attempts: Vec<AttemptJson>,
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptJson {
    /// Counted from 1.
    #[schema(minimum = 1)]
    number: i32,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "wire::time")]
    started_at: DateTime<Utc>,
    took_ms: i64,
    #[schema(schema_with = schema::attempt_outcome)]
    outcome: &'static str,
    /// The HTTP status that came back.
    #[schema(required)]
    http_status: Option<i32>,
    /// What went wrong, or the start of the response.
    #[schema(required)]
    detail: Option<String>,
}

impl From<Delivery> for DeliveryJson {
    fn from(delivery: Delivery) -> Self {
        let state = delivery.state();
        Self {
            id: delivery.id,
            approval: delivery.approval,
            status: state.as_str(),
            attempt_count: delivery.attempts,
            created_at: delivery.created_at,
            paused: delivery.paused,
            next_attempt_at: Some(delivery.due_at)
                .filter(|_| state == DeliveryState::Pending && !delivery.paused),
            delivered_at: delivery.done_at,
            dead_at: delivery.dead_at,
            event: delivery.event,
            last_error: delivery.last_error,
            callback_host: delivery.callback_host,
        }
    }
}

impl From<Noted> for AttemptJson {
    fn from(attempt: Noted) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            took_ms: attempt.took_ms,
            outcome: match attempt.outcome {
                AttemptOutcome::Done => "delivered",
                AttemptOutcome::Later | AttemptOutcome::Dead => "failed",
            },
            http_status: attempt.http_status,
            detail: attempt.detail,
        }
    }
}

/// Responds with a page of this backend's deliveries.
#[utoipa::path(
    get, path = "/v1/webhook-deliveries", operation_id = "list_deliveries", tag = "webhook deliveries",
    summary = "List the webhooks sent to this backend, newest first",
    params(
        ("approval" = Option<String>, Query, description = "Only deliveries for this approval.", pattern = "^apr_[0-9a-f]{32}$"),
        ("status" = Option<String>, Query, description = "Only deliveries that are `pending`, `delivered` or \
            `dead`.", pattern = "^(pending|delivered|dead)$"),
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of deliveries.", body = Page<DeliveryJson>, example = json!(examples::deliveries())), Listing),
    security(("api_key" = ["read"])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers, KeyScope::Read).await?.whole_backend()?;
    let mut query = Query::read(query.as_deref());
    let approval =
        query.text("approval", |text| text.parse().map_err(|_| "must be an approval's id (apr_…)"))?;
    let state = query.text("status", |text| {
        let found = DeliveryState::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or("must be pending, delivered or dead")
    })?;
    let before = query.cursor(|text| text.parse().ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let filter = DeliveryFilter { approval, state, before };
    let found = read::deliveries(&api.service, caller, &filter, limit + 1).await?;
    let page = Page::cut(found, limit, |last| last.id.to_string());
    Ok(Json(page.map(DeliveryJson::from)).into_response())
}

/// Responds with one delivery and its attempts.
#[utoipa::path(
    get, path = "/v1/webhook-deliveries/{id}", operation_id = "get_delivery", tag = "webhook deliveries",
    summary = "Read a delivery and its attempts",
    params(("id" = String, Path, description = "The delivery, `dlv_…`: the `webhook-id`.")),
    responses((status = 200, description = "The delivery.", body = DeliveryWithAttemptsJson, example = json!(examples::delivery_with_attempts())), OneDelivery),
    security(("api_key" = ["read"])),
)]
pub async fn get(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Read)
        .await?
        .whole_backend()?;
    let (delivery, attempts) = read::delivery(&api.service, caller, self::id(&id)?).await?;
    let attempts = attempts.into_iter().map(AttemptJson::from).collect();
    Ok(Json(DeliveryWithAttemptsJson { delivery: delivery.into(), attempts }).into_response())
}

/// Responds with 202 and the delivery. A worker attempts it soon.
#[utoipa::path(
    post, path = "/v1/webhook-deliveries/{id}/redeliver", operation_id = "redeliver_webhook", tag = "webhook deliveries",
    summary = "Send a webhook again",
    description = "Sends a dead or delivered webhook again under the same id, and a pending one without \
        waiting for its next attempt. The retry schedule starts over. The webhook is sent even if the \
        endpoint is stopped; if the endpoint accepts it, the other deliveries to it resume.",
    params(("id" = String, Path, description = "The delivery, `dlv_…`.")),
    responses((status = 202, description = "The delivery, due to be sent now.", body = DeliveryJson, example = json!(examples::delivery())), Redelivering),
    security(("api_key" = ["ask"])),
)]
pub async fn redeliver(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller =
        auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Ask).await?.whole_backend()?;
    let delivery = redeliver::redeliver(&api.service, caller, self::id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(DeliveryJson::from(delivery))).into_response())
}

/// Parses a delivery's id from a path. A malformed id is *not found*, like an unknown one.
fn id(text: &str) -> Result<DeliveryId, Problem> {
    text.parse().map_err(|_| Problem::new(Kind::NotFound(Missing::Delivery)))
}
