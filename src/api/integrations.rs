//! `/v1/integrations`: the catalogue of integrations and their actions.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, schema::Type},
};

use super::{
    auth,
    body::ApiBody,
    fields::{self, Field, Pointer, json_body, read_text},
    page::Page,
    path::Named,
    problem::{
        Fault, Kind, Missing, Problem,
        responses::{Listing, OneIntegration, PuttingIntegration},
    },
    query::Query,
};
use crate::{
    api::state::Api,
    domain::{
        api_keys::KeyScope,
        audit::Actor,
        catalog::{MOST_ACTIONS, UnlockedFor},
        field_hints::{self, ArgumentPointer, FieldHint, Format, Label, MOST_FIELDS, Presentation},
        input_schema::InputSchema,
        risk::{Impact, Risk, Risks},
        templates::{self, Template},
        text::{ActionKey, IntegrationKey, Link, Name, Prose},
    },
    service::{
        put_integration::{self, Catalog, CatalogAction, Stored},
        read,
    },
    wire::examples,
};

/// `PUT /v1/integrations/{key}`: the whole integration. What is left out is retired; locks stay as they are.
#[utoipa::path(
    put, path = "/v1/integrations/{key}", operation_id = "put_integration", tag = "integrations",
    summary = "Describe an integration and all its actions",
    description = "The first backend to describe an integration owns it; others get 403, unless an operator shares or moves it. Actions that are left out are retired: their grants end, and they are locked if they return. Other actions keep their locks. If the description of an unlocked action changes, its grants are paused until an admin confirms the change.",
    params(("key" = String, Path, description = "The integration's key: letters, digits, `_` and `-`.")),
    request_body(content = CatalogBody, example = json!(examples::catalog())),
    responses((status = 200, description = "The integration.", body = IntegrationJson, example = json!(examples::integration())), PuttingIntegration),
    security(("api_key" = ["catalog"])),
)]
pub async fn put(
    State(api): State<Api>,
    Named(key): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: ApiBody,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Catalog).await?;
    let key = IntegrationKey::new(key).map_err(|fault| Problem::parameter("key", fault.to_string()))?;
    let body: CatalogBody = fields::read(fields::object(&headers, body)?)?;
    let catalog = body.into();
    let actor = Actor::Backend(caller.backend);
    let stored = put_integration::put(&api.service, caller.workspace, &actor, &key, &catalog).await?;
    Ok(Json(describe(stored)).into_response())
}

/// `GET /v1/integrations/{key}`.
#[utoipa::path(
    get, path = "/v1/integrations/{key}", operation_id = "get_integration", tag = "integrations",
    summary = "Read one integration of the workspace",
    params(("key" = String, Path, description = "The integration's key: letters, digits, `_` and `-`.")),
    responses((status = 200, description = "The integration.", body = IntegrationJson, example = json!(examples::integration())), OneIntegration),
    security(("api_key" = ["read"])),
)]
pub async fn get(
    State(api): State<Api>,
    Named(key): Named<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller_without_query(&api, &headers, query.as_deref(), KeyScope::Read).await?;
    let key = self::key(key)?;
    let stored = read::integration(&api.service, caller, &key).await?;
    Ok(Json(describe(stored)).into_response())
}

/// `GET /v1/integrations`, in the order of their keys.
#[utoipa::path(
    get, path = "/v1/integrations", operation_id = "list_integrations", tag = "integrations",
    summary = "List the workspace's integrations, ordered by key",
    params(
        ("limit" = Option<i64>, Query, description = "Items per page. Default: 50.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page."),
    ),
    responses((status = 200, description = "A page of integrations.", body = Page<IntegrationJson>, example = json!(examples::integrations())), Listing),
    security(("api_key" = ["read"])),
)]
pub async fn list(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = auth::caller(&api, &headers, KeyScope::Read).await?;
    let mut query = Query::read(query.as_deref());
    let after = query.cursor(|text| IntegrationKey::new(text).ok())?;
    let limit = query.limit()?;
    query.finish()?;
    let after = after.as_ref().map(IntegrationKey::as_str);
    let found = read::integrations(&api.service, caller, after, limit + 1).await?;
    let page = Page::cut(found, limit, |(last, _)| last.key.clone());
    Ok(Json(page.map(describe)).into_response())
}

