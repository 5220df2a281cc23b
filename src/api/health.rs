//! `/livez`, `/readyz`, `/metrics`.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::Api;
use crate::service::ready;

/// 200 as long as the process answers.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// 200 when requests can be served; 503 with the reason otherwise.
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
pub async fn metrics(State(api): State<Api>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], api.metrics.render()).into_response()
}
