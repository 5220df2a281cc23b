//! `POST /v1/hooks/claude-code`: an HTTP hook of Claude Code asks, and waits for the decision.

use std::time::Duration;

use axum::{
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use futures::stream;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    cancelling::Cancelling,
    deciding::{Deciding, Question},
    json::{self, HEAD, HookInput, HookOutput},
};
use crate::{
    api::{
        approvals::{
            ask,
            body::AskBody,
            waiting::{self, Begun},
        },
        auth,
        body::ApiBody,
        fields,
        problem::{Fault, Kind, Problem, responses::Hooking},
        query::Query,
        state::Api,
    },
    domain::{
        api_keys::KeyScope,
        arguments::Digest,
        ids::UserId,
        text::{ForeignId, IntegrationKey},
    },
    gateway::{
        approval::Request,
        formats::{
            Format,
            call::{Call, CallError, Settings},
        },
    },
    server::later::Later,
    service::{
        ask::{Ask, UserRef},
        authenticate::{ApiKey, Caller},
    },
};

/// The shortest limit of a hook that leaves time to decide, and the longest, in seconds.
const LIMITS: std::ops::RangeInclusive<i64> = 25..=604_800;
/// How long before its limit the hook is answered, whatever the state is.
const MARGIN: Duration = Duration::from_secs(5);

/// Responds with 200 at once, with spaces while the user thinks, and then with what Claude Code does with the call.
#[utoipa::path(
    post, path = "/v1/hooks/claude-code", operation_id = "create_hook_approval", tag = "hooks",
    summary = "Ask before Claude Code runs a tool",
    description = "The address of an HTTP hook of Claude Code: settings are all that it needs. Asks the user whom the API \
        key is bound to, and waits. The response begins at once; spaces keep the connection open until there is a \
        decision. If the client disconnects, the approval is cancelled. Every fault after the beginning is an answer that \
        denies. Claude Code runs the tool after every other status unless the hook's settings say `\"onFailure\": \
        \"block\"`. Pointers in `errors` that are not of the hook's input are of the request for approval that it becomes.",
    params(
        ("limit" = Option<i64>, Query, description = "The hook's `timeout` in the settings, in seconds. The user has 15 \
            seconds less to answer. Default: 600, which is Claude Code's.", minimum = 25, maximum = 604_800),
        ("map" = Option<String>, Query, description = "`SERVER=INTEGRATION`: treats the tools of this MCP server as \
            actions of a shared integration, with its grants. May be repeated."),
    ),
    request_body(content = HookInput, example = json!(json::input())),
    responses(
        (status = 200, description = "What Claude Code does with the call, after spaces.", body = HookOutput, examples(
            ("allowed" = (summary = "The user approved", value = json!(json::allowed()))),
            ("denied" = (summary = "The user denied", value = json!(json::denied()))),
        )),
        Hooking,
    ),
    security(("api_key" = ["ask"])),
)]
pub async fn decide(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let began = Instant::now();
    let key = auth::api_key(&headers)?;
    auth::admit(&api, &key)?;
    let caller = auth::whose(&api, &key, KeyScope::Ask).await?;
    let user = caller.own().user().cloned().ok_or(Problem::new(Kind::NoUser))?;
    let settings = settings(query.as_deref(), &caller)?;
    let call = Call::from_members(fields::object(&headers, body)?, Some(Format::Claude))
        .map_err(|error| fault(&error))?;
    let request = call.request(&settings).map_err(|error| fault(&error))?;
    let limit = Duration::from_secs(call.limit(&settings).into());
    let question =
        Question { event: call.event, expected: request.expected(), idempotency_key: idempotency_key(&call) };
    let asked = ask::create(&api, &key, into_ask(&call, &request, user, key.clone())?).await?;
    if asked.approval.decision.is_some() {
        let verdict = question.verdict(&asked.approval);
        let permitted = question.permitted(&api.service, &caller, asked.approval.id(), verdict).await;
        return Ok(question.answer(permitted).into_response());
    }
    let id = asked.approval.id();
    // From now on, an approval that no one waits for is cancelled.
    let mut cancelling = Cancelling::new(api.service.clone(), caller.clone(), id);
    match waiting::begin(&api, caller.clone(), id).await? {
        Begun::Over(approval) if approval.decision.is_some() => {
            cancelling.disarm();
            let verdict = question.verdict(&approval);
            Ok(question.answer(question.permitted(&api.service, &caller, id, verdict).await).into_response())
        }
        Begun::Over(_) => Err(Problem::new(Kind::Unavailable).after(1)),
        Begun::Pending(_, wait) => {
            let until = began + limit.saturating_sub(MARGIN);
            let deciding = Deciding { wait, cancelling, question, key, until, unread: false };
            let beginning = (HEAD, "\n").into_response();
            Ok(Later::stream(beginning, stream::unfold(Some(deciding), Deciding::next)))
        }
    }
}

/// What flags are to `countersign hook`. The backend's name is known from the key.
fn settings(query: Option<&str>, caller: &Caller) -> Result<Settings, Problem> {
    let mut query = Query::read(query);
    let limit = query.number("limit", LIMITS)?.and_then(|limit| u32::try_from(limit).ok());
    let mut maps = Vec::new();
    while let Some(map) = query.text("map", map)? {
        maps.push(map);
    }
    query.finish()?;
    Ok(Settings { user: None, backend: caller.prefix().map(ToString::to_string), maps, limit })
}

fn map(text: &str) -> Result<(String, IntegrationKey), &'static str> {
    let read = text
        .split_once('=')
        .and_then(|(server, key)| Some((server.to_owned(), IntegrationKey::new(key).ok()?)));
    read.ok_or(
        "must be an MCP server and the key of the integration that its tools join, like `github=github`",
    )
}

/// The same request as `POST /v1/approvals` takes it, read by the same rules.
fn into_ask(call: &Call, request: &Request, user: UserId, key: ApiKey) -> Result<Ask, Problem> {
    let members = match serde_json::to_value(request) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let digest = Digest::for_json(&members);
    let body: AskBody = fields::read(members)?;
    Ok(body.into_ask(UserRef::Id(user), key, idempotency_key(call), digest))
}

fn idempotency_key(call: &Call) -> Option<ForeignId> {
    call.idempotency_key().and_then(|key| ForeignId::new(key).ok())
}

fn fault(error: &CallError) -> Problem {
    let pointer = match error {
        CallError::NotJson(_) => return Problem::new(Kind::InvalidJson).because(error.to_string()),
        CallError::Limit(_) => return Problem::parameter("limit", error.to_string()),
        CallError::Missing(name) => format!("/{name}"),
        CallError::Event(_) => "/hook_event_name".to_owned(),
        CallError::Key(_) => "/tool_name".to_owned(),
    };
    Problem::invalid(vec![Fault { pointer: Some(pointer), parameter: None, detail: error.to_string() }])
}
