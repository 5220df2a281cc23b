//! `/livez`, `/readyz`, `/metrics`.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

use crate::{api::state::Api, service::ready};

/// 200 as long as the process answers.
#[utoipa::path(
    get, path = "/livez", operation_id = "get_liveness", tag = "health", summary = "Whether the process is alive",
    responses((status = 200, description = "The process is alive.", body = String, example = json!("ok\n"))),
)]
pub async fn livez() -> &'static str {
    "ok\n"
}

/// 200 when requests can be served; 503 with the reason otherwise.
#[utoipa::path(
    get, path = "/readyz", operation_id = "get_readiness", tag = "health", summary = "Whether requests can be served",
    responses(
        (status = 200, description = "The service can serve requests.", body = String, example = json!("ready\n")),
        (status = 503, description = "The service can't serve requests; the body says why.", body = String, example = json!("the database can't be reached\n")),
    ),
)]
pub async fn readyz(State(api): State<Api>) -> Response {
    if api.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    match ready::ready(&api.service).await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

/// Prometheus' text.
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "health", summary = "Prometheus' text",
    responses((status = 200, description = "Metrics.", body = String, example = json!("countersign_asks_total{status=\"pending\"} 7\n"))),
)]
pub async fn metrics(State(api): State<Api>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], api.metrics.render()).into_response()
}
