//! `POST /v1/approvals`: an agent asks.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};
use chrono::TimeDelta;
use serde_json::{Map, Value};

use crate::{
    api::{
        approvals::body::AskBody,
        auth,
        body::ApiBody,
        fields,
        fields::Fields,
        problem::{Problem, responses::Asking},
        query::Query,
        state::Api,
    },
    domain::{
        api_keys::KeyScope,
        approvals::{Agent, Conversation, Place, Text64},
        arguments::{Arguments, Digest},
        ids::UserId,
        text::{ActionKey, ForeignId, IntegrationKey, Link, Name, Prose, TextFault},
    },
    service::{
        authenticate::ApiKey,
        request,
        request::{Ask, UserRef},
    },
    wire::{ApprovalJson, examples},
};

/// How long a person has to answer, in seconds, unless the request says otherwise.
const DEFAULT_EXPIRY: i64 = 1800;
/// The largest `metadata`, in bytes of JSON.
const LARGEST_METADATA: usize = 16 * 1024;

/// Answers 201 with a new approval, 200 with the one that the same idempotency key made earlier.
#[utoipa::path(
    post, path = "/v1/approvals", operation_id = "create_approval", tag = "approvals",
    summary = "Ask for an approval",
    description = "Approved at once where a grant of the user's covers it; pending otherwise, and the user is asked in Slack. With an `Idempotency-Key` the same request answers the same approval, however often it is sent.",
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 255 characters of the backend's choice, kept as long as the approval.", min_length = 1, max_length = 255)),
    request_body(content = AskBody, examples(
        ("whole" = (summary = "All that can be said", value = json!(examples::ask()))),
        ("short" = (summary = "What must be said", value = json!(examples::short_ask()))),
    )),
    responses(
        (status = 201, description = "The new approval.", body = ApprovalJson<'_>, examples(
            ("pending" = (summary = "The user is asked", value = json!(examples::pending()))),
            ("approved" = (summary = "A grant covers it", value = json!(examples::auto_approved()))),
        )),
        (status = 200, description = "The approval that the same idempotency key made earlier, as it is now.", body = ApprovalJson<'_>, headers(
            ("Idempotency-Replayed" = String, description = "`true`.")
        ), example = json!(examples::approved())),
        Asking,
    ),
    security(("api_key" = ["ask"])),
)]
pub async fn ask(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let key = auth::api_key(&headers)?;
    auth::admit(&api, &key)?;
    let ask = match read(key.clone(), query.as_deref(), &headers, body) {
        Ok(ask) => ask,
        Err(problem) => {
            // Who is not known is not told what is wrong with the request.
            auth::whose(&api, &key, KeyScope::Ask).await?;
            return Err(problem);
        }
    };
    if !api.limits.knows(&key) {
        // Once for each key of each instance: afterwards it is looked up with everything that the request is judged by.
        auth::whose(&api, &key, KeyScope::Ask).await?;
    }
    let asked = request::request(&api.service, &*api.directory, &ask).await;
    let asked = asked.inspect_err(|failure| auth::forget_refused(&api, &key, failure))?;
    api.limits.learn(&ask.key, asked.approval.request.backend);
    let status = asked.approval.status().as_str();
    let approval = asked.approval.id();
    metrics::counter!("countersign_asks_total", "status" => status, "replayed" => asked.replayed.to_string())
        .increment(1);
    tracing::info!(%approval, status, replayed = asked.replayed, "An agent asked");
    let code = if asked.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = (code, Json(ApprovalJson::from(&asked.approval))).into_response();
    if asked.replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn read(key: ApiKey, query: Option<&str>, headers: &HeaderMap, body: ApiBody) -> Result<Ask, Problem> {
    Query::read(query).finish()?;
    let members = fields::object(headers, body)?;
    let digest = Digest::of(&members);
    let idempotency_key = idempotency_key(headers)?;
    let mut faults = Vec::new();
    let mut fields = Fields::new(members, &mut faults);
    let ask = read_fields(key, idempotency_key, digest, &mut fields);
    fields.finish();
    match ask {
        Some(ask) if faults.is_empty() => Ok(ask),
        _ => Err(Problem::invalid(faults)),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<ForeignId>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text =
        value.to_str().map_err(|_| Problem::parameter("Idempotency-Key", "must be printable ASCII"))?;
    ForeignId::new(text).map(Some).map_err(|fault| Problem::parameter("Idempotency-Key", fault.to_string()))
}

fn read_fields(
    key: ApiKey,
    idempotency_key: Option<ForeignId>,
    digest: Digest,
    fields: &mut Fields<'_>,
) -> Option<Ask> {
    let user = user(fields);
    fields.require("agent");
    let agent = fields.within("agent", |agent| {
        let name = agent.text("name", Name::new);
        agent.required_text("id", ForeignId::new).map(|id| Agent { id, name })
    });
    fields.require("conversation");
    let conversation = fields.within("conversation", |conversation| {
        let title = conversation.text("title", Name::new);
        let url = conversation.text("url", Link::new);
        conversation.required_text("id", ForeignId::new).map(|id| Conversation { id, title, url })
    });
    let integration = fields.required_text("integration", IntegrationKey::new);
    let action = fields.required_text("action", ActionKey::new);
    fields.require("arguments");
    let arguments = fields.object("arguments").map(Arguments::from_stored);
    let reason = fields.text("reason", Prose::new);
    let expires_in = fields.number("expires_in", 10..=604_800).unwrap_or(DEFAULT_EXPIRY);
    let place = fields.within("slack", |slack| {
        let thread_ts = slack.text("thread_ts", thread);
        slack.required_text("channel", channel).map(|channel| Place { channel, thread_ts })
    });
    let metadata = metadata(fields);
    Some(Ask {
        key,
        idempotency_key,
        digest,
        user: user?,
        agent: agent?,
        conversation: conversation?,
        integration: integration?,
        action: action?,
        arguments: arguments?,
        reason,
        expires_in: TimeDelta::seconds(expires_in),
        place,
        metadata,
    })
}

fn user(fields: &mut Fields<'_>) -> Option<UserRef> {
    let text = fields.required_text("user", ForeignId::new)?;
    let text = text.as_str();
    if let Some(user) = UserId::parse(text) {
        return Some(UserRef::Id(user));
    }
    let plausible = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if plausible && !text.contains(char::is_whitespace) {
        return Some(UserRef::Email(text.to_owned()));
    }
    fields.fault("user", "must be a Slack user id (U…) or an email address");
    None
}

fn channel(text: String) -> Result<Text64, TextFault> {
    let plausible = text.starts_with(['C', 'G', 'D'])
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if plausible { Text64::new(text) } else { Err(TextFault::NotAChannel) }
}

fn thread(text: String) -> Result<Text64, TextFault> {
    let plausible = text.split_once('.').is_some_and(|(seconds, rest)| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits(seconds) && digits(rest)
    });
    if plausible { Text64::new(text) } else { Err(TextFault::NotATimestamp) }
}

fn metadata(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let metadata = fields.object("metadata")?;
    let size = serde_json::to_vec(&metadata).map_or(0, |json| json.len());
    if size > LARGEST_METADATA {
        fields.fault("metadata", format!("must be at most 16 KiB of JSON, this has {size} bytes"));
        return None;
    }
    Some(metadata)
}
