//! `POST /v1/admin/actions/{integration}/{action}/unlock`.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

use super::actions::{self, ActionJson};
use crate::{
    api::{
        auth,
        body::ApiBody,
        fields::{self, Field, Pointer, WholeNumber, json_body},
        path::Named,
        problem::{Fault, Problem, responses::Unlocking},
        state::Api,
    },
    domain::catalog::UnlockedFor,
    service::actions as service,
    wire::examples,
};

json_body! {
    /// What users may allow for an action.
    pub struct UnlockActionBody as "UnlockActionBody" {
        /// `conversations`: grants for one conversation. `always`: also grants for every conversation.
        unlocked_for: UnlockedFor,
        /// The version of the description that you have read. If the present one is another, nothing changes.
        version: Option<WholeNumber<1, 2_147_483_647>>,
    }
}

impl Field for UnlockedFor {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let known = value.as_str().and_then(Self::from_stored);
        if known.is_none() {
            faults.push(at.fault("must be `conversations` or `always`"));
        }
        known
    }

    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.map(Self::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

/// Responds with the action as it is then.
#[utoipa::path(
    post, path = "/v1/admin/actions/{integration}/{action}/unlock", operation_id = "unlock_action", tag = "administration",
    summary = "Let users auto-approve an action",
    description = "Unlocks the action as it is described now, and answers the users who asked for it. If it is \
        unlocked already, this changes what users may allow, and confirms a changed description, so that its paused \
        grants work again. Limiting it to conversations ends the grants for every conversation. Repeating it changes \
        nothing.",
    params(
        ("integration" = String, Path, description = "The integration's key."),
        ("action" = String, Path, description = "The action's key."),
    ),
    request_body(content = UnlockActionBody, example = json!(examples::unlock_action())),
    responses((status = 200, description = "The action, unlocked by this call or earlier.", body = ActionJson, example = json!(examples::action())), Unlocking),
    security(("admin_key" = [])),
)]
pub async fn unlock(
    State(api): State<Api>,
    Named((integration, action)): Named<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let caller = auth::admin_without_query(&api, &headers, query.as_deref()).await?;
    let (integration, action) = actions::keys(integration, action)?;
    let body: UnlockActionBody = fields::read(fields::object(&headers, body)?)?;
    let (path, version) = ((&integration, &action), body.version.map(|version| version.0));
    let found = service::unlock(&api.service, &caller, path, body.unlocked_for, version).await?;
    Ok(Json(ActionJson::from(found)).into_response())
}
