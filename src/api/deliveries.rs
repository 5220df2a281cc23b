//! `/v1/webhook-deliveries`: what was sent to this backend, each attempt, and again.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    Api, auth,
    page::Page,
    problem::{Kind, Problem},
    query::Query,
};
use crate::{
    domain::{
        Rejection,
        ids::{ApprovalId, DeliveryId},
    },
    service::{read, redeliver},
    storage::{
        attempts::Noted,
        deliveries::{Delivery, Filter, State as DeliveryState},
    },
    wire,
};

/// A webhook to this backend.
#[derive(Debug, Serialize)]
pub struct DeliveryJson {
    id: DeliveryId,
    approval: ApprovalId,
    #[serde(rename = "type")]
    event: String,
    status: &'static str,
    attempt_count: i32,
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::maybe_time")]
    next_attempt_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::maybe_time")]
    delivered_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "wire::maybe_time")]
    dead_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
}

/// A webhook to this backend with every attempt at it, oldest first.
#[derive(Debug, Serialize)]
pub struct DeliveryWithAttemptsJson {
    #[serde(flatten)]
    delivery: DeliveryJson,
    attempts: Vec<AttemptJson>,
}

/// One attempt.
#[derive(Debug, Serialize)]
pub struct AttemptJson {
    number: i32,
    #[serde(serialize_with = "wire::time")]
    started_at: DateTime<Utc>,
    took_ms: i64,
    outcome: &'static str,
    http_status: Option<i32>,
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
            next_attempt_at: Some(delivery.due_at).filter(|_| state == DeliveryState::Pending),
            delivered_at: delivery.done_at,
            dead_at: delivery.dead_at,
            event: delivery.event,
            last_error: delivery.last_error,
        }
    }
}

impl From<Noted> for AttemptJson {
    fn from(attempt: Noted) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            took_ms: attempt.took_ms,
            outcome: if attempt.outcome == "done" { "delivered" } else { "failed" },
            http_status: attempt.http_status,
            detail: attempt.detail,
        }
    }
}

/// Answers a page of this backend's deliveries.
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers).await?;
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
    let filter = Filter { approval, state, before };
    let found = read::deliveries(&api.service, caller, &filter, limit + 1).await?;
    let page = Page::cut(found, limit, |last| last.id.to_string());
    Ok(Json(page.map(DeliveryJson::from)).into_response())
}

/// Answers one delivery with its attempts.
pub async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers).await?;
    let (delivery, attempts) = read::delivery(&api.service, caller, self::id(&id)?).await?;
    let attempts = attempts.into_iter().map(AttemptJson::from).collect();
    Ok(Json(DeliveryWithAttemptsJson { delivery: delivery.into(), attempts }).into_response())
}

/// Answers 202 with the delivery, which is about to be tried.
pub async fn redeliver(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers).await?;
    let delivery = redeliver::redeliver(&api.service, caller, self::id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(DeliveryJson::from(delivery))).into_response())
}

/// Reads a delivery's id from a path. What is no id names no delivery.
fn id(text: &str) -> Result<DeliveryId, Problem> {
    text.parse().map_err(|_| Problem::of(Kind::NotFound(Rejection::UnknownDelivery.code())))
}
