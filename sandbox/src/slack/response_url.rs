//! `/response/{token}`: the address that comes with a click or a command and accepts messages in response
//! (<https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>).

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::{ConnectInfo, Path, State as Shared},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{
    call_log::{Call, CallOutcome},
    core::Core,
    line::Line,
    state::{Draft, ResponseUrl, State},
    web_api::{Answer, Handled, answer_or_misbehave, chat, error::ApiError},
};

/// The method name for its calls in the log and in misbehaviour.
const METHOD: &str = "response_url";

/// `POST /response/{token}`.
pub(crate) async fn receive(
    Shared(core): Shared<Arc<Core>>,
    Path(token): Path<String>,
    line: Option<Extension<ConnectInfo<Line>>>,
    body: Bytes,
) -> Answer {
    let line = line.map(|Extension(ConnectInfo(line))| line).unwrap_or_default();
    let entry = |ticket: Option<&ResponseUrl>, outcome| Call {
        method: METHOD.to_owned(),
        at: core.clock.now(),
        team_id: ticket.map(|ticket| ticket.team_id.clone()),
        channel: ticket.map(|ticket| ticket.channel.clone()),
        arguments: serde_json::from_slice(&body).unwrap_or_default(),
        outcome,
        over_limit: false,
        unknown: Vec::new(),
    };
    let handle = || {
        core.change(|state| {
            let ticket = state.response_urls.get(&token).cloned();
            let result = answer(state, &core, &token, &body);
            let (status, body, outcome) = match result {
                Ok(()) => (StatusCode::OK, json!({ "ok": true }), CallOutcome::Ok),
                Err((status, error)) => (status, error.to_json(), CallOutcome::Error(error.name)),
            };
            let entry = entry(ticket.as_ref(), outcome);
            state.calls.push(entry.clone());
            Handled { status, retry_after: None, body, scopes: None, entry }
        })
    };
    answer_or_misbehave(&core, METHOD, &line, handle, |outcome| entry(None, outcome)).await
}

fn answer(state: &mut State, core: &Core, token: &str, body: &[u8]) -> Result<(), (StatusCode, ApiError)> {
    let now = core.clock.now();
    let ticket = state
        .use_response_url(token, now)
        .map_err(|error| (StatusCode::NOT_FOUND, ApiError::named(&error.to_string())))?;
    let given: Value = serde_json::from_slice(body)
        .map_err(|_| (StatusCode::BAD_REQUEST, ApiError::named("invalid_payload")))?;
    respond(state, &ticket, &given, now).map_err(|error| (StatusCode::BAD_REQUEST, error))
}

/// Carries out an answer: posts a new message, or replaces the message that was acted on.
pub(crate) fn respond(
    state: &mut State,
    ticket: &ResponseUrl,
    given: &Value,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), ApiError> {
    let original = ticket.original.as_ref().map(|ts| (ticket.channel.clone(), ts.clone()));
    if given["delete_original"].as_bool() == Some(true) {
        let original = original.ok_or_else(|| ApiError::named("message_not_found"))?;
        state.messages.remove(&original).ok_or_else(|| ApiError::named("message_not_found"))?;
        return Ok(());
    }
    let present = |key: &str| given.get(key).filter(|value| !value.is_null());
    let content = chat::check(present("text"), present("blocks"))?;
    if given["replace_original"].as_bool() == Some(true)
        && let Some((channel, ts)) = original
    {
        let rewritten = state.rewrite(&channel, &ts, content.text, content.blocks, now);
        return rewritten.map(drop).ok_or_else(|| ApiError::named("message_not_found"));
    }
    let ephemeral_for = match present("response_type").and_then(Value::as_str) {
        Some("in_channel") => None,
        _ => Some(ticket.user.clone()),
    };
    let author = state.installation(&ticket.team_id).cloned().ok_or_else(|| ApiError::named("no_service"))?;
    // The address doesn't name the thread of the click. An answer without `thread_ts` is posted outside the thread.
    let thread_ts = present("thread_ts").and_then(Value::as_str).map(str::to_owned);
    let draft = Draft {
        channel: ticket.channel.clone(),
        team_id: ticket.team_id.clone(),
        thread_ts,
        text: content.text,
        blocks: content.blocks,
        ephemeral_for,
    };
    state.post(&author, draft, now);
    Ok(())
}
