//! `GET /v1/admin/grants`: what the users of the workspace auto-approve.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{
        auth,
        page::Page,
        problem::{Kind, Missing, Problem, responses::AdminListing},
        query::Query,
        state::Api,
    },
    domain::{
        action_path::ActionPath,
        ids::{ActionId, GrantId, UserId, WorkspaceId},
        narrowing::{Fixed, Narrowing},
        overview::UserGrantLine,
    },
    service::revoke_grants::{self, Filter},
    wire::{self, examples, schema},
};

/// A live grant of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserGrant)]
pub struct GrantJson {
    #[schema(schema_with = schema::grant_id)]
    id: GrantId,
    /// The Slack id of the user who gave it.
    user: String,
    /// The action that it approves, as `salesforce.create_record`.
    action: String,
    /// `conversation`: in one conversation only. `always`: in every conversation.
    #[schema(schema_with = schema::standing_scope)]
    scope: &'static str,
    /// The name of the backend whose conversation or agent it is for; `null`: of any.
    #[schema(required)]
    backend: Option<String>,
    /// The backend's id for the conversation, or the user's own.
    #[schema(required)]
    conversation: Option<String>,
    /// What it is narrowed to; `null`: nothing.
    #[schema(required)]
    limits: Option<GrantLimitsJson>,
    /// It approves nothing until an admin confirms the changed description of the action.
    paused: bool,
    #[schema(schema_with = schema::time)]
    #[serde(serialize_with = "wire::time")]
    created_at: DateTime<Utc>,
    /// How many requests it has approved.
    use_count: u64,
    #[schema(required, schema_with = schema::maybe_time)]
    #[serde(serialize_with = "wire::maybe_time")]
    last_used_at: Option<DateTime<Utc>>,
}

/// What a grant is narrowed to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GrantLimits)]
pub struct GrantLimitsJson {
    /// The names of the arguments that are held fixed. Their values are never shown here. `null` if they can't be
    /// decrypted; then it approves nothing.
    #[schema(required)]
    fixed_arguments: Option<Vec<String>>,
    /// The id of the agent whose requests it approves; `null`: of any.
    #[schema(required)]
    agent: Option<String>,
    /// When it ends.
    #[schema(required, schema_with = schema::maybe_time)]
    #[serde(serialize_with = "wire::maybe_time")]
    expires_at: Option<DateTime<Utc>>,
    /// How many requests it may approve.
    #[schema(required)]
    max_uses: Option<u16>,
    /// How many of them are left.
    #[schema(required)]
    uses_left: Option<u16>,
}

impl From<Narrowing> for GrantLimitsJson {
    fn from(narrowing: Narrowing) -> Self {
        let fixed_arguments = match &narrowing.fixed {
            Fixed::Nothing => Some(Vec::new()),
            Fixed::Values(values) => Some(values.members().keys().cloned().collect()),
            Fixed::Unreadable => None,
        };
        Self {
            fixed_arguments,
            agent: narrowing.agent.map(|(_, agent)| agent.id.as_str().to_owned()),
            expires_at: narrowing.until,
            max_uses: narrowing.uses.map(|uses| uses.max.number()),
            uses_left: narrowing.uses.map(|uses| uses.left),
        }
    }
}

impl From<UserGrantLine> for GrantJson {
    fn from(line: UserGrantLine) -> Self {
        Self {
            id: line.id,
            user: line.user.to_string(),
            action: line.path,
            scope: line.scope.scope().as_str(),
            backend: line.backend,
            conversation: line.conversation_id,
            limits: line.narrowing.map(GrantLimitsJson::from),
            paused: line.paused,
            created_at: line.created_at,
            use_count: line.use_count,
            last_used_at: line.last_used_at,
        }
    }
}

/// Responds with a page of the workspace's live grants.
#[utoipa::path(
    get, path = "/v1/admin/grants", operation_id = "list_grants", tag = "administration",
    summary = "List the live grants of all users, newest first",
    params(
        ("user" = Option<String>, Query, description = "Only those of this Slack user.", pattern = "^[UW][A-Z0-9]{1,29}$"),
        ("action" = Option<String>, Query, description = "Only those for this action, as `salesforce.create_record`. \
            Where the name could mean two actions, a slash separates its keys: `claude.mcp/delete`."),
        ("agent" = Option<String>, Query, description = "Only those that are narrowed to the agent with this id."),
        ("conversation" = Option<String>, Query, description = "Only those for the conversation that a backend \
            knows by this id."),
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of grants.", body = Page<GrantJson>, example = json!(examples::grants())), AdminListing),
    security(("admin_key" = [])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::admin(&api, &headers).await?;
    let mut query = Query::read(query.as_deref());
    let user = query.text("user", |text| UserId::parse(text).ok_or("must be a Slack user id (U…)"))?;
    let path = query.text("action", |text| ActionPath::parse(text).map_err(|_| ACTION))?;
    let agent = query.text("agent", |text| Ok(text.to_owned()))?;
    let conversation = query.text("conversation", |text| Ok(text.to_owned()))?;
    let before = query.cursor(|text| text.parse().ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let action = match path {
        Some(path) => match action(&api, caller.workspace(), &path).await {
            Ok(found) => found.map_err(|detail| Problem::parameter("action", detail)).map(Some)?,
            // No grant is for an action that does not exist.
            Err(problem) if problem.is(Kind::NotFound(Missing::Action)) => {
                return Ok(Json(Page::<GrantJson> { data: Vec::new(), next_cursor: None }).into_response());
            }
            Err(problem) => return Err(problem),
        },
        None => None,
    };
    let filter = Filter { user, action, agent, conversation, ..Filter::default() };
    let found = revoke_grants::list(&api.service, caller.workspace(), &filter, before, limit + 1).await?;
    let page = Page::cut(found, limit, |last| last.id.to_string());
    Ok(Json(page.map(GrantJson::from)).into_response())
}

/// What the name of an action must look like.
pub(super) const ACTION: &str = "must be an integration and an action, as salesforce.create_record";

/// The action that a name means. `Err` within: several actions have this name.
pub(super) async fn action(
    api: &Api,
    workspace: WorkspaceId,
    path: &ActionPath,
) -> Result<Result<ActionId, &'static str>, Problem> {
    let found = revoke_grants::action(&api.service, workspace, path).await?;
    Ok(found
        .map_err(|_| "is the name of several actions: separate its keys by a slash, as claude.mcp/delete"))
}