/// Parses an integration's key from a path. A malformed key is *not found*, like an unknown one.
pub(super) fn key(text: String) -> Result<IntegrationKey, Problem> {
    IntegrationKey::new(text).map_err(|_| Problem::new(Kind::NotFound(Missing::Integration)))
}

/// What an agent uses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Integration)]
pub struct IntegrationJson {
    key: String,
    name: String,
    #[schema(required)]
    description: Option<String>,
    /// Whether a user must have connected it before anything is auto-approved.
    requires_connection: bool,
    /// The address where users connect it.
    #[schema(required)]
    connect_url: Option<String>,
    actions: Vec<ActionJson>,
}

/// What an agent does with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Action)]
#[expect(clippy::struct_excessive_bools, reason = "each is another fact")]
pub struct ActionJson {
    key: String,
    name: String,
    #[schema(required)]
    description: Option<String>,
    read_only: bool,
    /// Whether `risk` contains `destructive`.
    destructive: bool,
    /// The declared risks. Null if none were declared, nor that the action is read-only.
    #[schema(required, inline)]
    risk: Option<Vec<RiskName>>,
    /// The template of a request's title.
    #[schema(required)]
    title: Option<String>,
    /// The arguments in the order in which they are shown.
    fields: Vec<FieldJson>,
    /// The JSON Schema of the arguments.
    #[schema(required)]
    input_schema: Option<Map<String, Value>>,
    /// Whether an admin has unlocked it. A change of its description pauses grants until an admin confirms it.
    unlocked: bool,
    /// What users may allow: grants for one conversation (`conversations`), or also for every conversation (`always`).
    /// Null if it is locked.
    #[schema(required, inline)]
    unlocked_for: Option<UnlockedForName>,
    /// Whether a person must open a request's details before they approve it.
    must_read: bool,
}

/// A risk in a response.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Risk)]
pub enum RiskName {
    /// Deletes or overwrites data.
    Destructive,
    /// Moves money.
    Money,
    /// Sends something to people or systems outside.
    External,
}

impl From<Risk> for RiskName {
    fn from(risk: Risk) -> Self {
        match risk {
            Risk::Destructive => Self::Destructive,
            Risk::Money => Self::Money,
            Risk::External => Self::External,
        }
    }
}

/// What an action is unlocked for, in a response.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = UnlockedFor)]
pub enum UnlockedForName {
    /// Grants for one conversation.
    Conversations,
    /// Also grants for every conversation.
    Always,
}

impl From<UnlockedFor> for UnlockedForName {
    fn from(what: UnlockedFor) -> Self {
        match what {
            UnlockedFor::Conversations => Self::Conversations,
            UnlockedFor::Always => Self::Always,
        }
    }
}

/// How an argument, or a part of one, is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Field)]
pub struct FieldJson {
    pointer: String,
    #[schema(required)]
    label: Option<String>,
    #[schema(required)]
    format: Option<&'static str>,
}

impl From<FieldHint> for FieldJson {
    fn from(hint: FieldHint) -> Self {
        Self {
            pointer: hint.pointer.as_str().to_owned(),
            label: hint.label.map(|label| label.to_string()),
            format: hint.format.map(Format::as_str),
        }
    }
}

fn describe((integration, actions): Stored) -> IntegrationJson {
    let actions = actions.into_iter().map(|action| ActionJson {
        key: action.key,
        name: action.name,
        description: action.description,
        read_only: action.impact.is_read_only(),
        destructive: action.impact.is_destructive(),
        risk: action.impact.declared().map(|risks| risks.iter().map(RiskName::from).collect()),
        title: action.presentation.title.map(|title| title.as_str().to_owned()),
        fields: action.presentation.fields.into_iter().map(FieldJson::from).collect(),
        input_schema: action.input_schema.map(|schema| schema.members().clone()),
        unlocked: action.unlocked.is_some(),
        unlocked_for: action.unlocked.map(UnlockedForName::from),
        must_read: action.must_read,
    });
    IntegrationJson {
        key: integration.key,
        name: integration.name,
        description: integration.description,
        requires_connection: integration.requires_connection,
        connect_url: integration.connect_url,
        actions: actions.collect(),
    }
}

