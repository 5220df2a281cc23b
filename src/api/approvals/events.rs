//! `GET /v1/approvals/{id}/events`: the approval as server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{FutureExt as _, StreamExt as _, stream};

use super::waiting;
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
    wire::{ApprovalJson, examples},
};

/// How often a comment is sent. It keeps the connection open, and detects a client that has disconnected.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
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
    let first = waiting::read(&api, caller, id).await?;
    let seen = headers.get(LAST_EVENT_ID).is_some_and(|seen| seen == first.status().as_str());
    if seen && first.decision.is_some() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = match first.decision {
        None => Some(api.waiters.enter(caller.backend)?),
        Some(_) => None,
    };
    let end = async move {
        let place = Some(place?);
        // An error ends the stream. The client then connects again and reads the current approval.
        let ended =
            tokio::time::timeout(LONGEST, waiting::until_ended(&api, caller, id, place)).await.ok()?.ok()?;
        ended.decision.is_some().then(|| event(&ended))
    };
    let events = stream::iter([event(&first)]).chain(end.into_stream().filter_map(async |event| event));
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(keep_alive).into_response())
}

fn event(approval: &Approval) -> Event {
    let kind = match approval.status() {
        Status::Pending => "approval.pending",
        Status::Ended(outcome) => outcome.event(),
    };
    // `serde_json` writes no line breaks, which would end an event's data.
    let data = serde_json::to_string(&ApprovalJson::from(approval)).unwrap_or_default();
    Event::default().id(approval.status().as_str()).event(kind).data(data)
}
