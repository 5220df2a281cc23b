//! JSON bodies. `json_body!` describes a body once, for parsing and for the `OpenAPI` document.
//!
//! All faults are reported, each with its JSON pointer, and unknown fields are refused by name.

mod field;
mod pointer;
mod types;

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::AdditionalProperties};

pub use self::{
    field::Field,
    pointer::Pointer,
    types::{WholeNumber, read_text},
};
use super::{
    body::ApiBody,
    problem::{Fault, Kind, Problem},
};
use crate::domain::arguments::Exact;

/// Reads a body as a JSON object.
pub fn object(headers: &HeaderMap, body: ApiBody) -> Result<Map<String, Value>, Problem> {
    let body = body.0?;
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Kind::UnsupportedMediaType));
    }
    match Exact::read(&body) {
        Ok(Exact(Value::Object(members))) => Ok(members),
        Ok(_) => Err(Problem::new(Kind::InvalidJson).because("The body is not a JSON object.")),
        Err(error) => Err(Problem::new(Kind::InvalidJson).because(format!("The body {error}."))),
    }
}

/// Parses a body's fields, or returns all of their faults.
pub fn read<T: Field>(members: Map<String, Value>) -> Result<T, Problem> {
    read_beside(members, None)
}

/// Like [`read`], for a body in which a fault was found already.
pub fn read_beside<T: Field>(members: Map<String, Value>, found: Option<Fault>) -> Result<T, Problem> {
    let mut faults = Vec::from_iter(found);
    match T::read(Value::Object(members), Pointer::ROOT, &mut faults) {
        Some(read) if faults.is_empty() => Ok(read),
        _ => Err(Problem::invalid(faults)),
    }
}

/// An object whose members are taken out one by one.
#[derive(Debug)]
pub struct Members<'m> {
    left: Map<String, Value>,
    at: Pointer<'m>,
    faults: &'m mut Vec<Fault>,
}

impl<'m> Members<'m> {
    /// The members of the value at `at`, which must be an object.
    pub fn new(value: Value, at: Pointer<'m>, faults: &'m mut Vec<Fault>) -> Option<Self> {
        let members = Map::read(value, at, faults)?;
        Some(Self { left: members, at, faults })
    }

    /// Takes a member. `None`: a fault was added.
    pub fn take<T: Field>(&mut self, name: &str) -> Option<T> {
        // `remove` would change the order of the other members.
        match self.left.shift_remove(name).filter(|value| !value.is_null()) {
            Some(value) => T::read(value, self.at.child(name), self.faults),
            None => T::missing().or_else(|| {
                self.faults.push(self.at.child(name).fault("is required"));
                None
            }),
        }
    }

    /// Adds a fault for each member that was not taken.
    pub fn finish(self) {
        let faults = self.left.keys().map(|name| self.at.child(name).fault("is not a field of this request"));
        self.faults.extend(faults);
    }
}

/// Declares a JSON object of a request as a struct. Its doc comments become the descriptions in the `OpenAPI` document.
/// The fields' types define how they are parsed, whether they are required, and their schemas.
macro_rules! json_body {
    ($(
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident as $schema:literal {
            $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)*
        }
    )*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug)]
        $vis struct $name {
            $($(#[doc = $field_doc])* $field: $type,)*
        }

        impl $crate::api::fields::Field for $name {
            fn read(
                value: serde_json::Value,
                at: $crate::api::fields::Pointer<'_>,
                faults: &mut Vec<$crate::api::problem::Fault>,
            ) -> Option<Self> {
                let mut members = $crate::api::fields::Members::new(value, at, faults)?;
                // Take all of them before the first `?`, so that every fault is found.
                $(let $field = members.take::<$type>(stringify!($field));)*
                members.finish();
                Some(Self { $($field: $field?,)* })
            }

            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::Ref::from_schema_name($schema).into()
            }

            fn components(found: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                found.push(($schema.to_owned(), <Self as utoipa::PartialSchema>::schema()));
                $(<$type as $crate::api::fields::Field>::components(found);)*
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let object = $crate::api::fields::ObjectSchema::new(&[$($doc),*]);
                $(let object = object.field::<$type>(stringify!($field), &[$($field_doc),*]);)*
                object.into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $schema.into()
            }

            fn schemas(found: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                $(<$type as $crate::api::fields::Field>::components(found);)*
            }
        }
    )*};
}
pub(crate) use json_body;