json_body! {
    /// The whole integration. What is left out is retired.
    pub struct CatalogBody as "IntegrationBody" {
        name: Name,
        description: Option<Prose>,
        /// Whether a user must have connected it before anything is auto-approved. Default: `true`.
        requires_connection: Option<bool>,
        /// The address where users connect it: an absolute http or https URL.
        connect_url: Option<Link>,
        actions: Actions,
    }

    /// How an argument, or a part of one, is shown.
    pub struct FieldBody as "FieldBody" {
        /// Where the value is in the arguments: a JSON pointer (RFC 6901) such as `/to` or `/message/subject`.
        pointer: ArgumentPointer,
        /// What people read above the value. Default: made from its key.
        label: Option<Label>,
        /// How the value is shown. Default: guessed from the value.
        format: Option<Format>,
    }
}

/// An action of an integration. A new one is locked.
#[derive(Debug)]
pub struct CatalogActionBody {
    key: ActionKey,
    name: Name,
    description: Option<Prose>,
    impact: Impact,
    presentation: Presentation,
    input_schema: Option<InputSchema>,
}

json_body! {
    /// An action of an integration. A new one is locked.
    struct ActionMembers as "ActionBody" {
        key: ActionKey,
        name: Name,
        description: Option<Prose>,
        /// Whether the action changes nothing. Default: `false`.
        read_only: Option<bool>,
        /// Whether the action deletes or overwrites data. `true` is the same as a `risk` that contains `destructive`.
        destructive: Option<bool>,
        /// What a person should know before they approve it; empty if there is none of these risks. Left out, people
        /// read that the effect is not declared. Not together with `read_only`.
        risk: Option<RiskNames>,
        /// The title of a request: a template in which `{name}` stands for a top-level argument, such as `Send mail to
        /// {to}`. It begins with a verb. `{{` and `}}` are braces.
        title: Option<Template>,
        /// The arguments in the order in which people read them. Those left out follow them.
        fields: Option<FieldBodies>,
        /// A JSON Schema of the arguments: at most 64 KiB of compact JSON, references only into itself, patterns
        /// without look-around and back-references.
        input_schema: Option<InputSchema>,
    }
}

impl Field for CatalogActionBody {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let members = ActionMembers::read(value, at, faults)?;
        let impact = impact(&members, at, faults)?;
        Some(Self {
            key: members.key,
            name: members.name,
            description: members.description,
            impact,
            presentation: Presentation { title: members.title, fields: members.fields.unwrap_or_default().0 },
            input_schema: members.input_schema,
        })
    }

    fn schema() -> RefOr<Schema> {
        <ActionMembers as Field>::schema()
    }

    fn components(found: &mut Vec<(String, RefOr<Schema>)>) {
        ActionMembers::components(found);
    }
}

/// What the members declare together.
fn impact(members: &ActionMembers, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Impact> {
    let read_only = members.read_only.unwrap_or(false);
    let Some(RiskNames(risks)) = members.risk else {
        return match (read_only, members.destructive.unwrap_or(false)) {
            (true, true) => {
                faults.push(at.child("destructive").fault(READ_ONLY));
                None
            }
            (true, false) => Some(Impact::ReadOnly),
            (false, true) => Some(Impact::DESTRUCTIVE),
            (false, false) => Some(Impact::Undeclared),
        };
    };
    if read_only && !risks.is_empty() {
        faults.push(at.child("risk").fault(READ_ONLY));
        return None;
    }
    if members.destructive.is_some_and(|destructive| destructive != risks.contains(Risk::Destructive)) {
        faults.push(at.child("destructive").fault("contradicts risk: leave it out"));
        return None;
    }
    Some(if read_only { Impact::ReadOnly } else { Impact::Changes(risks) })
}

const READ_ONLY: &str = "contradicts read_only: an action that changes nothing has none of these risks";

/// A set of risks in a body.
#[derive(Debug, Clone, Copy)]
struct RiskNames(Risks);

impl Field for RiskNames {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let risks: Vec<Risk> = Vec::read(value, at, faults)?;
        Some(Self(risks.into_iter().collect()))
    }

    fn schema() -> RefOr<Schema> {
        <Vec<Risk> as Field>::schema()
    }
}

/// The fields of an action: of limited number, each of another value.
#[derive(Debug, Default)]
struct FieldBodies(Vec<FieldHint>);

