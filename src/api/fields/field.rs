//! The interface of a field's type.

use serde_json::Value;
use utoipa::openapi::{
    ObjectBuilder, OneOfBuilder, RefOr, Schema,
    schema::{SchemaType, Type},
};

use crate::api::{fields::pointer::Pointer, problem::Fault};

/// A type that a field of a body may have.
pub trait Field: Sized {
    /// Parses a value that is not null. `None`: it is invalid, and its faults were added.
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self>;

    /// The value of a missing or null field. `None`: the field is required.
    #[must_use]
    fn missing() -> Option<Self> {
        None
    }

    /// The type in the `OpenAPI` document.
    fn schema() -> RefOr<Schema>;

    /// Adds the named schemas that [`Field::schema`] refers to.
    fn components(_: &mut Vec<(String, RefOr<Schema>)>) {}
}

impl<T: Field> Field for Option<T> {
    fn read(value: Value, at: Pointer<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        T::read(value, at, faults).map(Some)
    }

    fn missing() -> Option<Self> {
        Some(None)
    }

    fn schema() -> RefOr<Schema> {
        let null = ObjectBuilder::new().schema_type(Type::Null);
        match T::schema() {
            RefOr::T(Schema::Object(mut object)) => {
                if let SchemaType::Type(kind) = object.schema_type {
                    object.schema_type = SchemaType::from_iter([kind, Type::Null]);
                }
                object.into()
            }
            other => OneOfBuilder::new().item(other).item(null).into(),
        }
    }

    fn components(found: &mut Vec<(String, RefOr<Schema>)>) {
        T::components(found);
    }
}
