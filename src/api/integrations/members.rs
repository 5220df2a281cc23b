//! The members of an action's description whose values are parsed: risks, formats, pointers, templates, schemas.

use serde_json::{Map, Value};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

use crate::{
    api::{
        fields::{Field, Pointer, read_text},
        problem::Fault,
    },
    domain::{
        field_hints::{ArgumentPointer, Format},
        input_schema::InputSchema,
        risk::{Risk, Risks},
        templates::{self, Template},
    },
};

/// A set of risks in a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct RiskNames(pub(super) Risks);

impl Field for RiskNames {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let risks: Vec<Risk> = Vec::read(value, at, faults)?;
        Some(Self(risks.into_iter().collect()))
    }

    fn schema() -> RefOr<Schema> {
        <Vec<Risk> as Field>::schema()
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
