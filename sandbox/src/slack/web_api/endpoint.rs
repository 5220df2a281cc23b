//! One HTTP request to a Web API method, from its bytes to its answer.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{ConnectInfo, Path, RawQuery, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Ask, arguments::Arguments, auth, destination, error::ApiError, installing, method};
use crate::slack::{
    call_log::{Call, CallOutcome},
    core::Core,
    handle::Slack,
    line::Line,
    misbehaviour::Misbehaviour,
    rates,
    state::{State, Token},
};

/// The result of a call: the answer and the log entry.
#[derive(Debug)]
pub(crate) struct Handled {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Value,
    pub(crate) scopes: Option<String>,
    pub(crate) entry: Call,
}

/// A connection's answer to a call.
pub(crate) type Answer = Response;

/// `POST` or `GET /api/{method}`.
pub(crate) async fn call(
    Shared(core): Shared<Arc<Core>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    line: Option<Extension<ConnectInfo<Line>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let line = line.map(|Extension(ConnectInfo(line))| line).unwrap_or_default();
    let handle = || {
        core.change(|state| {
            let handled = carry_out(state, &core, &name, query.as_deref(), &headers, &body);
            state.calls.push(handled.entry.clone());
            (handled, std::mem::take(&mut state.unsent_events))
        })
    };
    let handle = || {
        let (handled, events) = handle();
        Slack::within(&core).send_in_background(events);
        handled
    };
    let unhandled = |outcome| {
        let mut arguments = Arguments::read(&name, query.as_deref(), &headers, &body).unwrap_or_default();
        arguments.take_token();
        entry(&core, &name, &arguments, None, outcome)
    };
    answer_or_misbehave(&core, &name, &line, handle, unhandled).await
}

/// Handles the call, unless the method is set to misbehave.
///
/// `handle` carries out the call and logs it; `unhandled` makes the log entry of a call that is not carried out.
pub(crate) async fn answer_or_misbehave(
    core: &Core,
    method: &str,
    line: &Line,
    handle: impl FnOnce() -> Handled,
    unhandled: impl FnOnce(CallOutcome) -> Call,
) -> Answer {
    let log = |outcome| {
        let entry = unhandled(outcome);
        core.change(|state| state.calls.push(entry));
    };
    match core.change(|state| state.misbehaviours.take(method)) {
        None => to_response(handle()),
        Some(Misbehaviour::WithoutScopes) => to_response(Handled { scopes: None, ..handle() }),
        Some(Misbehaviour::Delay(late)) => {
            pause(core, late).await;
            to_response(handle())
        }
        Some(Misbehaviour::SlowAnswer(late)) => {
            let handled = handle();
            pause(core, late).await;
            to_response(handled)
        }
        Some(Misbehaviour::DropAfterEffect) => {
            let done = handle().entry;
            core.change(|state| {
                let is_it = |call: &&mut Call| call.method == done.method && call.arguments == done.arguments;
                if let Some(call) = state.calls.iter_mut().rev().find(is_it) {
                    call.outcome = CallOutcome::Dropped { effect: call.outcome == CallOutcome::Ok };
                }
            });
            cut(line)
        }
        Some(Misbehaviour::DropBeforeEffect) => {
            log(CallOutcome::Dropped { effect: false });
            cut(line)
        }
        Some(Misbehaviour::Hang(time)) => {
            log(CallOutcome::Dropped { effect: false });
            pause(core, time).await;
            cut(line)
        }
        Some(Misbehaviour::RateLimited { retry_after }) => {
            log(CallOutcome::RateLimited(retry_after));
            too_many(retry_after)
        }
        Some(Misbehaviour::ServerError(status)) => {
            log(CallOutcome::Status(status));
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, "upstream connect error or disconnect/reset before headers").into_response()
        }
        Some(Misbehaviour::HtmlPage) => {
            log(CallOutcome::HtmlPage);
            Html("<!doctype html><title>Slack</title><p>Server Error</p>").into_response()
        }
        Some(Misbehaviour::SlackError(error)) => {
            let body = ApiError::named(&error).to_json();
            log(CallOutcome::Error(error));
            Json(body).into_response()
        }
    }
}

