//! `POST /v1/approvals/{id}/result`: the backend reports what came of the call.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};

use crate::{
    api::{
        auth,
        body::ApiBody,
        fields::{self, Field, Pointer, json_body, read_text},
        path::Named,
        problem::{Fault, Problem, responses::Reporting},
        state::Api,
    },
    domain::{
        api_keys::KeyScope,
        results::{Report, ResultStatus, Summary},
        text::Link,
    },
    service::report_result,
    wire::{ApprovalJson, examples, schema},
};

json_body! {
    /// What came of an approved call.
    pub struct ResultBody as "ResultBody" {
        /// `succeeded`, or `failed` if the action failed or was not run.
        status: ResultStatus,
        /// What came of it, in a few words: *Opened PR #1208*. Shown in Slack as the agent's.
        summary: Option<Summary>,
        /// Where people can see it: an absolute http or https URL without user name or password. Slack shows it in full.
        url: Option<ResultUrl>,
    }
}

impl From<ResultBody> for Report {
    fn from(body: ResultBody) -> Self {
        Self { status: body.status, summary: body.summary, url: body.url.map(|url| url.0) }
    }
}

impl Field for ResultStatus {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let known = value.as_str().and_then(Self::from_stored);
        if known.is_none() {
            faults.push(at.fault("must be `succeeded` or `failed`"));
        }
        known
    }

    fn schema() -> RefOr<Schema> {
        schema::result_status().into()
    }
}

/// An address that names its site truthfully.
#[derive(Debug)]
struct ResultUrl(Link);

impl Field for ResultUrl {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        read_text(value, at, faults, |text| Link::new(text)?.without_credentials().map(Self))
    }

    fn schema() -> RefOr<Schema> {
        Link::schema()
    }
}

/// Responds with the approval and its result.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/result", operation_id = "report_result", tag = "approvals",
    summary = "Report what came of an approved call",
    description = "The prompt, the Home tab and the audit show it. Repeating the same report changes nothing; \
        another one is refused, because the first may have been read. There is no time limit. Nothing depends on \
        a report: backends may leave it out.",
    params(("id" = String, Path, description = "The approval, `apr_…`.")),
    request_body(content = ResultBody, examples(
        ("succeeded" = (summary = "The action was run", value = json!(examples::result()))),
        ("failed" = (summary = "The action failed", value = json!(examples::failed_result()))),
    )),
    responses(
        (status = 200, description = "The approval with its result, from this call or an earlier one.", body = ApprovalJson<'_>, example = json!(examples::reported())),
        Reporting,
    ),
    security(("api_key" = ["ask"])),
)]
pub async fn report(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Ask).await?;
    let id = crate::api::approvals::id::parse(&id)?;
    let body: ResultBody = fields::read(fields::object(&headers, body)?)?;
    let report = Report::from(body);
    let approval = report_result::report(&api.service, &caller, id, &report).await?;
    tracing::info!(approval = %id, status = report.status.as_str(), "Result reported");
    Ok(Json(ApprovalJson::from(&approval)).into_response())
}
