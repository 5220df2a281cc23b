//! The body that describes an integration and its actions.

use serde_json::Value;
use utoipa::openapi::{ArrayBuilder, RefOr, Schema};

use super::members::RiskNames;
use crate::{
    api::{
        fields::{Field, Pointer, json_body},
        problem::Fault,
    },
    domain::{
        catalog::MOST_ACTIONS,
        field_hints::{self, ArgumentPointer, FieldHint, Format, Label, MOST_FIELDS, Presentation},
        input_schema::InputSchema,
        risk::{Impact, Risk},
        templates::Template,
        text::{ActionKey, Link, Name, Prose},
    },
    service::put_integration::{Catalog, CatalogAction},
};

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
