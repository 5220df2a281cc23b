//! `POST /v1/admin/grants/{id}/revoke`.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{
        auth,
        body::ApiBody,
        fields::{self, json_body},
        path::Named,
        problem::{Kind, Missing, Problem, responses::RevokingGrant},
        state::Api,
    },
    domain::{ids::GrantId, revocation::RevocationReason},
    service::revoke_grants::{self, GrantChoice},
    wire::examples,
};

json_body! {
    /// Why a grant is revoked.
    pub struct RevokeGrantBody as "RevokeGrantBody" {
        /// The user reads it.
        reason: Option<RevocationReason>,
    }
}

/// What was revoked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revoked)]
pub struct RevokedJson {
    /// How many grants ended by this call.
    #[schema(minimum = 0)]
    pub(super) revoked: usize,
}

/// Responds with how many grants ended.
#[utoipa::path(
    post, path = "/v1/admin/grants/{id}/revoke", operation_id = "revoke_grant", tag = "administration",
    summary = "Revoke a grant",
    description = "From the response on, the grant approves nothing; its user gets a message with the reason. If it \
        covers every call of its action in every conversation, the user's other grants for the action end too, so \
        that the next request asks. Revoking a grant that has ended changes nothing: `revoked` is 0.",
    params(("id" = String, Path, description = "The grant, `grt_…`.")),
    request_body(content = RevokeGrantBody, example = json!(examples::revoke_grant())),
    responses((status = 200, description = "The grant has ended, by this call or earlier.", body = RevokedJson, example = json!(examples::revoked())), RevokingGrant),
    security(("admin_key" = [])),
)]
pub async fn revoke(
    State(api): State<Api>,
    Named(id): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let id: GrantId = id.parse().map_err(|_| Problem::new(Kind::NotFound(Missing::Grant)))?;
    let body: RevokeGrantBody = fields::read(fields::object(&headers, body)?)?;
    let which = GrantChoice::One(id);
    let revoked = revoke_grants::revoke_by_key(&api.service, &caller, &which, body.reason.as_ref()).await?;
    Ok(Json(RevokedJson { revoked }).into_response())
}
