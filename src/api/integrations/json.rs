//! An integration as a response describes it.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    domain::{
        catalog::UnlockedFor,
        field_hints::{FieldHint, Format},
        risk::Risk,
    },
    service::put_integration::Stored,
};

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
    /// The declared risks. Null if the backend declared neither a risk nor that the action is read-only.
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

pub(super) fn describe((integration, actions): Stored) -> IntegrationJson {
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