impl Field for FieldBodies {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let count = value.as_array().map_or(0, Vec::len);
        let before = faults.len();
        let fields: Vec<FieldBody> = Vec::read(value, at, faults)?;
        if count > MOST_FIELDS {
            faults.push(at.fault(format!("must have at most {MOST_FIELDS} items; got {count}")));
        }
        let hints = fields.into_iter().map(|field| FieldHint {
            pointer: field.pointer,
            label: field.label,
            format: field.format,
        });
        let hints: Vec<FieldHint> = hints.collect();
        // Items with faults were left out, so indices would be wrong.
        if faults.len() == before {
            for (index, fault) in field_hints::faults(&hints) {
                faults.push(at.child(&index.to_string()).fault(fault));
            }
        }
        Some(Self(hints))
    }

    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(FieldBody::schema()).max_items(Some(MOST_FIELDS)).into()
    }

    fn components(found: &mut Vec<(String, RefOr<Schema>)>) {
        FieldBody::components(found);
    }
}

impl Field for Risk {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        one_of(&value, at, faults, Self::ALL.map(Self::as_str), Self::from_name)
    }

    fn schema() -> RefOr<Schema> {
        names(Self::ALL.map(Self::as_str))
    }
}

impl Field for Format {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        one_of(&value, at, faults, Self::ALL.map(Self::as_str), Self::from_name)
    }

    fn schema() -> RefOr<Schema> {
        names(Self::ALL.map(Self::as_str))
    }
}

/// Reads one of a few names.
fn one_of<T, const N: usize>(
    value: &Value,
    at: Pointer<'_>,
    faults: &mut Vec<Fault>,
    known: [&str; N],
    from_name: fn(&str) -> Option<T>,
) -> Option<T> {
    let found = value.as_str().and_then(from_name);
    if found.is_none() {
        faults.push(at.fault(format!("must be one of {}", known.join(", "))));
    }
    found
}

fn names<const N: usize>(known: [&'static str; N]) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(known)).into()
}

impl Field for ArgumentPointer {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        read_text(value, at, faults, Self::new)
    }

    fn schema() -> RefOr<Schema> {
        let pointer = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^/([^~]|~[01])*$"));
        pointer.max_length(Some(200)).into()
    }
}

impl Field for Template {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let Value::String(text) = value else {
            faults.push(at.fault("must be a string"));
            return None;
        };
        Self::new(text).map_err(|fault| faults.push(at.fault(fault.to_string()))).ok()
    }

    fn schema() -> RefOr<Schema> {
        let template = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        template.max_length(Some(templates::LONGEST)).into()
    }
}

impl Field for InputSchema {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let members = Map::read(value, at, faults)?;
        let found = Self::new(members);
        for fault in found.as_ref().err().into_iter().flatten() {
            faults.push(at.below(&fault.path, &fault.detail));
        }
        found.ok()
    }

    fn schema() -> RefOr<Schema> {
        <Map<String, Value> as Field>::schema()
    }
}

/// The actions of an integration: of limited number, and with unique keys.
#[derive(Debug)]
struct Actions(Vec<CatalogActionBody>);

impl Field for Actions {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let actions: Vec<CatalogActionBody> = Vec::read(value, at, faults)?;
        if actions.len() > usize::from(MOST_ACTIONS) {
            faults.push(at.fault(format!("must have at most {MOST_ACTIONS} items; got {}", actions.len())));
        }
        for (index, action) in actions.iter().enumerate() {
            if actions[..index].iter().any(|other| other.key == action.key) {
                faults.push(at.fault(format!("has a duplicate key: `{}`", action.key)));
            }
        }
        Some(Self(actions))
    }

    fn schema() -> RefOr<Schema> {
        let items = CatalogActionBody::schema();
        ArrayBuilder::new().items(items).max_items(Some(MOST_ACTIONS.into())).into()
    }

    fn components(found: &mut Vec<(String, RefOr<Schema>)>) {
        CatalogActionBody::components(found);
    }
}

impl From<CatalogBody> for Catalog {
    fn from(body: CatalogBody) -> Self {
        let actions = body.actions.0.into_iter().map(|action| CatalogAction {
            key: action.key,
            name: action.name,
            description: action.description,
            impact: action.impact,
            presentation: action.presentation,
            input_schema: action.input_schema,
        });
        Self {
            name: body.name,
            description: body.description,
            requires_connection: body.requires_connection.unwrap_or(true),
            connect_url: body.connect_url,
            actions: actions.collect(),
        }
    }
}
