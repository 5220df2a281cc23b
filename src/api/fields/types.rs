//! Field types that several bodies use.

use serde_json::{Map, Value};
use utoipa::openapi::{ArrayBuilder, KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type};

use crate::{
    api::{
        fields::{field::Field, pointer::Pointer},
        problem::Fault,
    },
    domain::{
        arguments::{Arguments, Digest},
        text::{ActionKey, IntegrationKey, Link, Text, TextFault},
    },
    wire::schema,
};

/// Parses a string with `read`, and adds its error as a fault.
pub fn read_text<T>(
    value: Value,
    at: Pointer<'_>,
    faults: &mut Vec<Fault>,
    read: impl FnOnce(String) -> Result<T, TextFault>,
) -> Option<T> {
    let Value::String(text) = value else {
        faults.push(at.fault("must be a string"));
        return None;
    };
    read(text).map_err(|fault| faults.push(at.fault(fault.to_string()))).ok()
}

impl<const MAX: usize> Field for Text<MAX> {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        read_text(value, at, faults, Self::new)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX)).into()
    }
}

impl Field for Digest {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let read = value.as_str().and_then(Self::parse);
        if read.is_none() {
            faults.push(at.fault("must be `sha256:` and 64 lower-case hexadecimal digits"));
        }
        read
    }

    fn schema() -> RefOr<Schema> {
        schema::digest().into()
    }
}

impl Field for IntegrationKey {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        read_text(value, at, faults, Self::new)
    }

    fn schema() -> RefOr<Schema> {
        let pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*(\\.[A-Za-z0-9][A-Za-z0-9_-]*)*$";
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(100)).pattern(Some(pattern)).into()
    }
}

impl Field for ActionKey {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        read_text(value, at, faults, Self::new)
    }

    fn schema() -> RefOr<Schema> {
        let pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

impl Field for Link {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        read_text(value, at, faults, Self::new)
    }

    fn schema() -> RefOr<Schema> {
        let url = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^https?://"));
        url.max_length(Some(2000)).into()
    }
}

impl Field for bool {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        value.as_bool().or_else(|| {
            faults.push(at.fault("must be true or false"));
            None
        })
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy)]
pub struct WholeNumber<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Field for WholeNumber<MIN, MAX> {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let found = value.as_i64().filter(|number| (MIN..=MAX).contains(number)).map(Self);
        if found.is_none() {
            faults.push(at.fault(format!("must be a whole number from {MIN} to {MAX}")));
        }
        found
    }

    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
        let number = ObjectBuilder::new().schema_type(Type::Integer).format(Some(format));
        number.minimum(Some(MIN)).maximum(Some(MAX)).into()
    }
}

/// Any JSON object.
impl Field for Map<String, Value> {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let Value::Object(members) = value else {
            faults.push(at.fault("must be an object"));
            return None;
        };
        Some(members)
    }

    fn schema() -> RefOr<Schema> {
        schema::object().into()
    }
}

impl Field for Arguments {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        Map::read(value, at, faults).map(Self::from_stored)
    }

    fn schema() -> RefOr<Schema> {
        <Map<String, Value> as Field>::schema()
    }
}

/// An array. Items with faults are left out.
impl<T: Field> Field for Vec<T> {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let Value::Array(items) = value else {
            faults.push(at.fault("must be an array"));
            return None;
        };
        let items = items.into_iter().enumerate();
        Some(items.filter_map(|(index, item)| T::read(item, at.child(&index.to_string()), faults)).collect())
    }

    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(T::schema()).into()
    }

    fn components(found: &mut Vec<(String, RefOr<Schema>)>) {
        T::components(found);
    }
}
