//! `GET /v1/audit`: who did what in this backend's workspace, oldest first.

use axum::{
    Json,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use futures::stream;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    auth,
    page::Page,
    problem::{Problem, responses::ReadingAudit},
    query::Query,
    waiters::Waiting,
};
use crate::{
    api::state::Api,
    domain::{
        action_path::ActionPath,
        api_keys::KeyScope,
        audit::{ActorKind, AuditAction},
        audit_search::AuditFilter,
        callers::OwnApprovals,
        ids::{ApprovalId, GrantId, UserId},
    },
    service::{
        ServiceError,
        authenticate::BackendCaller,
        read::{self, Position, StoredEntry},
        search_audit,
    },
    wire::{self, examples, schema},
};

/// How many entries a stream reads at once.
const BATCH: i64 = 200;
/// One JSON value a line (<https://github.com/ndjson/ndjson-spec>).
const NDJSON: &str = "application/x-ndjson";

/// A line of the audit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct EntryJson {
    /// Given as `cursor`, continues after this entry.
    cursor: String,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "wire::time")]
    at: DateTime<Utc>,
    actor: ActorJson,
    #[schema(schema_with = schema::from)]
    from: &'static str,
    /// What happened, as `noun.verb`.
    what: String,
    #[schema(required, schema_with = schema::maybe_approval_id)]
    approval: Option<ApprovalId>,
    #[schema(required, schema_with = schema::maybe_grant_id)]
    grant: Option<GrantId>,
    /// What else was affected: an action, a user, a backend.
    #[schema(required)]
    subject: Option<String>,
    #[schema(required, schema_with = schema::maybe_object)]
    before: Option<Value>,
    #[schema(required, schema_with = schema::maybe_object)]
    after: Option<Value>,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actor)]
pub struct ActorJson {
    #[schema(schema_with = schema::actor_kind)]
    kind: &'static str,
    /// A Slack user id, a backend's id, or the name and id of an admin key, as `Terraform (key_…)`; `null` for the
    /// operator at the command line and for the service.
    #[schema(required)]
    id: Option<String>,
}

impl From<StoredEntry> for EntryJson {
    fn from(entry: StoredEntry) -> Self {
        let from = match (entry.actor_kind, &entry.actor) {
            (ActorKind::User, _) => "slack",
            // An operator with an id is an admin key.
            (ActorKind::Backend, _) | (ActorKind::Operator, Some(_)) => "api",
            (ActorKind::Operator, None) => "command_line",
            (ActorKind::Service, _) => "service",
        };
        Self {
            cursor: Query::write_cursor(&entry.position.to_string()),
            at: entry.at,
            actor: ActorJson { kind: entry.actor_kind.as_str(), id: entry.actor },
            from,
            what: entry.what,
            approval: entry.approval,
            grant: entry.grant,
            subject: entry.subject,
            before: entry.before,
            after: entry.after,
        }
    }
}