/// Builds the schema of a `json_body!`.
pub struct ObjectSchema(ObjectBuilder);

impl ObjectSchema {
    /// An object without fields, described by the lines of its doc comment.
    #[must_use]
    pub fn new(doc: &[&str]) -> Self {
        let no_others = AdditionalProperties::FreeForm(false);
        Self(ObjectBuilder::new().description(description(doc)).additional_properties(Some(no_others)))
    }

    /// Adds a field.
    #[must_use]
    pub fn field<T: Field>(self, name: &str, doc: &[&str]) -> Self {
        let mut schema = T::schema();
        match &mut schema {
            RefOr::T(Schema::Object(object)) => object.description = description(doc),
            RefOr::T(Schema::Array(array)) => array.description = description(doc),
            RefOr::T(Schema::OneOf(one_of)) => one_of.description = description(doc),
            RefOr::Ref(reference) => reference.description = description(doc).unwrap_or_default(),
            RefOr::T(_) => {}
        }
        let object = self.0.property(name, schema);
        Self(if T::missing().is_none() { object.required(name) } else { object })
    }
}

impl From<ObjectSchema> for RefOr<Schema> {
    fn from(schema: ObjectSchema) -> Self {
        schema.0.into()
    }
}

/// Joins the lines of a doc comment.
fn description(doc: &[&str]) -> Option<String> {
    let lines: Vec<&str> = doc.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::{PartialSchema, ToSchema};

    use super::*;
    use crate::domain::text::Name;

    json_body! {
        /// A thing.
        struct Thing as "Thing" {
            name: Name,
            missing: Name,
            /// How many.
            count: Option<WholeNumber<1, 9>>,
            flag: Option<bool>,
            inner: Inner,
            items: Vec<Inner>,
        }

        struct Inner as "Inner" {
            name: Option<Name>,
        }
    }

    #[test]
    fn every_fault_is_found_with_its_pointer() {
        let body = json!({
            "name": "", "count": 1.5, "flag": "yes", "extra/~": 1,
            "inner": { "name": 7, "other": null },
            "items": [{ "name": "fine" }, 3, { "name": "" }],
        });
        let mut faults = Vec::new();
        let thing = Thing::read(body, Pointer::ROOT, &mut faults);
        assert!(thing.is_none());
        let pointers: Vec<_> = faults.iter().filter_map(|fault| fault.pointer.as_deref()).collect();
        let expected = [
            "/name",
            "/missing",
            "/count",
            "/flag",
            "/inner/name",
            "/inner/other",
            "/items/1",
            "/items/2/name",
            "/extra~1~0",
        ];
        assert_eq!(pointers, expected);
    }

    #[test]
    fn fields_left_out_or_null_are_missing() {
        let body = json!({
            "name": "a", "missing": "b", "count": 9, "flag": null, "inner": {}, "items": [{ "name": "c" }],
        });
        let mut faults = Vec::new();
        let Thing { name, missing, count, flag, inner, items } =
            Thing::read(body, Pointer::ROOT, &mut faults).unwrap();
        assert_eq!([name.as_str(), missing.as_str()], ["a", "b"]);
        assert_eq!((count.map(|count| count.0), flag), (Some(9), None));
        assert!(inner.name.is_none());
        let names: Vec<_> = items.iter().filter_map(|item| item.name.as_ref()).map(Name::as_str).collect();
        assert_eq!((names, faults.len()), (vec!["c"], 0));
    }

    #[test]
    fn the_schema_says_what_is_read() {
        let expected = json!({
            "type": "object", "description": "A thing.", "additionalProperties": false,
            "required": ["name", "missing", "inner", "items"],
            "properties": {
                "name": { "type": "string", "minLength": 1, "maxLength": 200 },
                "missing": { "type": "string", "minLength": 1, "maxLength": 200 },
                "count": {
                    "type": ["integer", "null"], "format": "int64", "minimum": 1, "maximum": 9,
                    "description": "How many.",
                },
                "flag": { "type": ["boolean", "null"] },
                "inner": { "$ref": "#/components/schemas/Inner" },
                "items": { "type": "array", "items": { "$ref": "#/components/schemas/Inner" } },
            },
        });
        assert_eq!(serde_json::to_value(<Thing as PartialSchema>::schema()).unwrap(), expected);
        let mut components = Vec::new();
        <Thing as ToSchema>::schemas(&mut components);
        assert!(components.iter().all(|(name, _)| name == "Inner") && !components.is_empty());
    }
}
