//! Where Slack posts to: `/slack/interactivity`, `/slack/commands` and `/slack/events`. The raw body is limited, verified
//! and only then read.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;

use super::{
    Slack,
    dispatch::{Kind, dispatch},
    payload::Payload,
};
use crate::domain::repeats::RequestDigest;

/// Where events are posted to.
pub const EVENTS: &str = "/slack/events";
/// Where interactions are posted to.
pub const INTERACTIVITY: &str = "/slack/interactivity";
/// Where slash commands are posted to.
pub const COMMANDS: &str = "/slack/commands";

/// The largest body that is read, in bytes. A view may have 250 KB, and a form triples some characters.
const LARGEST: usize = 2 * 1024 * 1024;

/// The routes that Slack posts to.
pub fn routes(slack: Slack) -> Router {
    Router::new()
        .route(INTERACTIVITY, post(interactivity))
        .route(COMMANDS, post(commands))
        .route(EVENTS, post(events))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(slack)
}

async fn interactivity(State(slack): State<Slack>, headers: HeaderMap, body: Bytes) -> Response {
    let request = match verify(&slack, &headers, &body) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let Some(payload) = Payload::read_form(&body, request) else {
        // Slack's TLS check (`ssl_check=1`) and whatever else is no interaction.
        return StatusCode::OK.into_response();
    };
    dispatch(&slack, Kind::Interaction, &payload).await.into_response()
}

async fn commands(State(slack): State<Slack>, headers: HeaderMap, body: Bytes) -> Response {
    let request = match verify(&slack, &headers, &body) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let payload = Payload::read_fields(&body, request);
    if payload.text("/command").is_none() {
        // Slack's TLS check (`ssl_check=1`) and whatever else is no command.
        return StatusCode::OK.into_response();
    }
    dispatch(&slack, Kind::Command, &payload).await.into_response()
}

async fn events(State(slack): State<Slack>, headers: HeaderMap, body: Bytes) -> Response {
    let request = match verify(&slack, &headers, &body) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let Ok(payload) = Payload::read(&body, request) else {
        return (StatusCode::BAD_REQUEST, "the body is not JSON").into_response();
    };
    match (payload.kind(), payload.text("/challenge")) {
        ("url_verification", Some(challenge)) => {
            axum::Json(json!({ "challenge": challenge })).into_response()
        }
        _ => dispatch(&slack, Kind::Event, &payload).await.into_response(),
    }
}

/// Whether the request is Slack's; if so, which one.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn verify(slack: &Slack, headers: &HeaderMap, body: &[u8]) -> Result<RequestDigest, Response> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (signature, timestamp) = (header("x-slack-signature"), header("x-slack-request-timestamp"));
    slack.secrets.verify(signature, timestamp, body, slack.service.now()).map_err(|error| {
        metrics::counter!("countersign_slack_refused_total").increment(1);
        tracing::warn!(%error, "A request that claims to be Slack's was refused");
        (StatusCode::UNAUTHORIZED, error.to_string()).into_response()
    })?;
    Ok(RequestDigest::of_signed(timestamp.unwrap_or_default(), body))
}