/// Responds with a page, or with one entry a line if the client accepts `application/x-ndjson`: `limit` of them, or all.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "list_audit_entries", tag = "audit",
    summary = "Read the workspace's audit, oldest first",
    description = "Every change: who made it, what changed, from where, and the values before and after. \
        Argument values are never included. The order never changes: continue from the `cursor` of the last \
        entry that you read, and you miss none. An entry appears once every transaction that began to write \
        before it has ended. With `Accept: application/x-ndjson` the response has one entry per line: \
        `limit` of them, or all. A filtered page looks through a bounded number of entries, so it can have fewer \
        than `limit` entries, or none, and still a `next_cursor`: continue until it is `null`.",
    params(
        ("user" = Option<String>, Query, description = "Only entries of this Slack user: what they did, what was \
            asked of them, and what was done to their grants.", pattern = "^[UW][A-Z0-9]+$"),
        ("action" = Option<String>, Query, description = "Only entries about this action, as \
            `salesforce.create_record`."),
        ("what" = Option<String>, Query, description = "Only entries of this kind, as `approval.denied`.",
            pattern = "^[a-z]+\\.[a-z_]+$"),
        ("agent" = Option<String>, Query, description = "Only entries about requests of the agent with this id or \
            name, in any case of letters."),
        ("since" = Option<String>, Query, description = "Only entries from this time on (RFC 3339)."),
        ("until" = Option<String>, Query, description = "Only entries before this time (RFC 3339)."),
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page, or the \
            `cursor` of any entry."),
    ),
    responses(
        (status = 200, description = "Entries.", content(
            (Page<EntryJson> = "application/json", example = json!(examples::audit())),
            (String = "application/x-ndjson", example = json!(examples::audit_lines())),
        )),
        ReadingAudit,
    ),
    security(("api_key" = ["audit"])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers, KeyScope::Audit).await?.whole_backend()?;
    let mut query = Query::read(query.as_deref());
    let after: Option<Position> = query.cursor(|text| text.parse().ok())?;
    let limit = query.some_limit()?;
    let filter = filter(&mut query)?;
    query.finish()?;
    if accepts_lines(&headers) {
        let place = api.waiters.enter(&OwnApprovals::of_backend(caller.backend))?;
        let body =
            Body::from_stream(lines(Export { api, caller, filter, after, left: limit, _place: place }));
        return Ok(([(header::CONTENT_TYPE, NDJSON)], body).into_response());
    }
    let limit = limit.unwrap_or(Query::DEFAULT_LIMIT);
    if !filter.is_empty() {
        let (found, next) = search_audit::for_backend(&api.service, caller, &filter, after, limit).await?;
        let next_cursor = next.map(|next| Query::write_cursor(&next.to_string()));
        let data = found.into_iter().map(EntryJson::from).collect();
        return Ok(Json(Page { data, next_cursor }).into_response());
    }
    let found = read::audit(&api.service, caller, after.as_ref(), limit + 1).await?;
    let page = Page::cut(found, limit, |last| last.position.to_string());
    Ok(Json(page.map(EntryJson::from)).into_response())
}

/// The parameters that select entries.
fn filter(query: &mut Query) -> Result<AuditFilter, Problem> {
    let time = |text: &str| {
        let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
        time.map_err(|_| "must be a time in RFC 3339, as 2026-09-21T08:00:00Z")
    };
    let what = query.text("what", |text| {
        let found = AuditAction::ALL.into_iter().find(|action| action.as_str() == text);
        found.ok_or("must be what an entry can say, as approval.denied")
    })?;
    Ok(AuditFilter {
        user: query.text("user", |text| UserId::parse(text).ok_or("must be a Slack user id (U…)"))?,
        action: query.text("action", |text| {
            ActionPath::parse(text)
                .map_err(|_| "must be an integration and an action, as salesforce.create_record")
        })?,
        agent: query.text("agent", |text| Ok(text.to_owned()))?,
        what: what.into_iter().collect(),
        since: query.text("since", time)?,
        until: query.text("until", time)?,
    })
}

fn accepts_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .any(|range| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(NDJSON))
}

struct Export {
    api: Api,
    caller: BackendCaller,
    filter: AuditFilter,
    after: Option<Position>,
    left: Option<i64>,
    _place: Waiting,
}

/// Streams the entries batch by batch. It holds no database connection while the client reads. An error aborts the
/// response, so that the client can't take a part for the whole.
fn lines(export: Export) -> impl futures::Stream<Item = Result<Vec<u8>, ServiceError>> {
    stream::try_unfold(export, async |mut export| {
        let batch = export.left.map_or(BATCH, |left| left.min(BATCH));
        if batch == 0 {
            return Ok(None);
        }
        let found = if export.filter.is_empty() {
            let found = read::audit(&export.api.service, export.caller, export.after.as_ref(), batch).await?;
            let Some(last) = found.last() else { return Ok(None) };
            export.after = Some(last.position);
            found
        } else {
            let (service, after) = (&export.api.service, export.after);
            let (found, next) =
                search_audit::for_backend(service, export.caller, &export.filter, after, batch).await?;
            export.after = next;
            if next.is_none() {
                export.left = Some(0);
            }
            found
        };
        export.left = export.left.map(|left| left.saturating_sub_unsigned(found.len() as u64).max(0));
        let mut text = Vec::new();
        for entry in found {
            // These values are strings, numbers and JSON, which always serialise.
            text.extend(serde_json::to_vec(&EntryJson::from(entry)).unwrap_or_default());
            text.push(b'\n');
        }
        Ok(Some((text, export)))
    })
}