fn carry_out(
    state: &mut State,
    core: &Core,
    name: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Handled {
    let answered = |arguments: &Arguments, caller: Option<&Token>, result: Result<Value, ApiError>| {
        let (body, outcome) = match result {
            Ok(body) => (body, CallOutcome::Ok),
            Err(error) => (error.to_json(), CallOutcome::Error(error.name)),
        };
        let scopes =
            caller.map(|token| token.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(","));
        let mut entry = entry(core, name, arguments, caller, outcome);
        if entry.channel.is_none() {
            entry.channel = body["channel"].as_str().map(str::to_owned);
        }
        Handled { status: StatusCode::OK, retry_after: None, body, scopes, entry }
    };
    if let Some(act) = installing::method(name) {
        let wait = rates::too_soon(&state.calls, name, None, &[], core.clock.now());
        if let Some(retry_after) = wait.filter(|_| core.enforce_rate_limits) {
            return limited(core, name, &Arguments::default(), None, retry_after);
        }
        let read = Arguments::read(name, query, headers, body);
        let result = read.and_then(|mut arguments| {
            let token = auth::presented_token(headers, &mut arguments);
            act(state, core, &arguments, token.as_deref())
        });
        // These calls contain secrets, so the log omits their arguments.
        let mut handled = answered(&Arguments::default(), None, result);
        handled.entry.over_limit = wait.is_some();
        return handled;
    }
    let Some((scope, act)) = method(name) else {
        let error = ApiError::named("unknown_method").with("req_method", name);
        return answered(&Arguments::default(), None, Err(error));
    };
    let mut arguments = match Arguments::read(name, query, headers, body) {
        Ok(arguments) => arguments,
        Err(error) => return answered(&Arguments::default(), None, Err(error)),
    };
    let presented = auth::presented_token(headers, &mut arguments);
    let now = core.clock.now();
    let caller = match auth::caller(state, presented.as_deref(), now) {
        Ok(caller) => caller,
        Err(error) => return answered(&arguments, None, Err(error)),
    };
    let wait = {
        let channel = destination::names(state, &caller, arguments.text("channel"));
        rates::too_soon(&state.calls, name, Some(&caller.team_id), &channel, now)
    };
    if let Some(retry_after) = wait.filter(|_| core.enforce_rate_limits) {
        return limited(core, name, &arguments, Some(&caller), retry_after);
    }
    let result = scope.map_or(Ok(()), |needed| auth::require_scope(&caller, needed)).and_then(|()| {
        act(&mut Ask { state, caller: caller.clone(), arguments: &arguments, now, origin: core.origin() })
    });
    let mut handled = answered(&arguments, Some(&caller), result);
    handled.entry.over_limit = wait.is_some();
    handled
}

/// The answer to a call that comes too soon and is not carried out.
fn limited(
    core: &Core,
    name: &str,
    arguments: &Arguments,
    caller: Option<&Token>,
    retry_after: u64,
) -> Handled {
    let mut entry = entry(core, name, arguments, caller, CallOutcome::RateLimited(retry_after));
    entry.over_limit = true;
    Handled {
        status: StatusCode::TOO_MANY_REQUESTS,
        retry_after: Some(retry_after),
        body: json!({ "ok": false, "error": "ratelimited" }),
        scopes: None,
        entry,
    }
}

fn entry(
    core: &Core,
    name: &str,
    arguments: &Arguments,
    caller: Option<&Token>,
    outcome: CallOutcome,
) -> Call {
    Call {
        method: name.to_owned(),
        at: core.clock.now(),
        team_id: caller.map(|token| token.team_id.clone()),
        channel: arguments.text("channel").map(str::to_owned),
        arguments: arguments.to_json(),
        outcome,
        over_limit: false,
        unknown: arguments.unknown_to(name),
    }
}

fn to_response(handled: Handled) -> Response {
    if let Some(retry_after) = handled.retry_after {
        return too_many(retry_after);
    }
    let mut response = (handled.status, Json(handled.body)).into_response();
    if let Some(scopes) = handled.scopes.and_then(|scopes| HeaderValue::from_str(&scopes).ok()) {
        response.headers_mut().insert("x-oauth-scopes", scopes);
    }
    response
}

fn too_many(retry_after: u64) -> Response {
    let headers = [(header::RETRY_AFTER, retry_after.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, headers, Json(json!({ "ok": false, "error": "ratelimited" })))
        .into_response()
}

fn cut(line: &Line) -> Response {
    line.cut();
    StatusCode::NO_CONTENT.into_response()
}

async fn pause(core: &Core, long: Duration) {
    tokio::select! {
        () = tokio::time::sleep(long) => {}
        () = core.stop.cancelled() => {}
    }
}
