//! `POST /v1/admin/grants/revoke`: all grants of a person, for an action, or both.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

use super::{
    grants::{self, ACTION},
    revoke_grant::RevokedJson,
};
use crate::{
    api::{
        auth,
        body::ApiBody,
        fields::{self, Field, Pointer, json_body},
        problem::{Fault, Problem, responses::RevokingGrants},
        state::Api,
    },
    domain::{action_path::ActionPath, ids::UserId, revocation::RevocationReason},
    service::revoke_grants::{self, GrantChoice},
    wire::examples,
};

json_body! {
    /// Which grants to revoke. At least one of `user` and `action`.
    pub struct RevokeGrantsBody as "RevokeGrantsBody" {
        /// Those of this Slack user.
        user: Option<UserId>,
        /// Those for this action, as `salesforce.create_record`. Where the name could mean two actions, a slash separates
        /// its keys: `claude.mcp/delete`.
        action: Option<ActionPath>,
        /// Why. The users read it.
        reason: Option<RevocationReason>,
    }
}

impl Field for UserId {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let user = value.as_str().and_then(Self::parse);
        if user.is_none() {
            faults.push(at.fault("must be a Slack user id (U…)"));
        }
        user
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[UW][A-Z0-9]{1,29}$")).into()
    }
}

impl Field for ActionPath {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let path = value.as_str().and_then(|text| Self::parse(text).ok());
        if path.is_none() {
            faults.push(at.fault(ACTION));
        }
        path
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(3)).max_length(Some(201)).into()
    }
}

/// Responds with how many grants ended.
#[utoipa::path(
    post, path = "/v1/admin/grants/revoke", operation_id = "revoke_grants", tag = "administration",
    summary = "Revoke all grants of a person, for an action, or both",
    description = "From the response on, none of them approves anything. Each user whose grants ended gets one \
        message with the reason. Repeating it changes nothing: `revoked` is 0.",
    request_body(content = RevokeGrantsBody, examples(
        ("person" = (summary = "All of a person", value = json!(examples::revoke_grants_of_person()))),
        ("action" = (summary = "All for an action", value = json!(examples::revoke_grants_for_action()))),
    )),
    responses((status = 200, description = "They have ended.", body = RevokedJson, example = json!(examples::revoked())), RevokingGrants),
    security(("admin_key" = [])),
)]
pub async fn revoke(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let body: RevokeGrantsBody = fields::read(fields::object(&headers, body)?)?;
    let fault = |pointer: &str, detail: &str| {
        Problem::invalid(vec![Fault {
            pointer: Some(pointer.to_owned()),
            parameter: None,
            detail: detail.to_owned(),
        }])
    };
    let action = match &body.action {
        Some(path) => {
            let found = grants::action(&api, caller.workspace(), path).await?;
            Some(found.map_err(|detail| fault("/action", detail))?)
        }
        None => None,
    };
    if body.user.is_none() && action.is_none() {
        return Err(fault("", "must name a `user`, an `action` or both"));
    }
    let which = GrantChoice::All { user: body.user, action };
    let revoked = revoke_grants::revoke_by_key(&api.service, &caller, &which, body.reason.as_ref()).await?;
    Ok(Json(RevokedJson { revoked }).into_response())
}
