//! The endpoints that Slack posts to: `/slack/interactivity`, `/slack/commands` and `/slack/events`. Headers are
//! checked before any of the body is read, and the raw body is verified before it is parsed.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;

use crate::{
    bodies::{self, Bodies, BodyError, BodyLimits, Received},
    clock::Clock,
    domain::repeats::RequestDigest,
    slack::inbound::{
        dispatch::{Handlers, Kind, dispatch},
        payload::Payload,
        signature::{SignatureError, SigningSecrets},
    },
};

/// The state of Slack's endpoints. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Receiver<H> {
    /// Handles the verified payloads.
    pub handlers: H,
    /// Verifies that a request comes from Slack.
    pub secrets: Arc<SigningSecrets>,
    /// Checks how old a request is.
    pub clock: Clock,
    /// Limits how much memory the bodies use.
    pub bodies: Bodies,
}

/// Request URL for events.
pub const EVENTS: &str = "/slack/events";
/// Request URL for interactions.
pub const INTERACTIVITY: &str = "/slack/interactivity";
/// Request URL for slash commands.
pub const COMMANDS: &str = "/slack/commands";

/// Limits of one body. A view may have 250 KB, and form encoding triples some characters. Slack waits 3 seconds for a
/// response, so a body that takes longer to arrive is of no use.
const LIMITS: BodyLimits = BodyLimits { size: 2 * 1024 * 1024, time: Duration::from_secs(3) };

/// Limits of all these bodies together: memory, and how many are read at once, a sixteenth of `connections`. A client
/// that only pretends to be Slack then can't take the memory that Slack needs.
#[must_use]
pub fn bodies(connections: usize) -> Bodies {
    Bodies::new((connections / 16).clamp(2, 256), 32 * 1024 * 1024)
}

/// The routes that Slack posts to.
pub fn routes<H: Handlers>(receiver: Receiver<H>) -> Router {
    Router::new()
        .route(INTERACTIVITY, post(interactivity::<H>))
        .route(COMMANDS, post(commands::<H>))
        .route(EVENTS, post(events::<H>))
        .with_state(receiver)
}

async fn interactivity<H: Handlers>(
    State(receiver): State<Receiver<H>>,
    Signed { body, request }: Signed,
) -> Response {
    let Some(payload) = Payload::read_form(&body, request) else {
        // Slack's TLS check (`ssl_check=1`) and anything else that is not an interaction.
        return StatusCode::OK.into_response();
    };
    dispatch(&receiver.handlers, Kind::Interaction, &payload).await.into_response()
}

async fn commands<H: Handlers>(
    State(receiver): State<Receiver<H>>,
    Signed { body, request }: Signed,
) -> Response {
    let payload = Payload::read_fields(&body, request);
    if payload.text("/command").is_none() {
        // Slack's TLS check (`ssl_check=1`) and anything else that is not a command.
        return StatusCode::OK.into_response();
    }
    dispatch(&receiver.handlers, Kind::Command, &payload).await.into_response()
}

async fn events<H: Handlers>(
    State(receiver): State<Receiver<H>>,
    Signed { body, request }: Signed,
) -> Response {
    let Ok(payload) = Payload::read(&body, request) else {
        return (StatusCode::BAD_REQUEST, "the body is not JSON").into_response();
    };
    match (payload.kind(), payload.text("/challenge")) {
        ("url_verification", Some(challenge)) => {
            axum::Json(json!({ "challenge": challenge })).into_response()
        }
        _ => dispatch(&receiver.handlers, Kind::Event, &payload).await.into_response(),
    }
}

/// A body that Slack signed, and the digest that identifies its request.
struct Signed {
    body: Received,
    request: RequestDigest,
}

impl<H: Handlers> FromRequest<Receiver<H>> for Signed {
    type Rejection = Response;

    async fn from_request(request: Request, receiver: &Receiver<H>) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        read(receiver, &parts.headers, body).await
    }
}

async fn read<H>(receiver: &Receiver<H>, headers: &HeaderMap, body: Body) -> Result<Signed, Response> {
    bodies::check_length(headers, LIMITS.size).map_err(unread)?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (signature, timestamp) = (header("x-slack-signature"), header("x-slack-request-timestamp"));
    let claim =
        receiver.secrets.check_headers(signature, timestamp, receiver.clock.now()).map_err(unsigned)?;
    let body = receiver.bodies.read(headers, body, LIMITS).await.map_err(unread)?;
    receiver.secrets.verify(&claim, &body).map_err(unsigned)?;
    let request = RequestDigest::for_signed_request(claim.timestamp(), &body);
    Ok(Signed { body, request })
}

fn unsigned(error: SignatureError) -> Response {
    metrics::counter!("countersign_slack_refused_total").increment(1);
    tracing::warn!(%error, "Slack request rejected");
    (StatusCode::UNAUTHORIZED, error.to_string()).into_response()
}

fn unread(error: BodyError) -> Response {
    tracing::warn!(%error, "Could not read the body of a request to /slack");
    let status = match error {
        BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
        BodyError::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        BodyError::Broken => StatusCode::BAD_REQUEST,
    };
    (status, error.to_string()).into_response()
}
