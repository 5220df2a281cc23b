//! `POST /v1/admin/pauses`.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

use super::pauses::PauseJson;
use crate::{
    api::{
        auth,
        body::ApiBody,
        fields::{self, Field, Pointer, json_body},
        problem::{Fault, Problem, responses::Pausing},
        state::Api,
    },
    domain::{
        ids::BackendId,
        pauses::{PauseReason, PauseTarget, PausedRequests},
        text::ForeignId,
    },
    service::pauses::{self, NewPause},
    wire::examples,
};

json_body! {
    /// What to pause, and why. At least one of `backend` and `agent`.
    pub struct PauseBody as "PauseBody" {
        /// The backend, as `GET /v1/admin/backends` lists it. Without it, the agents with this id of all backends.
        backend: Option<BackendId>,
        /// The backend's id for the agent, as it sends it in `agent.id`. Without it, the whole backend.
        agent: Option<ForeignId>,
        /// `held`, the default: its requests wait, and people can deny them, but not approve them. `denied`: new requests
        /// are denied at once with the reason; those that wait are held.
        requests: Option<PausedRequests>,
        /// Why. The people whose requests wait read it, and so does the agent.
        reason: PauseReason,
    }
}

impl Field for BackendId {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let id = value.as_str().and_then(|text| text.parse().ok());
        if id.is_none() {
            faults.push(at.fault("must be the id of a backend (bck_…)"));
        }
        id
    }

    fn schema() -> RefOr<Schema> {
        crate::wire::schema::backend_id().into()
    }
}

impl Field for PausedRequests {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let known = value.as_str().and_then(Self::from_stored);
        if known.is_none() {
            faults.push(at.fault("must be `held` or `denied`"));
        }
        known
    }

    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.map(Self::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

/// Responds with the pause.
#[utoipa::path(
    post, path = "/v1/admin/pauses", operation_id = "create_pause", tag = "administration",
    summary = "Pause an agent or a backend at once",
    description = "From the response on, nothing that it asks is approved, and no permit of what was approved before is \
        given, until it is resumed. Pausing the same again changes the reason and what happens to requests; repeating \
        the call changes nothing.",
    request_body(content = PauseBody, examples(
        ("agent" = (summary = "An agent of one backend", value = json!(examples::pause_agent()))),
        ("backend" = (summary = "A whole backend", value = json!(examples::pause_backend()))),
    )),
    responses((status = 200, description = "The pause, by this call or an earlier one.", body = PauseJson, example = json!(examples::pause())), Pausing),
    security(("admin_key" = [])),
)]
pub async fn pause(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let body: PauseBody = fields::read(fields::object(&headers, body)?)?;
    let target = match (body.backend, body.agent) {
        (backend, Some(agent)) => PauseTarget::Agent { backend, agent },
        (Some(backend), None) => PauseTarget::Backend(backend),
        (None, None) => {
            let detail = "must name a `backend`, an `agent` or both".to_owned();
            return Err(Problem::invalid(vec![Fault {
                pointer: Some(String::new()),
                parameter: None,
                detail,
            }]));
        }
    };
    let new =
        NewPause { target, requests: body.requests.unwrap_or(PausedRequests::Held), reason: body.reason };
    let line = pauses::pause(&api.service, caller.workspace(), &new, &caller.actor()).await?;
    Ok(Json(PauseJson::from(line)).into_response())
}
