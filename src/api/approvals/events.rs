//! `GET /v1/approvals/{id}/events`: the approval as server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures::stream;
use tokio::time::Instant;

use super::waiting::{self, Begun, Wait};
use crate::{
    api::{
        auth,
        path::Named,
        problem::{Problem, responses::OneApproval},
        state::Api,
    },
    domain::{
        api_keys::KeyScope,
        approvals::{Approval, Status},
    },
    server::later::Later,
    wire::{ApprovalJson, examples},
};

/// How often a comment is sent. It keeps the connection open, and detects a client that has disconnected.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const COMMENT: &[u8] = b":\n\n";
/// The longest stream. The client then connects again, which checks its key again.
const LONGEST: Duration = Duration::from_hours(1);

/// The `Last-Event-ID` of a client that reconnects.
const LAST_EVENT_ID: &str = "last-event-id";

/// Responds with the approval as it is, as an event of the type `approval.<status>`; and, if it was pending, a second one
/// when it ends. Then the stream ends. A standard client connects again after that; 204 tells it that there is no more.
#[utoipa::path(
    get, path = "/v1/approvals/{id}/events", operation_id = "watch_approval", tag = "approvals",
    summary = "Follow an approval as server-sent events",
    description = "The first event is the approval as it is now; a second event reports its end. An event's type is `approval.<status>`, its data is the approval, and its id is the status. The stream ends after the approval's end. It also ends when the service shuts down, and after an hour: reconnect then. If `Last-Event-ID`, which a standard client sends, names the final event, the response is 204: don't reconnect.",
    params(
        ("id" = String, Path, description = "The approval, `apr_…`."),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event received."),
    ),
    responses(
        (status = 200, description = "Events.", body = String, content_type = "text/event-stream", example = json!(examples::events())),
        (status = 204, description = "The approval has ended, and the client has received its last event."),
        OneApproval,
    ),
    security(("api_key" = ["read"])),
)]
pub async fn events(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Read).await?;
    let id = crate::api::approvals::id::parse(&id)?;
    let (first, wait) = match waiting::begin(&api, caller, id).await? {
        Begun::Over(approval) => (approval, None),
        Begun::Pending(approval, wait) => (approval, Some(wait)),
    };
    let seen = headers.get(LAST_EVENT_ID).is_some_and(|seen| seen == first.status().as_str());
    if seen && first.decision.is_some() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    let beginning = (head, event(&first)).into_response();
    let Some(wait) = wait else { return Ok(beginning) };
    let following = Following { wait, until: Instant::now() + LONGEST };
    Ok(Later::stream(beginning, stream::unfold(Some(following), Following::next)))
}

/// A stream that waits for its second event.
struct Following {
    wait: Box<Wait>,
    until: Instant,
}

impl Following {
    /// The next part of the stream; `None` after the last one.
    async fn next(following: Option<Self>) -> Option<(Bytes, Option<Self>)> {
        let Self { mut wait, until } = following?;
        // An error ends the stream. The client then connects again and reads the current approval.
        let Some(ended) = wait.ended_or_paused(until, Instant::now() + KEEP_ALIVE).await.ok()? else {
            return Some((Bytes::from_static(COMMENT), Some(Self { wait, until })));
        };
        ended.decision.as_ref()?;
        Some((event(&ended).into(), None))
    }
}

/// The approval as an event of its status.
fn event(approval: &Approval) -> String {
    let status = approval.status();
    let kind = match status {
        Status::Pending => "approval.pending",
        Status::Ended(outcome) => outcome.event(),
    };
    // `serde_json` writes no line breaks, which would end an event's data.
    let data = serde_json::to_string(&ApprovalJson::from(approval)).unwrap_or_default();
    format!("id: {}\nevent: {kind}\ndata: {data}\n\n", status.as_str())
}
