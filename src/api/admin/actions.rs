//! `GET /v1/admin/actions`: the actions of the workspace, and which are locked.

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
        integrations::{RiskName, UnlockedForName},
        page::Page,
        problem::{Kind, Missing, Problem, responses::AdminListing},
        query::Query,
        state::Api,
    },
    domain::{
        catalog::Lock,
        text::{ActionKey, IntegrationKey},
    },
    service::actions::{self, Action, PageFilter},
    wire::examples,
};

/// An action, with its lock.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminAction)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct ActionJson {
    /// The key of its integration.
    integration: String,
    /// Its own key.
    action: String,
    /// The integration's display name.
    integration_name: String,
    /// The action's display name.
    name: String,
    #[schema(required)]
    description: Option<String>,
    /// Counts the versions of its description, from 1.
    #[schema(minimum = 1)]
    version: i32,
    read_only: bool,
    /// The declared risks. Null if the backend declared neither a risk nor that the action is read-only.
    #[schema(required, inline)]
    risk: Option<Vec<RiskName>>,
    /// Whether an admin has unlocked it.
    unlocked: bool,
    /// What users may allow: grants for one conversation (`conversations`), or also for every conversation (`always`).
    /// Null if it is locked.
    #[schema(required, inline)]
    unlocked_for: Option<UnlockedForName>,
    /// Its description has changed since it was unlocked or confirmed: its grants are paused. Unlocking it again confirms
    /// the new description.
    changed: bool,
    /// Whether a person must open a request's details before they approve it.
    must_read: bool,
}

impl From<Action> for ActionJson {
    fn from(action: Action) -> Self {
        let changed = matches!(action.lock(), Lock::Changed(_));
        Self {
            integration: action.integration,
            action: action.key,
            integration_name: action.integration_name,
            name: action.name,
            description: action.description,
            version: action.number,
            read_only: action.impact.is_read_only(),
            risk: action.impact.declared().map(|risks| risks.iter().map(RiskName::from).collect()),
            unlocked: action.unlocked.is_some(),
            unlocked_for: action.unlocked.map(UnlockedForName::from),
            changed,
            must_read: action.must_read,
        }
    }
}

/// Responds with a page of the workspace's actions.
#[utoipa::path(
    get, path = "/v1/admin/actions", operation_id = "list_actions", tag = "administration",
    summary = "List the actions and their locks, ordered by integration and key",
    params(
        ("integration" = Option<String>, Query, description = "Only those of this integration."),
        ("unlocked" = Option<bool>, Query, description = "Only those that are unlocked (`true`) or locked (`false`)."),
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of actions.", body = Page<ActionJson>, example = json!(examples::actions())), AdminListing),
    security(("admin_key" = [])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let integration = query
        .text("integration", |text| IntegrationKey::new(text).map_err(|_| "must be an integration's key"))?;
    let unlocked =
        query.text("unlocked", |text| text.parse::<bool>().map_err(|_| "must be true or false"))?;
    let after = query.cursor(|text| {
        let (integration, action) = text.split_once('/')?;
        Some((IntegrationKey::new(integration).ok()?, ActionKey::new(action).ok()?))
    })?;
    let limit = query.limit()?;
    query.finish()?;
    let filter = PageFilter { integration, unlocked, after };
    let found = actions::list(&api.service, &caller, &filter, limit + 1).await?;
    let page = Page::cut(found, limit, |last| format!("{}/{}", last.integration, last.key));
    Ok(Json(page.map(ActionJson::from)).into_response())
}

/// Parses the keys in a path. Malformed keys are *not found*, like unknown ones.
pub(super) fn keys(integration: String, action: String) -> Result<(IntegrationKey, ActionKey), Problem> {
    match (IntegrationKey::new(integration), ActionKey::new(action)) {
        (Ok(integration), Ok(action)) => Ok((integration, action)),
        _ => Err(Problem::new(Kind::NotFound(Missing::Action))),
    }
}
